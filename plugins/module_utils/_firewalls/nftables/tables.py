# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the changes of each native table, live or as a file makes them, from data alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.adopt import (
    Found,
    find_equivalents,
    without_found,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.desired import (
    HOOKS,
    Base,
    ChainName,
    TableName,
    find_bases,
    settle,
    uncovered,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import (
    OWN_TABLE,
    NftLayout,
    find_layout,
    leading_chains,
    put,
    strip,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class TableChange:
    """One table that changes from ``have`` to ``want``.

    ``stripped`` is the table without what is ours, ``table`` also without the rules that are taken over, which are
    ``adopted``. ``before`` is the table as it is, None where it is made.
    """

    before: Optional[Table]
    stripped: Table
    table: Table
    have: NftLayout
    want: NftLayout
    adopted: Tuple[Found, ...] = ()

    @property
    def name(self) -> TableName:
        """Family and name."""
        return self.table.family, self.table.name

    def after(self, chain: str) -> Table:
        """Returns the table as it will be."""
        return put(self.table, chain, self.want)


@dataclass(frozen=True)
class TableChanges:
    """All tables that change, and whether any holds the set then.

    ``kept`` are rules that were not taken over, as they let in more than was asked for.
    """

    changes: Tuple[TableChange, ...]
    held: bool = False
    kept: Tuple[Found, ...] = ()


def plan_tables(ruleset: Ruleset, request: PortsRequest, links: Sequence[Link], live: bool = True) -> TableChanges:
    """Returns what has to change so that ``ruleset`` is what the request says; nothing where it is so.

    Only a ``live`` one may get a table of ours.
    """
    absent = request.state == "absent"
    native = [table for table in ruleset if table.frontend == "nft" and (absent or not (table.dormant or table.owned))]
    haves = {_name(table): find_layout(table, request.chain) for table in native}
    stripped = {_name(table): strip(table, request.chain) for table in native}
    found = find_equivalents(tuple(stripped.values()), request, links) if request.adopt else ()
    bare = {name: without_found(table, found) for name, table in stripped.items()}
    holding = frozenset((*_name(table), base) for table in native for base in leading_chains(table, request.chain))
    bases = _bases(bare, holding, request, links, live) if request.state == "present" else ()
    for base in bases:
        bare.setdefault(_name(base.table), base.table)
    changes: List[TableChange] = []
    held = False
    for name, table in bare.items():
        here = [base for base in bases if base.table is table]
        have = haves.get(name, NftLayout())
        adopted = tuple(one for one in found if one.table == name and not one.more)
        there = _shifted(have, adopted)
        want = settle(table, here, there, wanted_layout(table, here, request, links), request, links)
        held = held or want.chain_exists
        if want != there or adopted:
            before = next((one for one in native if _name(one) == name), None)
            changes.append(TableChange(before, stripped.get(name, table), table, have, want, adopted))
    return TableChanges(tuple(changes), held, tuple(one for one in found if one.more))


def _shifted(have: NftLayout, adopted: Sequence[Found]) -> NftLayout:
    """The layout with its places counted without the rules that are taken over."""
    if not adopted:
        return have
    jumps = (
        replace(jump, index=jump.index - sum(one.chain == jump.chain and one.index < jump.index for one in adopted))
        for jump in have.jumps
    )
    return replace(have, jumps=tuple(jumps))


def _bases(
    tables: Dict[TableName, Table],
    holding: FrozenSet[ChainName],
    request: PortsRequest,
    links: Sequence[Link],
    live: bool,
) -> Tuple[Base, ...]:
    """The base chains for the set; those of our own table where others have none and it is insisted on or there."""
    own = tables.get(OWN_TABLE)
    others = tuple(table for name, table in tables.items() if name != OWN_TABLE)
    bases = find_bases(others, request, links, holding)
    missing = uncovered(bases, request, links)
    if not live or not missing or (request.backend == "auto" and OWN_TABLE not in {chain[:2] for chain in holding}):
        return bases
    made = own or Table("nft", *OWN_TABLE)
    for direction in missing:
        if not made.chain(HOOKS[direction]):
            made = replace(made, chains=(*made.chains, Chain(HOOKS[direction], (), "accept", HOOKS[direction])))
    ours = [Base.of(made, chain, way) for way in missing for chain in made.chains if chain.name == HOOKS[way]]
    if own is not None and made is not own:
        tables[OWN_TABLE] = made
    return (*bases, *ours)


def _name(table: Table) -> TableName:
    return table.family, table.name
