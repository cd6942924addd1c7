# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds our chain, sets and jumps in a native table, strips them, puts them in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import NEIGHBOURS
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ADVERTISEMENT, SOLICITATION
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, NamedSet, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

PROTOCOLS = (*PROTOCOL_NUMBERS, NEIGHBOURS)
"""What there may be a set for."""

OWN_TABLE = ("inet", "port443")
"""Made where a host has no base chain for a set; it holds nothing but our sets."""


@dataclass(frozen=True)
class NftJump:
    """A jump to our chain: before rule ``index`` of ``chain``, counted without our own rules."""

    chain: str
    index: int
    rule: Rule


@dataclass(frozen=True)
class NftLayout:
    """The rules of our chain, the jumps to it, and the sets of ports that are open for a time."""

    rules: Tuple[Rule, ...] = ()
    jumps: Tuple[NftJump, ...] = ()
    sets: Tuple[NamedSet, ...] = ()
    chain_exists: bool = False


def is_ours(rule: Rule, chain: str) -> bool:
    """Tells whether a rule leads into our chain; one with a map leads elsewhere too, and is somebody else's."""
    return rule.target == chain and rule.verdict in ("jump", "goto") and " vmap " not in rule.text


def leading_chains(table: Table, chain: str) -> Tuple[str, ...]:
    """Returns the base chains from which a packet may come to our chain."""
    leads = {other.name: {rule.target for rule in other.rules} for other in table.chains}
    found = {chain}
    while True:
        more = {name for name, targets in leads.items() if targets & found} - found
        if not more:
            return tuple(other.name for other in table.chains if other.hook and other.name in found)
        found |= more


def set_name(chain: str, protocol: str) -> str:
    """Returns the name of the set that holds the ports of a protocol for a time."""
    return f"{chain}-{protocol}"


def find_layout(table: Table, chain: str) -> NftLayout:
    """Returns what is ours in a table."""
    own = table.chain(chain)
    jumps: List[NftJump] = []
    for other in table.chains:
        if other.name == chain:
            continue
        foreign = 0
        for rule in other.rules:
            if is_ours(rule, chain):
                jumps.append(NftJump(other.name, foreign, rule))
            else:
                foreign += 1
    names = {set_name(chain, protocol) for protocol in PROTOCOLS}
    sets = tuple(_timed(one, table) for one in table.sets if one.name in names)
    return NftLayout(own.rules if own else (), tuple(jumps), sets, own is not None)


def _timed(own: NamedSet, table: Table) -> NamedSet:
    """Our set with the time left of its elements; those of neighbour discovery, which are not read, live as long."""
    left = max((left for one in table.sets for _low, _high, left in one.timeouts), default=0)
    if own.timeouts or not left or not own.name.endswith(NEIGHBOURS):
        return own
    return replace(own, timeouts=((SOLICITATION, SOLICITATION, left), (ADVERTISEMENT, ADVERTISEMENT, left)))


def strip(table: Table, chain: str) -> Table:
    """Returns the table as if our chain and the jumps to it were not there."""
    kept = (other for other in table.chains if other.name != chain)
    chains = tuple(
        replace(other, rules=tuple(rule for rule in other.rules if not is_ours(rule, chain)))
        if any(is_ours(rule, chain) for rule in other.rules)
        else other
        for other in kept
    )
    return replace(table, chains=chains)


def strip_all_sets(table: Table) -> Table:
    """Returns the table as if no rule set of this collection were there."""
    for name in [chain.name for chain in table.chains if chain.name.startswith(CHAIN_PREFIX)]:
        table = strip(table, name)
    return table


def put(table: Table, chain: str, layout: NftLayout) -> Table:
    """Returns a stripped table with the layout put in."""
    chains: List[Chain] = []
    for other in table.chains:
        rules = list(other.rules)
        here = [jump for jump in layout.jumps if jump.chain == other.name]
        for jump in sorted(here, key=lambda jump: jump.index, reverse=True):
            rules.insert(jump.index, jump.rule)
        chains.append(replace(other, rules=tuple(rules)) if here else other)
    if layout.chain_exists:
        chains.append(Chain(chain, layout.rules))
    names = {one.name for one in layout.sets}
    sets = tuple(one for one in table.sets if one.name not in names) + layout.sets
    return replace(table, chains=tuple(chains), sets=sets)


def foreign_index(table: Table, chain: str, index: int) -> int:
    """Returns the same place of a stripped table's chain counted in rules of nft, of which some are several here."""
    rules = table.chain(chain)
    handles = [rule.handle for rule in rules.rules[:index]] if rules else []
    return sum(1 for at, handle in enumerate(handles) if not at or not handle or handle != handles[at - 1])


def rule_start(table: Table, chain: str, index: int) -> int:
    """Returns where the rule of nft begins that rule ``index`` is a part of."""
    found = table.chain(chain)
    rules = found.rules if found else ()
    while 0 < index < len(rules) and rules[index].handle and rules[index].handle == rules[index - 1].handle:
        index -= 1
    return index
