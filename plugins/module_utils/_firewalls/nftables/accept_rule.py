# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Accept rules of ours: rendered for nft, as matches for the verdict, and parsed back as a packet space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ADVERTISEMENT, ICMPV6, SOLICITATION
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Match,
    MatchField,
    Rule,
    RuleVerdict,
    Span,
)
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

NEIGHBOURS = "icmpv6"
_NEIGHBOUR_TYPES = ((SOLICITATION, SOLICITATION), (ADVERTISEMENT, ADVERTISEMENT))
_VERSIONS = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}  # include/uapi/linux/if_ether.h
_SAYS = {4: "ip", 6: "ip6"}
_ANY = ""
_READ: FrozenSet[MatchField] = frozenset(("protocol", "ethertype", "source", "dport", "in_interface", "icmp_type"))


@dataclass(frozen=True)
class AcceptRule:
    """Packets of one ``protocol`` (icmpv6: neighbour discovery) to some ports.

    ``version`` None is any that the table has. ``sources`` are of that version; empty is anyone, as ``interfaces``
    empty is any. ``lookup`` is the set that holds the ports for as long as they are open, empty where they stay.
    """

    protocol: str
    ports: Tuple[PortRule, ...] = ()
    version: Optional[int] = None
    sources: Tuple[Network, ...] = ()
    interfaces: Tuple[str, ...] = ()
    lookup: str = ""

    def text(self, family: str) -> str:
        """Returns the conditions as nft reads and prints them, in a table of that family."""
        words: List[str] = []
        if self.version and not self.sources and family == "inet" and self.protocol != NEIGHBOURS:
            words.append(f"meta nfproto ipv{self.version}")
        if self.interfaces:
            words.append("iifname " + _listed([f'"{name}"' for name in self.interfaces]))
        if self.sources:
            words.append(f"{_SAYS[self.version or 4]} saddr " + _listed([_address(one) for one in self.sources]))
        if self.protocol == NEIGHBOURS:
            names = ["nd-neighbor-solicit", "nd-neighbor-advert"]
            words.append("icmpv6 type " + (f"@{self.lookup}" if self.lookup else _listed(names)))
        else:
            numbers = [str(port).split("/", 1)[0] for port in self.ports]
            words.append(f"{self.protocol} dport " + (f"@{self.lookup}" if self.lookup else _listed(numbers)))
        return " ".join(words)

    def matches(self, family: str) -> Tuple[Match, ...]:
        """Returns the same conditions for the verdict."""
        found: List[Match] = []
        version = 6 if self.protocol == NEIGHBOURS else self.version
        if version and family == "inet":
            found.append(Match("ethertype", ((_ETHERTYPES[version], _ETHERTYPES[version]),)))
        if self.interfaces:
            found.append(Match("in_interface", names=self.interfaces))
        if self.sources:
            found.append(Match("source", merge_spans(_span(one) for one in self.sources)))
        if self.protocol == NEIGHBOURS:
            return (*found, Match("protocol", ((ICMPV6, ICMPV6),)), Match("icmp_type", _NEIGHBOUR_TYPES))
        number = PROTOCOL_NUMBERS[self.protocol]
        spans = merge_spans((port.low, port.high) for port in self.ports)
        return (*found, Match("protocol", ((number, number),)), Match("dport", spans))

    def rule(self, family: str, verdict: RuleVerdict, target: str = "") -> Rule:
        """Returns a rule with these conditions."""
        said = f"{verdict} {target}" if target else verdict
        return Rule(self.matches(family), verdict, target, text=f"{self.text(family)} {said}")


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else "{ " + ", ".join(words) + " }"


def _address(network: Network) -> str:
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _span(network: Network) -> Span:
    return int(network.network_address), int(network.broadcast_address)


Spans = Tuple[Span, ...]
Region = FrozenSet[Tuple[int, str, int, Spans, Spans]]
"""The packets that rules let through: version, interface, protocol, sources, ports, each packet in one entry."""


