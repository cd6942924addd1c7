# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The jumps that lead what is let through, and nothing of another place's, into our chain."""

from __future__ import annotations

from itertools import product
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._nftables import _clause
from ansible_collections.port443.https.plugins.module_utils._backends._nftables._clause import Clause, region
from ansible_collections.port443.https.plugins.module_utils._backends._nftables._layout import Jump, rule_start
from ansible_collections.port443.https.plugins.module_utils._items import (
    NEIGHBOURS,
    Item,
    packet_of,
)
from ansible_collections.port443.https.plugins.module_utils._link import Link
from ansible_collections.port443.https.plugins.module_utils._packet import Packet
from ansible_collections.port443.https.plugins.module_utils._placement import Place, Placement
from ansible_collections.port443.https.plugins.module_utils._port_rule import Network, PortRule, Request
from ansible_collections.port443.https.plugins.module_utils._ruleset import Rule, Table

Items = Sequence[Tuple[Item, Link]]
Ways = Sequence[Tuple[Placement, Sequence[Packet]]]
"""The placement from each base chain, and the packets that pass it."""

_Arrival = Tuple[Optional[Network], Optional[str]]


def place_jumps(table: Table, placement: Placement, items: Items, request: Request, whole: bool) -> List[Jump]:
    """Returns the jumps from one base chain on: a bare one where everything has the same place.

    ``whole`` tells that the items are all that our chain lets through in that direction.
    """
    groups: Dict[Place, List[Tuple[Item, int]]] = {}
    for item, link in items:
        place = placement.find(packet_of(item, link), request.position)
        start = Place(place.chain, rule_start(table, place.chain, place.index))
        groups.setdefault(start, []).append((item, link.family))
    if whole and len(groups) == 1:
        target = Rule((), "jump", request.chain, text=f"jump {request.chain}")
        return [Jump(place.chain, place.index, target) for place in groups]
    return [
        Jump(place.chain, place.index, clause.rule(table.family, "jump", request.chain))
        for place, group in groups.items()
        for clause in _conditions(group)
    ]


def _conditions(group: Sequence[Tuple[Item, int]]) -> List[Clause]:
    """The fewest clauses for these items."""
    ports: Dict[Tuple[int, str, _Arrival], List[PortRule]] = {}
    for item, version in group:
        protocol = _clause.NEIGHBOURS if item.port == NEIGHBOURS else item.port.protocol
        ports.setdefault((version, protocol, (item.source, item.interface)), []).append(item.port)
    arrivals: Dict[Tuple[int, str, Tuple[PortRule, ...]], List[_Arrival]] = {}
    for (version, protocol, arrival), members in ports.items():
        arrivals.setdefault((version, protocol, tuple(members)), []).append(arrival)
    clauses: List[Clause] = []
    for (version, protocol, same), found in arrivals.items():
        clauses += [Clause(protocol, same, version, sources, names) for sources, names in _products(found)]
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


def _of_both_versions(clauses: Sequence[Clause]) -> List[Clause]:
    """Two clauses that differ in the IP version alone are one."""
    merged: List[Clause] = []
    for clause in clauses:
        both = Clause(clause.protocol, clause.ports, None, (), clause.interfaces)
        twin = Clause(clause.protocol, clause.ports, 4, (), clause.interfaces)
        if clause.version == 6 and not clause.sources and twin in merged:
            merged[merged.index(twin)] = both
        else:
            merged.append(clause)
    return merged


def settle_jumps(family: str, ways: Ways, have: Tuple[Jump, ...], want: Tuple[Jump, ...]) -> Tuple[Jump, ...]:
    """Returns the jumps that are there if each works as well as one that is wanted, else those that are wanted."""
    left = list(have)
    for jump in want:
        for candidate in left:
            places = Place(candidate.chain, candidate.index), Place(jump.chain, jump.index)
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
    asked = region([one], family)
    return one.verdict == other.verdict and asked is not None and asked == region([other], family)
