# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Computes the jumps that lead accepted packets, and no others, into our chain."""

from __future__ import annotations

from itertools import product
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import accept_rule
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import (
    AcceptRule,
    packet_space,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import NftJump, rule_start
from ansible_collections.port443.https.plugins.module_utils._netfilter.first_packet import (
    NEIGHBOURS,
    Opening,
    packet_of,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement, RulePosition
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Rule, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest

Items = Sequence[Tuple[Opening, Link]]
Ways = Sequence[Tuple[Placement, Sequence[Packet]]]
"""The placement from each base chain, and the packets that pass it."""

_Arrival = Tuple[Optional[Network], Optional[str]]


def place_jumps(table: Table, placement: Placement, items: Items, request: PortsRequest, whole: bool) -> List[NftJump]:
    """Returns the jumps from one base chain on: a bare one where everything has the same place.

    ``whole`` tells that the items are all that our chain lets through in that direction.
    """
    groups: Dict[RulePosition, List[Tuple[Opening, int]]] = {}
    for item, link in items:
        place = placement.find(packet_of(item, link), request.position)
        start = RulePosition(place.chain, rule_start(table, place.chain, place.index))
        groups.setdefault(start, []).append((item, link.family))
    if whole and len(groups) == 1:
        target = Rule((), "jump", request.chain, text=f"jump {request.chain}")
        return [NftJump(place.chain, place.index, target) for place in groups]
    return [
        NftJump(place.chain, place.index, clause.rule(table.family, "jump", request.chain))
        for place, group in groups.items()
        for clause in _conditions(group)
    ]


def _conditions(group: Sequence[Tuple[Opening, int]]) -> List[AcceptRule]:
    """The fewest clauses for these items."""
    ports: Dict[Tuple[int, str, _Arrival], List[PortRule]] = {}
    for item, version in group:
        protocol = accept_rule.NEIGHBOURS if item.port == NEIGHBOURS else item.port.protocol
        ports.setdefault((version, protocol, (item.source, item.interface)), []).append(item.port)
    arrivals: Dict[Tuple[int, str, Tuple[PortRule, ...]], List[_Arrival]] = {}
    for (version, protocol, arrival), members in ports.items():
        arrivals.setdefault((version, protocol, tuple(members)), []).append(arrival)
    clauses: List[AcceptRule] = []
    for (version, protocol, same), found in arrivals.items():
        clauses += [AcceptRule(protocol, same, version, sources, names) for sources, names in _products(found)]
    return _of_both_versions(clauses)


def _products(arrivals: Sequence[_Arrival]) -> List[Tuple[Tuple[Network, ...], Tuple[str, ...]]]:
    """Sources and interfaces as one clause has them, all with all; each pair apart where not all are there."""
    sources = list(dict.fromkeys(source for source, _interface in arrivals))
    interfaces = list(dict.fromkeys(interface for _source, interface in arrivals))
    if set(product(sources, interfaces)) == set(arrivals):
        return [(_given(sources), tuple(name for name in interfaces if name))]
    return [(_given([source]), (name,) if name else ()) for source, name in arrivals]


def _given(sources: Sequence[Optional[Network]]) -> Tuple[Network, ...]:
    if any(source is None or not source.prefixlen for source in sources):
        return ()
    return tuple(source for source in sources if source is not None)


def _of_both_versions(clauses: Sequence[AcceptRule]) -> List[AcceptRule]:
    """Two clauses that differ in the IP version alone are one."""
    merged: List[AcceptRule] = []
    for clause in clauses:
        both = AcceptRule(clause.protocol, clause.ports, None, (), clause.interfaces)
        twin = AcceptRule(clause.protocol, clause.ports, 4, (), clause.interfaces)
        if clause.version == 6 and not clause.sources and twin in merged:
            merged[merged.index(twin)] = both
        else:
            merged.append(clause)
    return merged


def settle_jumps(family: str, ways: Ways, have: Tuple[NftJump, ...], want: Tuple[NftJump, ...]) -> Tuple[NftJump, ...]:
    """Returns the jumps that are there if each works as well as one that is wanted, else those that are wanted."""
    left = list(have)
    for jump in want:
        for candidate in left:
            places = RulePosition(candidate.chain, candidate.index), RulePosition(jump.chain, jump.index)
            if _same(candidate.rule, jump.rule, family) and all(
                placement.may_stay(*places, packets) for placement, packets in ways
            ):
                left.remove(candidate)
                break
        else:
            return want
    return have


def _same(one: Rule, other: Rule, family: str) -> bool:
    if not one.matches or not other.matches:
        return one.matches == other.matches and one.verdict == other.verdict
    asked = packet_space([one], family)
    return one.verdict == other.verdict and asked is not None and asked == packet_space([other], family)