def packet_space(rules: Iterable[Rule], family: str) -> Optional[Region]:
    """Returns what rules of a table of that family ask for, however they are written; None where they ask for more.

    Only conditions that our own rules may have are understood.
    """
    ports: Dict[Tuple[int, str, int, Spans], List[Span]] = {}
    for rule in rules:
        box = _Box.of(rule, family)
        if box is None:
            return None
        for key in box.arrivals():
            ports.setdefault(key, []).extend(box.ports)
    sources: Dict[Tuple[int, str, int, Spans], List[Span]] = {}
    for (version, interface, protocol, source), spans in ports.items():
        sources.setdefault((version, interface, protocol, merge_spans(spans)), []).extend(source)
    merged = ((*key[:3], merge_spans(source), key[3]) for key, source in sources.items() if key[3] and source)
    return frozenset(merged)


def covers(asked: Region, offered: Region) -> bool:
    """Tells whether all that is offered was asked for, source by source and port by port."""
    return all(
        any(
            one[0] == each[0]
            and one[1] in (_ANY, each[1])
            and one[2] == each[2]
            and _within(each[3], one[3])
            and _within(each[4], one[4])
            for one in asked
        )
        for each in offered
    )


def touches(asked: Region, offered: Region) -> bool:
    """Tells whether anything that is offered was asked for."""
    return any(
        one[0] == each[0]
        and (one[1] == each[1] or _ANY in (one[1], each[1]))
        and one[2] == each[2]
        and _overlap(one[3], each[3])
        and _overlap(one[4], each[4])
        for one in asked
        for each in offered
    )


def _overlap(one: Spans, other: Spans) -> bool:
    return any(low <= last and first <= high for low, high in one for first, last in other)


def _within(inner: Spans, outer: Spans) -> bool:
    return all(any(low <= first and last <= high for low, high in outer) for first, last in inner)


@dataclass(frozen=True)
class _Box:
    """The packets that one rule concerns."""

    versions: Tuple[int, ...]
    interfaces: Tuple[str, ...]
    protocols: Tuple[int, ...]
    sources: Optional[Spans]
    ports: Spans

    @classmethod
    def of(cls, rule: Rule, family: str) -> Optional[_Box]:
        found = _together(rule.matches)
        if found is None or rule.effects:
            return None
        protocols = _numbers(found.get("protocol"))
        is_icmp = protocols == (ICMPV6,)
        ports = found.get("icmp_type" if is_icmp else "dport")
        if not protocols or ports is None or ("dport" in found and "icmp_type" in found):
            return None
        versions = _VERSIONS.get(family, ())
        if "ethertype" in found:
            asked = _numbers(found["ethertype"])
            versions = tuple(version for version in versions if _ETHERTYPES[version] in asked)
        if "source" in found and len(versions) > 1:
            return None
        where = found["in_interface"].names if "in_interface" in found else (_ANY,)
        source = found["source"].spans if "source" in found else None
        return cls((6,) if is_icmp else versions, where, protocols, source, ports.spans)

    def arrivals(self) -> Iterable[Tuple[int, str, int, Spans]]:
        for version in self.versions:
            anyone = ((0, (1 << (128 if version == 6 else 32)) - 1),)
            for interface in self.interfaces:
                for protocol in self.protocols:
                    yield version, interface, protocol, merge_spans(anyone if self.sources is None else self.sources)


def _together(matches: Sequence[Match]) -> Optional[Dict[str, Match]]:
    """One condition for each field, None where that is not possible, or where one is not understood."""
    found: Dict[str, Match] = {}
    for match in matches:
        if match.field not in _READ or match.negated or match.argument:
            return None
        before = found.setdefault(match.field, match)
        if before != match:
            if not match.spans or not before.spans:
                return None
            found[match.field] = Match(match.field, _both(before.spans, match.spans))
    return found


def _both(one: Spans, other: Spans) -> Spans:
    """What is in both: a range of ports may be asked for by its two ends."""
    return tuple(
        (max(first, low), min(last, high))
        for first, last in one
        for low, high in other
        if max(first, low) <= min(last, high)
    )


def _numbers(match: Optional[Match]) -> Tuple[int, ...]:
    if match is None or any(high - low > 255 for low, high in match.spans):
        return ()
    return tuple(number for low, high in match.spans for number in range(low, high + 1))
