# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules files that a distribution loads at boot, and our lines in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._lines import (
    Jump,
    Layout,
    Takes,
    takes_nothing,
)
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._parse import parse_rule

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')


@dataclass(frozen=True)
class Loader:
    """Who loads a rules file at boot: the file of each family and the links that mean it is enabled there."""

    name: str
    paths: Dict[int, str]
    enabled_by: Dict[int, Tuple[str, ...]]


WANTS = tuple(
    f"/etc/systemd/system/{target}.target.wants"
    for target in ("multi-user", "basic", "sysinit", "network-pre", "network")
)
"""The folders with links to the units that the boot starts."""


def units(name: str) -> Tuple[str, ...]:
    """Returns the links one of which means that the boot starts a service."""
    return tuple(f"{folder}/{name}.service" for folder in WANTS)


# Which file, and what enables it: the packages netfilter-persistent, iptables-services, Alpine's and Arch's iptables.
LOADERS = (
    Loader(
        "netfilter-persistent",
        {4: "/etc/iptables/rules.v4", 6: "/etc/iptables/rules.v6"},
        {
            family: (
                *units("netfilter-persistent"),
                "/etc/rcS.d/S01netfilter-persistent",
                "/etc/rc2.d/S01netfilter-persistent",
            )
            for family in (4, 6)
        },
    ),
    Loader(
        "iptables-services",
        {4: "/etc/sysconfig/iptables", 6: "/etc/sysconfig/ip6tables"},
        {4: units("iptables"), 6: units("ip6tables")},
    ),
    Loader(
        "the OpenRC service iptables",
        {4: "/etc/iptables/rules-save", 6: "/etc/iptables/rules6-save"},
        {
            family: tuple(f"/etc/runlevels/{level}/{service}" for level in ("boot", "default", "sysinit"))
            for family, service in ((4, "iptables"), (6, "ip6tables"))
        },
    ),
    Loader(
        "iptables.service",
        {4: "/etc/iptables/iptables.rules", 6: "/etc/iptables/ip6tables.rules"},
        {4: units("iptables"), 6: units("ip6tables")},
    ),
)


@dataclass(frozen=True)
class RulesFile:
    """A rules file that exists; ``enabled`` tells whether something loads it at boot."""

    family: int
    path: str
    loader: str
    content: bytes
    enabled: bool

    @property
    def filters(self) -> bool:
        """Whether a filter table is loaded from it at boot."""
        return self.enabled and has_filter(self.text)

    @property
    def text(self) -> str:
        """The content as text; bytes that are no UTF-8 survive the way back."""
        return self.content.decode("utf-8", "surrogateescape")


def without_ours(text: str, chain: str, takes: Takes = takes_nothing, family: str = "ip") -> str:
    """Returns a rules file without our chain, the jumps to it and the rules to take over, all else byte for byte."""
    kept: List[str] = []
    in_filter = False
    for line in _lines(text):
        bare = without_counters(line.strip())
        if bare.startswith("*"):
            in_filter = bare == "*filter"
        if not (in_filter and (_is_ours(bare, chain) or _is_taken(bare, takes, family))):
            kept.append(line)
    return "".join(kept)


def _is_taken(line: str, takes: Takes, family: str) -> bool:
    if takes is takes_nothing or not line.startswith("-A "):
        return False
    return takes(line.split()[1], parse_rule(line, family))


def without_counters(line: str) -> str:
    """Returns a line without the ``[packets:bytes]`` that iptables-save -c prints before each rule."""
    if line.startswith("[") and "] " in line:
        return line.split("] ", 1)[1]
    return line


def _is_ours(line: str, chain: str) -> bool:
    """Whether a line belongs to our chain or leads to it, however it is spelled."""
    if chain not in line:
        return False
    words = line.split()
    if words[0] == ":" + chain or words[:2] == ["-A", chain]:
        return True
    return words[0] == "-A" and parse_rule(line, "ip", (chain,)).target == chain


def with_ours(stripped: str, chain: str, layout: Layout) -> str:
    """Returns a stripped rules file with the layout put into its filter table."""
    lines = _lines(stripped)
    start, end = _filter_section(lines)
    newline = "\r\n" if lines[start].endswith("\r\n") else "\n"
    inserts: Dict[int, List[str]] = {}
    for jump in sorted(layout.jumps, key=lambda jump: jump.index):
        inserts.setdefault(_line_of(lines, start, end, jump), []).append(jump.line)
    inserts.setdefault(_after_declarations(lines, start, end), []).insert(0, f":{chain} - [0:0]")
    inserts.setdefault(end, []).extend(layout.rules)
    whole: List[str] = []
    for number, line in enumerate(lines):
        whole += [ours + newline for ours in inserts.get(number, ())] + [line]
    return "".join(whole)


def has_filter(text: str) -> bool:
    """Tells whether a rules file has a filter table with its COMMIT."""
    return _find_section(_lines(text)) is not None


def strange_line(text: str) -> Optional[str]:
    """Returns the first line of the filter table that iptables-save would not write: no index counts it."""
    lines = _lines(text)
    section = _find_section(lines)
    for line in lines[section[0] + 1 : section[1]] if section else ():
        bare = without_counters(line.rstrip())
        known = not bare.strip() or (bare.startswith(("#", ":", "-A ")) and not bare.startswith('-A "'))
        if not known or opens_quote(bare):
            return line.rstrip()
    return None


def opens_quote(line: str) -> bool:
    """Tells whether a line ends within a quoted text."""
    return '"' in _QUOTED.sub("", line)


def _lines(text: str) -> List[str]:
    """Splits at newlines alone, as the tools do: a comment may hold any other character that Python takes for one."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _filter_section(lines: Sequence[str]) -> Tuple[int, int]:
    section = _find_section(lines)
    if section is None:
        raise ValueError("a rules file without filter table has no place for a set")
    return section


def _find_section(lines: Sequence[str]) -> Optional[Tuple[int, int]]:
    """Where the filter table begins and ends; of several the last, as each takes away what those before it made."""
    found, start = None, None
    for number, line in enumerate(lines):
        if line.strip() == "*filter":
            start = number
        elif line.strip() == "COMMIT" and start is not None:
            found, start = (start, number), None
    return found


def _after_declarations(lines: Sequence[str], start: int, end: int) -> int:
    """Behind the first block of declarations: later ones may stand behind rules that lead to our chain."""
    number = start + 1
    while number < end and lines[number].lstrip().startswith((":", "#")):
        number += 1
    return number


def _line_of(lines: Sequence[str], start: int, end: int, jump: Jump) -> int:
    """The line before which a jump goes; behind the chain's last rule if it goes last, else before COMMIT."""
    prefix = f"-A {jump.chain} "
    rules = [n for n in range(start, end) if (without_counters(lines[n].strip()) + " ").startswith(prefix)]
    if jump.index < len(rules):
        return rules[jump.index]
    return rules[-1] + 1 if rules else end
