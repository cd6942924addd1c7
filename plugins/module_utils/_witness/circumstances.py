# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes what may explain that a host does not answer: rules, sockets, routes, queues, tables; changes nothing."""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.addresses import list_addresses
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.listeners import list_listeners
from ansible_collections.port443.https.plugins.module_utils._host.wire import rtnetlink
from ansible_collections.port443.https.plugins.module_utils._linux.interface_settings import (
    STRICT,
    find_effective,
    read_number,
)
from ansible_collections.port443.https.plugins.module_utils._ports.registry import platform_of
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._witness.claims import find_mutes
from ansible_collections.port443.https.plugins.module_utils._witness.counters import (
    read_dropped,
    read_rule_counters,
    rule_key,
)
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import (
    Back,
    Door,
    HostFacts,
    Mute,
    RuleFound,
    Waiting,
)
from ansible_collections.port443.https.plugins.module_utils._witness.story import Story

Look = Tuple[Door, Optional[Story]]
Way = Tuple[str, str]
"""Who connects, and by which interface he comes; both may be empty."""
Answer = Tuple[List[Dict[str, Any]], str]
"""The verdicts of the rules, and why there are none, empty where they were read."""
LINUX = "Linux"
_TRACKED = ("count", "max")


def count_before(host: FirewallHost) -> Dict[str, Any]:
    """Returns the counters as they are before a look, as plain values."""
    return {"rules": read_rule_counters(host), "dropped": read_dropped(host)}


def observe_all(
    host: FirewallHost,
    looks: Sequence[Tuple[Door, Optional[Story]]],
    before: Mapping[str, Any],
    blind: str,
    whole: bool,
) -> List[HostFacts]:
    """Returns what the host says of itself for each look, ``before`` being what ``count_before`` returned then."""
    common = _observe_common(host, before)
    rules = _Rules(host, before.get("rules") or {}, looks, common["addresses"])
    return [
        HostFacts(
            blind=blind,
            whole=whole,
            waiting=_find_waiting(host, door, story),
            rule=rules.judge(door, story),
            unread=rules.unread(door, story),
            back=_find_back(host, story, common["addresses"]),
            strict=_find_strict(host, story),
            mutes=_find_mutes(host, door, story, common["addresses"]),
            **common,
        )
        for door, story in looks
    ]


def _observe_common(host: FirewallHost, before: Mapping[str, Any]) -> Dict[str, Any]:
    addresses: Tuple[str, ...] = ()
    early: Tuple[str, ...] = ()
    queueing: Tuple[str, ...] = ()
    with contextlib.suppress(HostError):
        addresses = list_addresses()
    if host.system() == LINUX:
        with contextlib.suppress(OSError):
            early = rtnetlink.find_xdp()
            queueing = rtnetlink.find_traffic_programs()
    now, then = read_dropped(host), before.get("dropped") or {}
    both = {name: (then[name], now[name]) for name in now if name in then}
    tracked = tuple(read_number(host, f"/proc/sys/net/netfilter/nf_conntrack_{name}") for name in _TRACKED)
    return {
        "addresses": addresses,
        "early": early,
        "queueing": queueing,
        "overflows": both.get("ListenOverflows", ()),
        "drops": both.get("ListenDrops", ()),
        "conntrack": tracked if -1 not in tracked else (),
    }


def _find_waiting(host: FirewallHost, door: Door, story: Optional[Story]) -> Optional[Tuple[Waiting, ...]]:
    if host.system() != LINUX:
        return None
    first = story.first if story else None
    ports = {door.port, first.dport if first else door.port}
    with contextlib.suppress(HostError):
        return tuple(
            Waiting(door.protocol, one.address, one.port, ", ".join(one.processes))
            for one in list_listeners(host, ports, door.protocol)
        )
    return None


def _find_back(host: FirewallHost, story: Optional[Story], addresses: Sequence[str]) -> Optional[Back]:
    first = story.first if story else None
    if first is None or host.system() != LINUX:
        return None
    own = first.destination if first.destination in addresses else ""
    return Back(*rtnetlink.find_route(first.source, own))


def _find_strict(host: FirewallHost, story: Optional[Story]) -> Tuple[str, ...]:
    """IPv6 has none."""
    first = story.first if story else None
    if first is None or first.family == 6:
        return ()
    return (first.interface,) if find_effective(host, first.interface, "rp_filter") == STRICT else ()


def _find_mutes(host: FirewallHost, door: Door, story: Optional[Story], addresses: Sequence[str]) -> Tuple[Mute, ...]:
    if story is None or story.came or door.family != "ipv4" or host.system() != LINUX:
        return ()
    return find_mutes(host, door.address, guess_source(door, addresses), addresses)


class _Rules:
    """The verdicts of the host's rules, each for the very source and interface; read once for each of these."""

    def __init__(
        self, host: FirewallHost, before: Mapping[str, int], looks: Sequence[Look], addresses: Sequence[str]
    ) -> None:
        self._host, self._before, self._addresses = host, before, addresses
        self._after: Optional[Dict[str, int]] = None
        self._ports: Dict[Way, List[str]] = {}
        self._said: Dict[Way, Answer] = {}
        for door, story in looks:
            self._ports.setdefault(self._way(door, story), []).append(f"{_port(door, story)}/{door.protocol}")

    def judge(self, door: Door, story: Optional[Story]) -> Optional[RuleFound]:
        asked = (door.family, str(_port(door, story)), door.protocol)
        for entry in self._answer(door, story)[0]:
            if (entry["family"], entry["port"], entry["protocol"]) == asked:
                key = rule_key(entry["table"], entry["chain"], entry["rule"], entry["handle"])
                return RuleFound(entry["verdict"], entry["because"], entry["file"], self._count(key))
        return None

    def unread(self, door: Door, story: Optional[Story]) -> str:
        """Says why the rules could not be read, empty where they were."""
        return self._answer(door, story)[1]

    def _answer(self, door: Door, story: Optional[Story]) -> Answer:
        way = self._way(door, story)
        if way not in self._said:
            self._said[way] = self._ask(way)
        return self._said[way]

    def _way(self, door: Door, story: Optional[Story]) -> Way:
        first = story.first if story else None
        return (first.source, first.interface) if first else (guess_source(door, self._addresses), "")

    def _ask(self, way: Way) -> Answer:
        source, interface = way
        asked = {
            "ports": self._ports[way],
            "source": [source] if source else [],
            "interface": [interface] if interface else [],
        }
        try:
            found = platform_of(self._host).report(self._host, parse_request(asked))
        except (HostError, RequestError) as problem:
            return [], str(problem)
        return [dict(entry) for entry in found["effective"]], ""

    def _count(self, key: str) -> Tuple[int, ...]:
        if key not in self._before:
            return ()
        if self._after is None:
            self._after = read_rule_counters(self._host)
        after = self._after.get(key, -1)
        return (self._before[key], after) if after > self._before[key] else ()


def _port(door: Door, story: Optional[Story]) -> int:
    first = story.first if story else None
    return first.dport if first else door.port


def guess_source(door: Door, addresses: Sequence[str]) -> str:
    """Returns the looker's own address where the host would most likely see it as that, empty for a stranger's."""
    for given, _port in door.sources:
        own = ipaddress.ip_address(given.partition("%")[0])
        near = any(ipaddress.ip_address(one).is_private for one in addresses if (":" in one) == (own.version == 6))
        if not own.is_private or near:
            return str(own)
    return ""
