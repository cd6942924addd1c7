# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the tables with iptables' names that iptables-save leaves out, and the rule that it cannot print.

Of a table with one rule that it does not know it prints a comment in place of all rules, with code 0 (as of 1.8.7), or
it stops amid the rules with code 3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterable, List, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import filters
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.iptables_check import (
    Tokens,
    may_be_iptables,
    read_tokens,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelRule

_IPTABLES = "iptables-nft"
# What iptables puts where, include/uapi/linux/netfilter_ipv4.h; its place for the table security is 150 by mistake.
_PLACES: Dict[str, Tuple[int, ...]] = {"raw": (-300,), "mangle": (-150,), "filter": (0,), "security": (50, 150)}
_NAT_PLACES = {"PREROUTING": -100, "INPUT": 100, "OUTPUT": -100, "POSTROUTING": 100}
# nft_is_expr_compatible in iptables/nft.c, 1.8.7 to 1.8.11: one rule with another expression, and nothing is printed.
_KNOWN = frozenset(
    ("match", "target", "payload", "meta", "cmp", "bitwise", "counter", "immediate", "lookup", "range", "log", "limit")
)
_XT = frozenset(("match", "target"))  # nft cannot write them


def as_unprinted(table: Table, rules: Iterable[KernelRule], spelled: Dict[int, str]) -> Table:
    """Returns a table of nft, all of whose ``rules`` were listed, as one that iptables-save does not print.

    ``spelled`` has the text of a rule by its handle.
    """
    rules = list(rules)
    tokens = [(rule, read_tokens(rule.expressions)) for rule in rules]
    named = table if not _is_laid_out(table) or not _has_xt(table, rules) else replace(table, frontend=_IPTABLES)
    culprit = next((rule for rule, words in tokens if not _KNOWN.issuperset(_kinds(words))), None)
    culprit = culprit or next((rule for rule, words in tokens if not may_be_iptables(words)), None)
    told = f"chain {culprit.chain}: {spelled.get(culprit.handle, '')}" if culprit else "they changed meanwhile"
    return replace(named, unprintable=told)


def join_families(tables: Ruleset) -> Ruleset:
    """Returns the tables with those given to iptables that stand beside its own: one firewall, in two IP versions."""
    return tuple(
        replace(table, frontend=_IPTABLES)
        if table.unprintable and table.frontend == "nft" and _is_laid_out(table) and _is_accompanied(table, tables)
        else table
        for table in tables
    )


def _is_accompanied(table: Table, tables: Ruleset) -> bool:
    """Whether iptables filters in the same table of the other IP version, or in the table filter of this one."""
    beside = [
        other
        for other in tables
        if other.frontend == _IPTABLES
        and other is not table
        and other.name == ("filter" if other.family == table.family else table.name)
    ]
    return any(filters(other, base) for other in beside for base in ("INPUT", "OUTPUT"))


def _is_laid_out(table: Table) -> bool:
    """Whether all base chains have iptables' names and places."""
    for chain in table.chains:
        places = (_NAT_PLACES.get(chain.name),) if table.name == "nat" else _PLACES.get(table.name, ())
        if chain.hook is not None and (chain.name != chain.hook.upper() or chain.priority not in places):
            return False
    return True


def _has_xt(table: Table, rules: Iterable[KernelRule]) -> bool:
    """Whether an extension of iptables is in a chain that is not for forwarded packets alone, as docker's are."""
    counted = _reached(table)
    return any(rule.chain in counted and not _XT.isdisjoint(read_tokens(rule.expressions)) for rule in rules)


def _reached(table: Table) -> Set[str]:
    waiting = [chain.name for chain in table.chains if chain.hook not in (None, "forward")]
    found: Set[str] = set()
    while waiting:
        name = waiting.pop()
        chain = table.chain(name)
        if chain is None or name in found:
            continue
        found.add(name)
        waiting += [rule.target for rule in chain.rules if _leads_on(rule)]
    return found


def _leads_on(rule: Rule) -> bool:
    return rule.verdict in ("jump", "goto")


def _kinds(tokens: Tokens) -> List[str]:
    return [token.split(" ", 1)[0] for token in tokens]
