# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes from /proc/net how packets reach the host: interface of the default route, own addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Dict, FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.reverse_path import find_one_way
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span

_LOOPBACK = "lo"
_ROUTE_UP = 0x1  # RTF_UP in include/uapi/linux/route.h
_ROUTE_REJECT = 0x200
_LOOPBACK_6 = ("0" * 24 + "01000000", "0" * 24 + "00000001")  # as hosts of either byte order print ::1
_NO_ARP = 0x80  # IFF_NOARP in include/uapi/linux/if.h; IPv6 asks for no neighbours there either
_INTERFACES = "/sys/class/net"


def observe_links(host: FirewallHost) -> Tuple[Link, ...]:
    """Reads the links of both IP versions; no command is run."""
    texts: Dict[str, Optional[str]] = {}
    for name in ("route", "fib_trie", "ipv6_route", "if_inet6"):
        content = host.read("/proc/net/" + name)
        texts[name] = None if content is None else content.decode("ascii", "replace")
    names = host.list_folder(_INTERFACES)
    plain = frozenset(name for name in names if not _is_bridged(host, name))
    direct = frozenset(name for name in names if _flags(host, name) & _NO_ARP)
    layered = frozenset(name for name in names if _has_lower(host, name))
    there = parse_dev((host.read("/proc/net/dev") or b"").decode("utf-8", "replace"))
    own = parse_fib_trie(texts["fib_trie"] or "")
    default = parse_route(texts["route"] or "")
    one_way = find_one_way(host, there, default, own)
    four = Link(4, True, default, own, None, plain, direct, layered, there, one_way)
    found = parse_if_inet6(texts["if_inet6"] or "")
    only = {name for name, _address in found} - {_LOOPBACK}
    interface, gateway = parse_ipv6_route(texts["ipv6_route"] or "")
    if interface is None and len(only) == 1:
        interface = only.pop()
    addresses = tuple((address, address) for name, address in found if name != _LOOPBACK)
    return four, Link(6, bool(found), interface, addresses, gateway, plain, direct, layered, there)


def observe_listeners(host: FirewallHost, links: Tuple[Link, ...]) -> Tuple[Link, ...]:
    """Returns the links with who listens; where there are very many connections that takes its time."""
    tables = {
        (protocol, family): parse_sockets((host.read(f"/proc/net/{name}") or b"").decode("ascii", "replace"))
        for protocol, family, name in ((6, 4, "tcp"), (6, 6, "tcp6"), (17, 4, "udp"), (17, 6, "udp6"))
    }
    return tuple(
        replace(
            link,
            listeners=frozenset(
                (protocol, port)
                for (protocol, family), ports in tables.items()
                for address, port in ports
                # Sockets of IPv6 for any address mostly take IPv4, too.
                if family == link.family or (family == 6 and not address.strip("0"))
            ),
        )
        for link in links
    )


def parse_sockets(text: str) -> FrozenSet[Tuple[str, int]]:
    """Returns address, in hexadecimal, and port of those that wait in /proc/net/tcp or udp, those on loopback left out.

    State 0A listens; a socket of UDP that waits for anybody is in state 07 (net/ipv4/tcp_ipv4.c, udp.c).
    """
    found = set()
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 3 and words[3] in ("0A", "07"):
            address, _colon, port = words[1].partition(":")
            loopback = address[-2:] == "7F" if len(address) == 8 else address in _LOOPBACK_6
            if not loopback:
                found.add((address, int(port, 16)))
    return frozenset(found)


def _is_bridged(host: FirewallHost, name: str) -> bool:
    return any(host.has_link(f"{_INTERFACES}/{name}/{part}") for part in ("bridge", "brport"))


def _has_lower(host: FirewallHost, name: str) -> bool:
    """The kernel links an interface to those below it as lower_NAME (net/core/dev.c)."""
    return any(entry.startswith("lower_") for entry in host.list_folder(f"{_INTERFACES}/{name}"))


def _flags(host: FirewallHost, name: str) -> int:
    content = host.read(f"{_INTERFACES}/{name}/flags")
    return int(content, 16) if content else 0


def parse_dev(text: str) -> FrozenSet[str]:
    """Returns the interfaces that /proc/net/dev lists: those of this network namespace, whichever /sys is mounted."""
    return frozenset(line.rpartition(":")[0].strip() for line in text.splitlines()[2:])


def parse_route(text: str) -> Optional[str]:
    """Returns the interface of the default route in /proc/net/route; else the only one that has a route; else None."""
    routed: List[str] = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) < 8 or not int(words[3], 16) & _ROUTE_UP or int(words[3], 16) & _ROUTE_REJECT:
            continue
        if words[1] == words[7] == "00000000":
            return words[0]
        if words[0] not in routed:
            routed.append(words[0])
    return routed[0] if len(routed) == 1 else None


def parse_ipv6_route(text: str) -> Tuple[Optional[str], Optional[int]]:
    """Returns interface and next hop of the default route in /proc/net/ipv6_route, None for what there is not."""
    for line in text.splitlines():
        words = line.split()
        if len(words) == 10 and words[1] == "00" and words[9] != _LOOPBACK and not int(words[8], 16) & _ROUTE_REJECT:
            return words[9], int(words[4], 16) or None
    return None, None


def parse_if_inet6(text: str) -> Tuple[Tuple[str, int], ...]:
    """Returns interface and address of each line of /proc/net/if_inet6."""
    rows = (line.split() for line in text.splitlines())
    return tuple((words[5], int(words[0], 16)) for words in rows if len(words) == 6)


def parse_fib_trie(text: str) -> Tuple[Span, ...]:
    """Returns the host's own IPv4 addresses, loopback left out, from /proc/net/fib_trie."""
    found: List[int] = []
    leaf = ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["|--"]:
            leaf = words[1]
        elif words[:3] == ["/32", "host", "LOCAL"]:
            address = ipaddress.IPv4Address(leaf)
            if not address.is_loopback and int(address) not in found:
                found.append(int(address))
    return tuple((address, address) for address in found)
