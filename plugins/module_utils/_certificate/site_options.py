# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Merges the options of one site among several with those that hold for all of them."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.values import find_doubles

_TEXT: Dict[str, Any] = {"type": "str"}
_PATH: Dict[str, Any] = {"type": "path"}
_SECRET: Dict[str, Any] = {"type": "str", "no_log": True}

# What of a site is its certificate's, as options of the module certificate.
PAIR_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "certificate": _TEXT,
    "certificate_file": _PATH,
    # no_log: the content is secret, the path is not; said in both cases because the names look alike.
    "key": _SECRET,
    "key_file": {"type": "path", "no_log": False},
    "bundle": _SECRET,
    "bundle_file": _PATH,
    "passphrase": _SECRET,
    "own_ca": _PATH,
    "chain": _TEXT,
    "chain_file": _PATH,
    "remote_src": {"type": "bool", "default": False},
    "self_signed": {"type": "bool", "default": False},
    "owner": _TEXT,
    "group": _TEXT,
}
NAME_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str"},
}

# Places of http.sys, which Windows hosts alone have.
BINDINGS: Dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "port": {"type": "int", "default": 443},
        "address": _TEXT,
        "sni": _TEXT,
        "appid": _TEXT,
    },
}

# Any of these brings a certificate with its key, or names what issues them.
SOURCES = ("certificate", "certificate_file", "bundle", "bundle_file", "own_ca")
_OTHER_SOURCES = ("key", "key_file", "certificate_path", "key_path")


def brings_pair(site: Mapping[str, Any]) -> bool:
    """Tells whether the options of a site bring a certificate with its key, or name a CA that issues one."""
    return any(site.get(source) for source in SOURCES)


def fill_in(site: Mapping[str, Any], shared: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns a site's options with ``own_ca`` and ``passphrase`` of the task where it has none of its own.

    The CA issues for a site that has nothing else of a certificate; one with an empty ``own_ca`` gets none.
    """
    filled = dict(site)
    has_other = any(site.get(source) for source in (*SOURCES, *_OTHER_SOURCES)) or site.get("acme") is not None
    if site.get("own_ca") is None and not has_other:
        filled["own_ca"] = shared.get("own_ca")
    filled["own_ca"] = filled.get("own_ca") or None
    if brings_pair(filled) and site.get("passphrase") is None:
        filled["passphrase"] = shared.get("passphrase") or None
    return filled


def pair_options(site: Mapping[str, Any], shared: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of the module certificate for one site, as far as they are given.

    ``shared`` are those that hold for all sites. The chain of a pair by a CA of one's own ends at that CA.
    """
    options = (*NAME_ARGUMENTS, *PAIR_ARGUMENTS, "ca", "ca_file")
    own = {name: site[name] for name in options if site.get(name) is not None}
    unfit = ("ca", "ca_file") if own.get("own_ca") else ()
    return {**{name: value for name, value in shared.items() if value not in (None, "") and name not in unfit}, **own}


def tell_doubles(names: Iterable[str]) -> List[str]:
    """Returns what is wrong with the names of sites that are to be told apart, nothing if they can be."""
    twice = find_doubles(names)
    return [f"each site has a name for itself; given more than once: {', '.join(twice)}"] if twice else []


def gather_problems(problems: Iterable[Tuple[str, str]], everyone: int = 0) -> List[str]:
    """Returns what is wrong with sites, given as pairs of name and message; what is alike names all that it is about.

    What is about ``everyone``, that many, names none.
    """
    names: Dict[str, List[str]] = {}
    for name, message in problems:
        names.setdefault(message, []).append(name)
    return [
        message if len(concerned) == everyone else f"{', '.join(concerned)}: {message}"
        for message, concerned in names.items()
    ]
