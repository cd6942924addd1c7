# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses the base chains that a request is for, and computes the layout that it wants in each table."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Collection, Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import accept_rule
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import (
    AcceptRule,
    packet_space,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.jumps import place_jumps, settle_jumps
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import (
    NftJump,
    NftLayout,
    set_name,
    strip_all_sets,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.first_packet import (
    Opening,
    neighbour_items,
    packet_of,
    port_items,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    NamedSet,
    Rule,
    Ruleset,
    Table,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import is_kept_by_program
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

TableName = Tuple[str, str]
ChainName = Tuple[str, str, str]
"""Family, table, chain."""

VERSIONS: Dict[str, Tuple[int, ...]] = {"ip": (4,), "ip6": (6,), "inet": (4, 6)}
HOOKS = {"in": "input", "out": "output"}


@dataclass(frozen=True)
class Base:
    """A base chain that a set is led to from: ``direction`` is what passes it.

    ``neighbours`` tells that IPv6 neighbour discovery is to be let through as well, ``ports`` that the ports are.
    """

    table: Table
    chain: Chain
    direction: str
    placement: Placement = field(compare=False)
    ports: bool = True
    neighbours: bool = False

    @classmethod
    def of(cls, table: Table, chain: Chain, direction: str) -> Base:
        """The base chain with the placement from there on."""
        return cls(table, chain, direction, Placement(table, chain.name))

    @property
    def table_name(self) -> TableName:
        """Family and name."""
        return self.table.family, self.table.name

    def versions(self) -> Tuple[int, ...]:
        """The IP versions that pass it."""
        return VERSIONS[self.table.family]


def is_open_to_sets(table: Table) -> bool:
    """Tells whether a table is native, the administrator's, and one that IP packets pass."""
    return (
        table.frontend == "nft"
        and table.family in VERSIONS
        and not (table.dormant or table.owned)
        and not is_kept_by_program(table)
    )


def find_bases(
    ruleset: Ruleset, request: PortsRequest, links: Sequence[Link], holding: Collection[ChainName]
) -> Tuple[Base, ...]:
    """Returns the base chains that the set has to be led to from; ``ruleset`` is stripped of it.

    These are all that block something that was asked for, because who is let in by one chain still has to pass the
    next. Where none blocks an IP version, it is the first that has rules, else the first of those ``holding`` the set;
    else, with the backend insisted on, the first.
    """
    chosen: List[Base] = []
    for direction in request.directions:
        bases = _base_chains(ruleset, direction)
        blocking = [base for base in bases if _blocks(base, request, links)]
        for link in links:
            if not _asks_for(request, link) or any(link.family in base.versions() for base in blocking):
                continue
            able = [base for base in bases if link.family in base.versions()]
            with_rules = [base for base in able if rules_of_others(base)]
            there = [base for base in able if (*base.table_name, base.chain.name) in holding]
            blocking += with_rules[:1] or there[:1] or (able[:1] if request.backend != "auto" else [])
        chosen += blocking
    if request.direction == "out":  # who connects to others has to be told where they are
        chosen += [replace(base, ports=False) for base in _base_chains(ruleset, "in")]
    settled = [replace(base, neighbours=_blocks_neighbours(base, request, links)) for base in chosen]
    return tuple(base for base in settled if base.ports or base.neighbours)


def _base_chains(ruleset: Ruleset, direction: str) -> List[Base]:
    """The base chains that packets of a direction pass, in their order, and that sets may be led to from."""
    bases = [
        Base.of(table, chain, direction)
        for table in ruleset
        if is_open_to_sets(table)
        for chain in table.chains
        if chain.hook == HOOKS[direction] and chain.kind == "filter"
    ]
    return sorted(bases, key=lambda base: base.chain.priority)


def uncovered(bases: Sequence[Base], request: PortsRequest, links: Sequence[Link]) -> Tuple[str, ...]:
    """Returns the directions in which an IP version passes none of the base chains."""
    return tuple(
        direction
        for direction in request.directions
        if any(
            _asks_for(request, link)
            and not any(link.family in base.versions() for base in bases if base.ports and base.direction == direction)
            for link in links
        )
    )


def rules_of_others(base: Base) -> Tuple[Rule, ...]:
    """Returns a base chain's rules, those that lead to sets of this collection left out."""
    chain = strip_all_sets(base.table).chain(base.chain.name)
    return chain.rules if chain else ()


def _asks_for(request: PortsRequest, link: Link) -> bool:
    return link.exists and request.sources(link.family) is not None


def _blocks(base: Base, request: PortsRequest, links: Sequence[Link]) -> bool:
    return any(base.placement.blocks(packet_of(item, link)) for item, link in base_items(base, request, links))


def base_items(base: Base, request: PortsRequest, links: Sequence[Link]) -> List[Tuple[Opening, Link]]:
    """Returns what is to be let through a base chain, each with the link of its IP version."""
    found: List[Tuple[Opening, Link]] = []
    for link in links:
        if link.family in base.versions() and _asks_for(request, link):
            items = port_items(request, link.family, base.direction) if base.ports else []
            if base.neighbours and link.family == 6:
                items += neighbour_items(request, base.direction)
            found += [(item, link) for item in items]
    return found


def wanted_layout(table: Table, bases: Sequence[Base], request: PortsRequest, links: Sequence[Link]) -> NftLayout:
    """Returns the layout for a stripped table, which is that of ``bases``; empty where nothing is for it."""
    clauses = clauses_of(table.family, request, any(base.neighbours for base in bases))
    if not clauses or not bases:
        return NftLayout()
    jumps: List[NftJump] = []
    for base in bases:
        items = base_items(base, request, links)
        jumps += place_jumps(table, base.placement, items, request, base.ports)
    rules = tuple(clause.rule(table.family, "accept") for clause in clauses)
    return NftLayout(
        rules, tuple(sorted(jumps, key=lambda jump: (jump.chain, jump.index))), _sets(clauses, request), True
    )


def clauses_of(family: str, request: PortsRequest, neighbours: bool = False) -> List[AcceptRule]:
    """Returns what the request lets through in a table of that family; ``neighbours`` adds neighbour discovery."""
    clauses: List[AcceptRule] = []
    for version in VERSIONS[family] if request.source else (None,):
        sources = request.sources(version) if version else ()
        if sources is None:
            continue
        anyone = any(not source.prefixlen for source in sources)
        for protocol, ports in _by_protocol(request.ports).items():
            lookup = set_name(request.chain, protocol) if request.timeout else ""
            who = () if anyone else sources
            clauses.append(AcceptRule(protocol, ports, version, who, request.interface, lookup))
    if neighbours and clauses:
        lookup = set_name(request.chain, accept_rule.NEIGHBOURS) if request.timeout else ""
        clauses.append(AcceptRule(accept_rule.NEIGHBOURS, interfaces=request.interface, lookup=lookup))
    return clauses


def _by_protocol(ports: Sequence[PortRule]) -> Dict[str, Tuple[PortRule, ...]]:
    names = sorted({port.protocol for port in ports})
    return {name: tuple(port for port in ports if port.protocol == name) for name in names}


def _sets(clauses: Sequence[AcceptRule], request: PortsRequest) -> Tuple[NamedSet, ...]:
    if request.timeout is None:
        return ()
    found: Dict[str, NamedSet] = {}
    for clause in clauses:
        matches = clause.matches("ip")
        spans = matches[-1].spans
        left = tuple((low, high, request.timeout * 1000) for low, high in spans)
        found[clause.lookup] = NamedSet(clause.lookup, spans, left)
    return tuple(found.values())


def _blocks_neighbours(base: Base, request: PortsRequest, links: Sequence[Link]) -> bool:
    """Whether IPv6 neighbours cannot find the host here; other sets of ours are not counted on, as each may go."""
    link = next((link for link in links if link.family == 6), None)
    if link is None or 6 not in base.versions() or not _asks_for(request, link) or link.interface in link.direct:
        return False
    bare = strip_all_sets(base.table)
    chains = tuple(replace(chain, hook=chain.hook if chain.name == base.chain.name else None) for chain in bare.chains)
    question = ConnectionQuery(
        6, 0, (0, 0), interface=link.interface, addresses=link.addresses or None, gateway=link.gateway
    )
    return ConnectionJudge((replace(bare, chains=chains),)).neighbour_discovery(question).verdict != "open"


def settle(
    table: Table, bases: Sequence[Base], have: NftLayout, want: NftLayout, request: PortsRequest, links: Sequence[Link]
) -> NftLayout:
    """Returns ``have`` where it means and does what ``want`` does; else ``want``, with all of ``have`` that may stay.

    ``table`` is stripped; indexes of both layouts count in it.
    """
    if not want.chain_exists or not bases:
        return want
    jumps = want.jumps
    if len(have.jumps) == len(want.jumps):
        ways = [
            (base.placement, [packet_of(item, link) for item, link in base_items(base, request, links)])
            for base in bases
        ]
        jumps = settle_jumps(table.family, ways, have.jumps, want.jumps)
    if have.chain_exists and _same_rules(have, want, table.family):
        return replace(have, jumps=jumps)
    return replace(want, jumps=jumps)


def _same_rules(have: NftLayout, want: NftLayout, family: str) -> bool:
    """Whether both chains let in the same, for ever or for a time; how much of it is left does not matter."""
    if any(rule.verdict != "accept" for rule in have.rules) or bool(have.sets) != bool(want.sets):
        return False
    if {one.name for one in have.sets} != {one.name for one in want.sets}:
        return False
    return packet_space(have.rules, family) == packet_space(want.rules, family)
