# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Computes the layout that a request wants in one filter table, and whether the present one will do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import (
    XtablesLayout,
    leads_to,
    render_rules,
    strip_all_sets,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.first_packet import (
    NEIGHBOURS,
    Opening,
    neighbour_items,
    packet_of,
    port_items,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement, RulePosition
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Rule, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import BASES, filters
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import (
    XtablesJump,
    arrival_match,
    meaning,
    port_matches,
)

Groups = Dict[RulePosition, List[Opening]]


@dataclass(frozen=True)
class Terms:
    """What a layout depends on beside the request: the directions that something filters, chains that the kernel does
    not have yet, which is to be remembered, when the set ends, and the time, both in seconds of the epoch; the chains
    that another program fills.
    """

    directions: Tuple[str, ...] = ("in",)
    made: Tuple[str, ...] = ()
    stop: Optional[int] = None
    now: Optional[float] = None
    filled: Tuple[str, ...] = ()


def wanted_directions(
    table: Table, have: XtablesLayout, request: PortsRequest, anyway: Sequence[str] = ()
) -> Tuple[str, ...]:
    """Returns the directions in which something is made for a set; ``table`` is stripped of it.

    Under auto nothing is made where nothing filters, unless it is there already, or the direction is among ``anyway``.
    """
    if request.backend != "auto":
        return request.directions
    jumps = [jump for jump in have.jumps if leads_to(jump.line, request.chain)]
    there = {_base_of(table, jump.chain) for jump in jumps}
    alone = have.chain_exists and not jumps
    return tuple(
        direction
        for direction in request.directions
        if alone or direction in anyway or BASES[direction] in there or filters(table, BASES[direction])
    )


def wanted_layout(table: Table, request: PortsRequest, link: Link, terms: Terms) -> XtablesLayout:
    """Returns the layout for a stripped table; empty where the request opens nothing for its family."""
    groups = _place_items(table, request, link, terms) if terms.directions else {}
    items = [item for placed in groups.values() for members in placed.values() for item in members]
    neighbours = any(item.port == NEIGHBOURS for item in items)
    rules = render_rules(request, link.family, neighbours, terms.made, terms.stop) if groups else ()
    if not rules:
        return XtablesLayout()
    jumps = []
    for placed in groups.values():
        for place, members in placed.items():
            for condition in _conditions(members, items):
                line = f"-A {place.chain} {condition}-j {request.chain}"
                jumps.append(XtablesJump(place.chain, place.index, line))
    return XtablesLayout(rules, tuple(sorted(jumps, key=lambda jump: (jump.chain, jump.index))), True)


def _blocks_neighbours(table: Table, link: Link, base: str) -> bool:
    """Whether a base chain keeps IPv6 neighbours from finding each other; our other sets, which may go, left aside."""
    if link.family != 6 or link.interface in link.direct:
        return False
    bare = strip_all_sets(table)
    one = replace(bare, chains=tuple(chain for chain in bare.chains if chain.hook is None or chain.name == base))
    addresses = link.addresses or None
    question = ConnectionQuery(6, 0, (0, 0), interface=link.interface, addresses=addresses, gateway=link.gateway)
    return ConnectionJudge((one,)).neighbour_discovery(question).verdict != "open"


def _items_of(table: Table, request: PortsRequest, link: Link, terms: Terms) -> Dict[str, List[Opening]]:
    """What is to be let through, by the base chain it passes.

    Who connects to others needs neighbour discovery both ways; who is connected to, the way in: the host answers
    while the neighbour asks.
    """
    items = {BASES[one]: port_items(request, link.family, one) for one in terms.directions}
    ways = ("in", "out") if "out" in terms.directions else terms.directions
    for way in ways:
        if _blocks_neighbours(table, link, BASES[way]):
            items.setdefault(BASES[way], []).extend(neighbour_items(request, way))
    return items


def _place_items(table: Table, request: PortsRequest, link: Link, terms: Terms) -> Dict[str, Groups]:
    placed: Dict[str, Groups] = {}
    for base, items in _items_of(table, request, link, terms).items():
        placement = Placement(table, base, terms.filled)
        groups = placed.setdefault(base, {})
        for item in items:
            groups.setdefault(placement.find(packet_of(item, link), request.position), []).append(item)
    return placed


def _conditions(items: Sequence[Opening], everything: Sequence[Opening]) -> List[str]:
    """The fewest jump conditions that lead these items, and nothing else of our chain, into it."""
    own = {item.what for item in items}
    others = {item.port.protocol for item in everything if item.what not in own}
    if not others:
        return [""]
    conditions = []
    for protocol in sorted({item.port.protocol for item in items}):
        if protocol not in others:
            conditions.append(f"-p {protocol} ")
        else:
            conditions += _by_source_and_interface([item for item in items if item.port.protocol == protocol])
    return conditions


def _by_source_and_interface(items: Sequence[Opening]) -> List[str]:
    ports: Dict[Tuple[Optional[Network], Optional[str]], List[PortRule]] = {}
    for item in items:
        ports.setdefault((item.source, item.interface), []).append(item.port)
    conditions = []
    for (source, interface), members in ports.items():
        where = arrival_match(source, interface)
        if members == [NEIGHBOURS]:
            conditions.append(where + "-p ipv6-icmp ")
        else:
            conditions += [f"{where}{match} " for match in port_matches(members)]
    return conditions


def parse_lines(
    layout: XtablesLayout, chain: str, family: str, chains: Sequence[str], now: Optional[float] = None
) -> Dict[str, Rule]:
    """Returns each line of a layout as a rule; ``chains`` are the chains of its table."""
    lines = layout.rules + tuple(jump.line for jump in layout.jumps)
    return {line: parse_rule(line, family, (*chains, chain), now) for line in lines}


def settle(
    table: Table, have: XtablesLayout, want: XtablesLayout, request: PortsRequest, link: Link, terms: Terms
) -> XtablesLayout:
    """Returns ``have`` where it means and does what ``want`` does; else ``want``, its jumps left where they may stay.

    ``table`` is stripped; indexes of both layouts count in it.
    """
    chains = [chain.name for chain in table.chains]
    parsed = parse_lines(have, request.chain, table.family, chains, terms.now)
    parsed.update(parse_lines(want, request.chain, table.family, chains, terms.now))
    items = _items_of(table, request, link, terms) if want.chain_exists else {}
    jumps = _settle_jumps(table, have.jumps, want.jumps, parsed, items, link)
    same = [meaning(parsed[line]) for line in have.rules] == [meaning(parsed[line]) for line in want.rules]
    if same and have.chain_exists == want.chain_exists:
        return have if jumps == have.jumps else replace(want, rules=have.rules)
    return replace(want, jumps=jumps)


def _settle_jumps(
    table: Table,
    have: Tuple[XtablesJump, ...],
    want: Tuple[XtablesJump, ...],
    parsed: Dict[str, Rule],
    items: Dict[str, List[Opening]],
    link: Link,
) -> Tuple[XtablesJump, ...]:
    if len(have) != len(want):
        return want
    packets = {base: [packet_of(item, link) for item in members] for base, members in items.items()}
    placements = {base: Placement(table, base) for base in items}
    left = list(have)
    for jump in want:
        base = _base_of(table, jump.chain)
        for candidate in left:
            same = meaning(parsed[candidate.line]) == meaning(parsed[jump.line])
            there, wanted = RulePosition(candidate.chain, candidate.index), RulePosition(jump.chain, jump.index)
            if same and placements[base].may_stay(there, wanted, packets[base]):
                left.remove(candidate)
                break
        else:
            return want
    return have


def _base_of(table: Table, chain: str) -> str:
    """The base chain that leads to a chain in which a jump of ours stands: it has but one."""
    leads = {one.name: [rule.target for rule in one.rules if rule.target] for one in table.chains}
    reached: Set[str] = set()
    waiting = [BASES["out"]]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += leads.get(name, ())
    return BASES["out"] if chain in reached else BASES["in"]
