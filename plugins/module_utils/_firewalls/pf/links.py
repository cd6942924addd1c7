# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes the interfaces of a BSD or a Mac by ifconfig(8) and route(8)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Dict, FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link

_HEAD = re.compile(r"(\S+): flags=[0-9a-fA-F]+<([^>]*)>")
# What route.c says of ESRCH: FreeBSD, OpenBSD and macOS, and the C library where it is left to that.
_NO_ROUTE = re.compile(r"route has not been found|not in table|No such process|no route", re.IGNORECASE)
_ROUTE = {4: ("route", "-n", "get", "default"), 6: ("route", "-n", "get", "-inet6", "default")}


@dataclass(frozen=True)
class Interface:
    """An interface: the words of its flags, the groups that it is in, and its addresses of both versions."""

    name: str
    flags: FrozenSet[str]
    groups: FrozenSet[str]
    addresses: Tuple[ipaddress._BaseAddress, ...]


def observe_links(host: FirewallHost) -> Tuple[Tuple[Link, ...], Dict[str, FrozenSet[str]]]:
    """Returns how each IP version reaches the host, and the groups of each interface; raises HostError."""
    interfaces = _observe_interfaces(host)
    outside = [one for one in interfaces if "LOOPBACK" not in one.flags]
    direct = frozenset(one.name for one in interfaces if "POINTOPOINT" in one.flags)
    links: List[Link] = []
    for family in (4, 6):
        having = [one for one in outside if any(address.version == family for address in one.addresses)]
        spans = tuple(
            (int(address), int(address)) for one in having for address in one.addresses if address.version == family
        )
        name = _observe_route(host, family) if having else None
        if name is None and len(having) == 1:
            name = having[0].name
        links.append(Link(family, family == 4 or bool(having), name, spans, direct=direct))
    return tuple(links), {one.name: one.groups for one in interfaces}


def _observe_interfaces(host: FirewallHost) -> Tuple[Interface, ...]:
    ended = host.run(("ifconfig", "-a"))
    interfaces = parse_ifconfig(ended.out)
    if ended.returncode or not interfaces:
        raise HostError(_explain(ended, "names no interface of this host"))
    return interfaces


def _observe_route(host: FirewallHost, family: int) -> Optional[str]:
    """The interface of the default route, None where route(8) says that there is none; with 0 on macOS."""
    ended = host.run(_ROUTE[family])
    name = parse_route(ended.out)
    if name is None and not _NO_ROUTE.search(ended.err):
        raise HostError(_explain(ended, "tells neither a default route nor that there is none"))
    return name


def _explain(ended: Completed, lacks: str) -> str:
    return f"{' '.join(ended.argv)} {lacks}: it ended with code {ended.returncode} and said: {ended.words()}"


def parse_ifconfig(text: str) -> Tuple[Interface, ...]:
    """Returns the interfaces that ``ifconfig -a`` of FreeBSD, OpenBSD or macOS prints."""
    found: List[Tuple[str, FrozenSet[str], List[str]]] = []
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head:
            found.append((head.group(1), frozenset(head.group(2).split(",")), []))
        elif found:
            found[-1][2].append(line.strip())
    return tuple(Interface(name, flags, _groups(lines), _addresses(lines)) for name, flags, lines in found)


def _groups(lines: List[str]) -> FrozenSet[str]:
    return frozenset(word for line in lines if line.startswith("groups:") for word in line.split()[1:])


def _addresses(lines: List[str]) -> Tuple[ipaddress._BaseAddress, ...]:
    words = [line.split() for line in lines]
    texts = [parts[1].partition("%")[0] for parts in words if parts[:1] in (["inet"], ["inet6"])]
    return tuple(ipaddress.ip_address(text.partition("/")[0]) for text in texts)


def parse_route(text: str) -> Optional[str]:
    """Returns the interface that ``route -n get default`` names, or None."""
    found = re.search(r"(?m)^\s*interface: (\S+)$", text)
    return found.group(1) if found else None
