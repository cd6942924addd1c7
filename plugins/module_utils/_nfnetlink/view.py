# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Builds rulesets of nf_tables: native tables whole, and in iptables' what iptables-save cannot have printed right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.decode import RuleDecoder
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.iptables_check import printed_right, read_tokens
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.lookups import SetBook
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import (
    KernelChain,
    KernelRule,
    KernelSet,
    KernelTable,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.unprinted import as_unprinted

IPTABLES_TABLES = ("raw", "mangle", "nat", "filter", "security")

_Place = Tuple[str, str]
"""Family and name of a table."""


@dataclass(frozen=True)
class NftView:
    """All that nf_tables holds, as the kernel listed it."""

    tables: Tuple[KernelTable, ...] = ()
    chains: Tuple[KernelChain, ...] = ()
    rules: Tuple[KernelRule, ...] = ()
    sets: Tuple[KernelSet, ...] = ()

    def has_iptables_tables(self, family: str) -> bool:
        """Tells whether iptables-save (``family`` ip) or ip6tables-save (ip6) has something to print."""
        return any(table.family == family and table.name in IPTABLES_TABLES for table in self.tables)

    def has_chain(self, family: str, table: str, chain: str) -> bool:
        """Tells whether the kernel has that chain."""
        return any((one.family, one.table, one.name) == (family, table, chain) for one in self.chains)

    def is_dormant(self, family: str, table: str) -> bool:
        """Tells whether a table is switched off."""
        return any((one.family, one.name, one.dormant) == (family, table, True) for one in self.tables)


def native_tables(view: NftView) -> Ruleset:
    """Returns the tables that are not iptables', with all their chains, rules and named sets."""
    return tuple(_read_table(view, table) for table in view.tables if not _is_iptables(table.family, table.name))


def mark_native_rules(tables: Tuple[Table, ...], view: NftView, family: str) -> Tuple[Table, ...]:
    """Returns what iptables-save printed of one family, with those rules read anew that it cannot print right.

    iptables-save 1.8.9 prints native rules of tables with iptables' names as far as it understands them and says
    nothing: ``tcp dport { 80, 8080 } accept`` becomes ``-p tcp -j ACCEPT``. Base chains that it leaves out come as
    further tables of frontend nft, and a table that it does not print whole is read without it.
    """
    rules = _by_chain([rule for rule in view.rules if rule.family == family])
    whole = {table.name: table for table in tables if _is_whole(table, rules, view)}
    marked = tuple(_mark_table(table, rules, view) for table in whole.values())
    printed = {_base(table.name, chain) for table in whole.values() for chain in table.chains}
    left: Tuple[Table, ...] = ()
    for table in view.tables:
        if table.family == family and _is_iptables(family, table.name):
            if table.name not in whole:
                left += (_read_unprinted(view, table),)
                continue
            bases = [
                chain for chain in view.chains if (chain.family, chain.table) == (family, table.name) and chain.hook
            ]
            names = frozenset(chain.name for chain in bases if _base(chain.table, chain) not in printed)
            left += (_read_table(view, table, names),) if names else ()
            if names and len(names) == len(bases):  # iptables-save makes up the base chains that it would have
                marked = tuple(one for one in marked if one.name != table.name)
    return marked + left


def _is_whole(table: Table, rules: Dict[Tuple[str, str], List[KernelRule]], view: NftView) -> bool:
    """Whether the text has all rules of a table: iptables-save leaves some out, or somebody changed it in between."""
    place = (table.family, table.name)
    printed = {chain.name: len(chain.rules) for chain in table.chains}
    native = {chain.name for chain in view.chains if (chain.family, chain.table) == place and chain.hook} - set(printed)
    held = {chain: len(found) for (name, chain), found in rules.items() if name == table.name and chain not in native}
    return {**dict.fromkeys(printed, 0), **held} == printed


def _read_unprinted(view: NftView, table: KernelTable) -> Table:
    read = _read_table(view, table)
    spelled = {rule.handle: rule.text for chain in read.chains for rule in chain.rules}
    place = (table.family, table.name)
    return as_unprinted(read, [rule for rule in view.rules if (rule.family, rule.table) == place], spelled)


def _base(table: str, chain: Union[Chain, KernelChain]) -> Tuple[object, ...]:
    """What tells base chains apart; iptables-nft has its own place for the table security (150, as of 1.8.11)."""
    return table, chain.name, chain.hook, None if table == "security" else chain.priority


def _is_iptables(family: str, table: str) -> bool:
    return family in ("ip", "ip6") and table in IPTABLES_TABLES


def _by_chain(rules: Sequence[KernelRule]) -> Dict[Tuple[str, str], List[KernelRule]]:
    found: Dict[Tuple[str, str], List[KernelRule]] = {}
    for rule in rules:
        found.setdefault((rule.table, rule.chain), []).append(rule)
    return found


def _mark_table(table: Table, rules: Dict[Tuple[str, str], List[KernelRule]], view: NftView) -> Table:
    decoder = RuleDecoder(table.family, _sets_of(view, table.family, table.name))
    chains = tuple(_mark_chain(chain, rules.get((table.name, chain.name), []), decoder) for chain in table.chains)
    if view.is_dormant(table.family, table.name):
        return replace(table, chains=tuple(replace(chain, hook=None) for chain in chains), dormant=True)
    return replace(table, chains=chains)


def _mark_chain(chain: Chain, rules: List[KernelRule], decoder: RuleDecoder) -> Chain:
    right = [printed_right(read_tokens(listed.expressions), rule.text) for listed, rule in zip(rules, chain.rules)]
    if all(right):
        return chain
    return replace(
        chain,
        rules=tuple(
            rule if fine else _read_anew(rule, listed, decoder) for fine, listed, rule in zip(right, rules, chain.rules)
        ),
    )


def _read_anew(rule: Rule, listed: KernelRule, decoder: RuleDecoder) -> Rule:
    """The rule as it is; a map would be several rules, which iptables' numbers do not count."""
    found = decoder.decode(listed)
    if len(found) == 1 and found[0].verdict != "opaque":
        return replace(found[0], handle=0)
    return replace(rule, matches=(), verdict="opaque", target="")


def _sets_of(view: NftView, family: str, table: str) -> SetBook:
    return SetBook([one for one in view.sets if (one.family, one.table) == (family, table)])


def _read_table(view: NftView, table: KernelTable, hooked: Optional[FrozenSet[str]] = None) -> Table:
    """A table with all its chains; ``hooked`` are the base chains that count, all if it is None."""
    place = (table.family, table.name)
    book = _sets_of(view, *place)
    decoder = RuleDecoder(table.family, book)
    rules = _by_chain([rule for rule in view.rules if (rule.family, rule.table) == place])
    chains: List[Chain] = []
    for chain in view.chains:
        if (chain.family, chain.table) != place or (hooked is not None and chain.hook and chain.name not in hooked):
            continue
        decoded = [decoder.decode(rule) for rule in rules.get((table.name, chain.name), [])]
        chains.append(_chain(chain, tuple([rule for group in decoded for rule in group]), table.dormant))
    return Table("nft", table.family, table.name, tuple(chains), book.named(), table.dormant, table.owned)


def _chain(chain: KernelChain, rules: Tuple[Rule, ...], dormant: bool) -> Chain:
    if chain.hook is None:
        return Chain(chain.name, rules)
    kind = "nat" if chain.kind == "nat" else "filter"
    hook = None if dormant else chain.hook
    return Chain(chain.name, rules, chain.policy, hook, chain.priority, kind, chain.devices)
