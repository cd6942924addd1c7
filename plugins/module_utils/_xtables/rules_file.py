# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules files in the form of iptables-save, and the services that load them at boot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

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


def without_counters(line: str) -> str:
    """Returns a line without the ``[packets:bytes]`` that iptables-save -c prints before each rule."""
    if line.startswith("[") and "] " in line:
        return line.split("] ", 1)[1]
    return line


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


def _lines(text: str) -> List[str]:
    """Splits at newlines alone, as the tools do: a comment may hold any other character that Python takes for one."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _find_section(lines: Sequence[str]) -> Optional[Tuple[int, int]]:
    """Where the filter table begins and ends; of several the last, as each takes away what those before it made."""
    found, start = None, None
    for number, line in enumerate(lines):
        if line.strip() == "*filter":
            start = number
        elif line.strip() == "COMMIT" and start is not None:
            found, start = (start, number), None
    return found


def opens_quote(line: str) -> bool:
    """Tells whether a line ends within a quoted text."""
    return '"' in _QUOTED.sub("", line)
