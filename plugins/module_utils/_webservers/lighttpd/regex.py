# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Host names and paths as lighttpd's regular expressions (PCRE), and the names that such an expression stands for."""

from __future__ import annotations

import re
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address

# A Host may have a port, which says nothing of the site.
PORT = "(?::[0-9]+)?"
ANY_HOST = ".*?"
_WILD = "[^:]+"
_PORTS = (PORT, "(:[0-9]+)?", r"(?::\d+)?", r"(:\d+)?")
_WILDS = (_WILD, "[^.]+", ".+", ".*")
_LOOKAHEAD = re.compile(r"\(\?!\(\?:[^()]*\)" + re.escape(PORT) + r"\$\)")
_MOST_GROUPS = 20  # of one expression that is worth understanding
_PLAIN = re.compile(r"(?:\[[0-9a-f:.]+\]|[a-z0-9_.-]+)\Z")


def escape(text: str) -> str:
    """Returns a text as an expression that stands for it alone, without a quote, which strings would escape."""
    return re.sub(
        r"[^A-Za-z0-9_/:@,=~%&;!'<> \x80-\U0010ffff-]",
        lambda found: r"\x22" if found.group() == '"' else "\\" + found.group(),
        text,
    )


def write_name(name: str) -> str:
    """Returns a host name, wildcard or address as an expression for the Host without a port."""
    if name.startswith("*."):
        return _WILD + escape(name[1:])
    return escape(f"[{name}]" if ":" in name and is_address(name) else name)


def read_names(pattern: str) -> Optional[Tuple[str, ...]]:
    """Returns the names that an expression for hosts stands for, such as ``*.example.com``; None for another kind.

    Besides what we write that is ``^(www\\.)?example\\.com$`` and its like. Of one that stands for any name as well,
    the names that it lists are returned.
    """
    if not pattern.startswith("^") or not pattern.endswith("$"):
        return None
    inner = pattern[1:-1]
    for port in _PORTS:
        inner = inner[: -len(port)] if inner.endswith(port) else inner
    inner = _LOOKAHEAD.sub("", inner)
    if inner.count("(") > _MOST_GROUPS:
        return None
    optional = re.match(r"\((?:\?:)?www\\\.\|?\)\??", inner)
    names = _read_alternatives(inner[optional.end() :] if optional else inner)
    if optional and names is not None:
        return tuple(name for one in names for name in (one, f"www.{one}"))
    return names


def _read_alternatives(pattern: str) -> Optional[Tuple[str, ...]]:
    names: List[str] = []
    for part in _split(pattern):
        if part == ANY_HOST:
            continue
        group = re.match(r"\((?:\?:)?(.*)\)\Z", part)
        name = None if group else _read_name(part)
        found = _read_alternatives(group.group(1)) if group else (name,) if name else None
        if found is None:
            return None
        names += found
    return tuple(names)


def _split(pattern: str) -> List[str]:
    """The alternatives of an expression, apart from those within its groups."""
    parts, depth = [""], 0
    for sign in re.findall(r"\\.|.", pattern, re.DOTALL):
        depth += {"(": 1, ")": -1}.get(sign, 0)
        if sign == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _read_name(written: str) -> Optional[str]:
    for wild in _WILDS:
        if written.startswith(wild + r"\."):
            rest = _unescape(written[len(wild) :])
            return None if rest is None else f"*{rest}"
    return _unescape(written)


def _unescape(written: str) -> Optional[str]:
    """The text of an expression without anything but escaped signs; an address loses its brackets."""
    bare = re.sub(r"\\([^A-Za-z0-9])", r"\1", written)
    if re.search(r"(?<!\\)[.?*+^$(){}\[|]", written) or not _PLAIN.match(bare):
        return None
    return bare.strip("[]")


def fits(pattern: str, name: str) -> bool:
    """Tells whether an expression for hosts stands for a name; one that cannot be read here stands for none."""
    try:
        return re.search(pattern, name) is not None
    except (re.error, RecursionError):
        return False


def write_hosts(names: Sequence[str], everybody: bool, exact: str, known: str) -> str:
    """Returns what follows ``$HTTP["host"] =~`` for a site: a string, or strings and variables joined.

    lighttpd applies all conditions that hold, so that a wildcard leaves the names out that sites have as they are,
    which are in the variable ``exact``, and ``everybody`` those of all sites, which are in ``known``. The name is its
    first group.
    """
    parts = [write_name(name) for name in names if not name.startswith("*.")]
    wild = [write_name(name) for name in names if name.startswith("*.")]
    alternatives = "|".join(parts)
    if wild:
        alternatives = f'{alternatives}{"|" if parts else ""}(?!(?:" + {exact} + "){PORT}$)(?:{"|".join(wild)})'
    if everybody:
        alternatives += f'|(?!(?:" + {known} + "){PORT}$){ANY_HOST}'
    return f'"^({alternatives}){PORT}$"'
