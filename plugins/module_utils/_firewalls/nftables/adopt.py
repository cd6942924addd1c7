# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds rules of others that may be adopted: they accept nothing that the request does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import (
    Region,
    covers,
    packet_space,
    touches,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.desired import (
    HOOKS,
    clauses_of,
    is_open_to_sets,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import OWN_TABLE, foreign_index
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class Found:
    """A rule at ``index`` of a chain; ``ordinal`` counts rules of nft; ``more`` says that it lets in more than that."""

    table: Tuple[str, str]
    chain: str
    index: int
    ordinal: int
    rule: Rule
    more: bool

    def __str__(self) -> str:
        return "{} (chain {} of table {} {})".format(self.rule.text, self.chain, *self.table)


def find_equivalents(ruleset: Ruleset, request: PortsRequest, links: Sequence[Link]) -> Tuple[Found, ...]:
    """Returns the rules of base chains that let in what the request asks for, all or a part of it, or also more."""
    found: List[Found] = []
    for table in ruleset:
        if not is_open_to_sets(table) or (table.family, table.name) == OWN_TABLE:
            continue
        asked = packet_space(
            [clause.rule(table.family, "accept") for clause in clauses_of(table.family, request)], table.family
        )
        hooks = {HOOKS[direction] for direction in request.directions}
        for chain in table.chains if asked else ():
            if chain.hook in hooks and chain.kind == "filter" and asked:
                found += _in_chain(table, chain.name, chain.rules, asked)
    return tuple(found)


def _in_chain(table: Table, chain: str, rules: Sequence[Rule], asked: Region) -> List[Found]:
    parts = Counter(rule.handle for rule in rules)
    found: List[Found] = []
    for index, rule in enumerate(rules):
        if rule.verdict != "accept" or (rule.handle and parts[rule.handle] > 1) or _does_more(rule):
            continue
        offered = packet_space([rule], table.family)
        if not offered or not touches(asked, offered):
            continue
        ordinal = foreign_index(table, chain, index)
        more = not covers(asked, offered)
        found.append(Found((table.family, table.name), chain, index, ordinal, rule, more))
    return found


def _does_more(rule: Rule) -> bool:
    """Whether a rule logs, or takes its ports or sources from a set that may change."""
    return any(word.startswith("@") or word in ("log", "vmap") for word in rule.text.split())


def without_found(table: Table, found: Sequence[Found]) -> Table:
    """Returns the table without the rules that are taken over; the table itself where there are none."""
    gone: Dict[str, List[int]] = {}
    for one in found:
        if one.table == (table.family, table.name) and not one.more:
            gone.setdefault(one.chain, []).append(one.index)
    if not gone:
        return table
    chains = tuple(
        replace(
            chain, rules=tuple(rule for index, rule in enumerate(chain.rules) if index not in gone.get(chain.name, ()))
        )
        for chain in table.chains
    )
    return replace(table, chains=chains)
