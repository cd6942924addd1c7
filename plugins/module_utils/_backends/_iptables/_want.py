# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layout that a request wants in one filter table, live or in a file, and whether what is there will do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._lines import (
    SOLICITATION,
    Jump,
    Layout,
    arrival_match,
    meaning,
    port_matches,
    render_rules,
    strip_all_sets,
)
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._parse import parse_rule
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._place import Place, Placement
from ansible_collections.port443.https.plugins.module_utils._connection import Question, Verdicts
from ansible_collections.port443.https.plugins.module_utils._link import Link
from ansible_collections.port443.https.plugins.module_utils._packet import (
    HOST,
    ICMPV6,
    STRANGER,
    Addresses,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._port_rule import (
    PROTOCOL_NUMBERS,
    Network,
    PortRule,
    Request,
)
from ansible_collections.port443.https.plugins.module_utils._ruleset import Rule, Table

_SOLICITED_NODE = (0xFF02 << 112 | 0x1FF000000, 0xFF02 << 112 | 0x1FFFFFFFF)  # ff02::1:ff00:0/104, RFC 4291, 2.7.1
NEIGHBOURS = PortRule("ipv6-icmp", SOLICITATION, SOLICITATION)


@dataclass(frozen=True)
class Item:
    """One thing to let in: a port (or neighbour discovery), from a source, on an interface."""

    port: PortRule
    source: Optional[Network]
    interface: Optional[str]


def wanted_layout(table: Table, request: Request, link: Link, made_input: bool) -> Layout:
    """Returns the layout for a stripped table; empty where the request opens nothing for its family.

    ``made_input`` tells that the kernel has no chain INPUT there yet, which is to be remembered.
    """
    neighbours = _blocks_neighbours(table, link)
    rules = render_rules(request, link.family, neighbours, made_input)
    if not rules:
        return Layout()
    groups = _place_items(table, request, link, neighbours)
    jumps = []
    for place, items in groups.items():
        for condition in _conditions(items, groups):
            line = f"-A {place.chain} {condition}-j {request.chain}"
            jumps.append(Jump(place.chain, place.index, line))
    return Layout(rules, tuple(sorted(jumps, key=lambda jump: (jump.chain, jump.index))), True)


def _blocks_neighbours(table: Table, link: Link) -> bool:
    """Whether IPv6 neighbours cannot find the host; other sets of ours are not counted on, as each may go."""
    if link.family != 6 or link.interface in link.direct:
        return False
    bare = strip_all_sets(table)
    inbound = replace(bare, chains=tuple(chain for chain in bare.chains if chain.hook in (None, "input")))
    addresses = link.addresses or None
    question = Question(6, 0, (0, 0), interface=link.interface, addresses=addresses, gateway=link.gateway)
    return Verdicts((inbound,)).neighbour_discovery(question).verdict != "open"


def _place_items(table: Table, request: Request, link: Link, neighbours: bool) -> Dict[Place, List[Item]]:
    placement = Placement(table)
    groups: Dict[Place, List[Item]] = {}
    for item in _items(request, link.family, neighbours):
        place = placement.find(packet_of(item, link), request.position)
        groups.setdefault(place, []).append(item)
    return groups


def _items(request: Request, family: int, neighbours: bool) -> List[Item]:
    interfaces: Sequence[Optional[str]] = request.interface or (None,)
    sources: Sequence[Optional[Network]] = request.sources(family) or (None,)
    items = [Item(port, source, where) for source in sources for where in interfaces for port in request.ports]
    return items + ([Item(NEIGHBOURS, None, where) for where in interfaces] if neighbours else [])


def packet_of(item: Item, link: Link) -> Packet:
    """Returns the first packet of what an item lets in."""
    interface = item.interface or link.interface
    if item.port == NEIGHBOURS:
        return Packet(
            6,
            ICMPV6,
            icmp=(SOLICITATION, 0),
            in_interface=interface,
            destination=(_SOLICITED_NODE,),
            state=("UNTRACKED",),
            hop_limit=(255, 255),
            destination_type="MULTICAST",
            packet_type=("MULTICAST",),
        )
    source: Addresses = STRANGER
    if item.source is not None and item.source.prefixlen:
        source = ((int(item.source.network_address), int(item.source.broadcast_address)),)
    return Packet(
        link.family,
        PROTOCOL_NUMBERS[item.port.protocol],
        dport=(item.port.low, item.port.high),
        source=source,
        destination=link.addresses or HOST,
        in_interface=interface,
    )


def _conditions(items: Sequence[Item], groups: Dict[Place, List[Item]]) -> List[str]:
    """The fewest jump conditions that lead these items, and none of another place's, into our chain."""
    if len(groups) == 1:
        return [""]
    others = {item.port.protocol for group in groups.values() if group is not items for item in group}
    conditions = []
    for protocol in sorted({item.port.protocol for item in items}):
        if protocol not in others:
            conditions.append(f"-p {protocol} ")
        else:
            conditions += _by_source_and_interface([item for item in items if item.port.protocol == protocol])
    return conditions


def _by_source_and_interface(items: Sequence[Item]) -> List[str]:
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


def parse_lines(layout: Layout, chain: str, family: str, chains: Sequence[str]) -> Dict[str, Rule]:
    """Returns each line of a layout as a rule; ``chains`` are the chains of its table."""
    lines = layout.rules + tuple(jump.line for jump in layout.jumps)
    return {line: parse_rule(line, family, (*chains, chain)) for line in lines}


def settle(table: Table, have: Layout, want: Layout, request: Request, link: Link) -> Layout:
    """Returns ``have`` where it means and does what ``want`` does; else ``want``, its jumps left where they may stay.

    ``table`` is stripped; indexes of both layouts count in it.
    """
    chains = [chain.name for chain in table.chains]
    parsed = parse_lines(have, request.chain, table.family, chains)
    parsed.update(parse_lines(want, request.chain, table.family, chains))
    items = _items(request, link.family, want.lets_neighbours_in) if want.chain_exists else []
    packets = [packet_of(item, link) for item in items]
    jumps = _settle_jumps(Placement(table), have.jumps, want.jumps, parsed, packets)
    same = [meaning(parsed[line]) for line in have.rules] == [meaning(parsed[line]) for line in want.rules]
    if same and have.chain_exists == want.chain_exists:
        return have if jumps == have.jumps else replace(want, rules=have.rules)
    return replace(want, jumps=jumps)


def _settle_jumps(
    placement: Placement,
    have: Tuple[Jump, ...],
    want: Tuple[Jump, ...],
    parsed: Dict[str, Rule],
    packets: Sequence[Packet],
) -> Tuple[Jump, ...]:
    if len(have) != len(want):
        return want
    left = list(have)
    for jump in want:
        for candidate in left:
            same = meaning(parsed[candidate.line]) == meaning(parsed[jump.line])
            if same and placement.may_stay(candidate, Place(jump.chain, jump.index), packets):
                left.remove(candidate)
                break
        else:
            return want
    return have
