# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the change from one layout to another as input of nft: one transaction, no foreign rule touched."""

from __future__ import annotations

from typing import AbstractSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import NEIGHBOURS
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import (
    OWN_TABLE,
    NftJump,
    NftLayout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import TableChange
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.transaction import Transaction
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import NamedSet, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Prune, Step


def change(chain: str, changes: Sequence[TableChange]) -> Tuple[Step, ...]:
    """Returns the steps that make each table's ``want`` of its ``have``: one run of nft, and our own table's end."""
    lines: List[str] = []
    back: List[str] = []
    prunes: Tuple[Prune, ...] = ()
    for one in changes:
        lines += (_make_table(one) if one.want.chain_exists else []) + _lines(chain, one)
        back += (_make_table(one) if one.have.chain_exists else []) + _back(chain, one)
        if one.name == OWN_TABLE:
            prunes = tuple(Prune(*OWN_TABLE, base.name) for base in one.table.chains if base.hook and not base.rules)
    tables = tuple(one.name for one in changes if one.want.chain_exists)
    made = any(one.name == OWN_TABLE and one.before is None for one in changes)
    run = Transaction(_text(lines), chain, tables, _text(back), prunes if made else ())
    gone = any(one.name == OWN_TABLE and not one.want.chain_exists for one in changes)
    return (run, *(prunes if gone else ()))


def _make_table(one: TableChange) -> List[str]:
    """Our own table and its base chains, which may be there already."""
    if one.name != OWN_TABLE:
        return []
    return [f"add table {_spec(one)}"] + [
        f"add chain {_spec(one)} {base.name} {{ type filter hook {base.hook} priority 0; policy accept; }}"
        for base in one.table.chains
        if base.hook
    ]


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _spec(one: TableChange) -> str:
    return " ".join(one.name)


def _lines(chain: str, one: TableChange) -> List[str]:
    spec = _spec(one)
    kept = {jump.rule.handle for jump in one.want.jumps}  # 0 for one that is new
    lines = [_delete(spec, jump.chain, jump.rule) for jump in one.have.jumps if jump.rule.handle not in kept]
    lines += [_delete(spec, found.chain, found.rule) for found in one.adopted]
    if one.want.chain_exists:
        if one.have.rules != one.want.rules or not one.have.chain_exists:
            lines += _clear(chain, spec, one.have) + _make(chain, spec, one.want)
        return lines + _jumps(one.table, [jump for jump in one.want.jumps if not jump.rule.handle], spec)
    if one.have.chain_exists:
        lines += [*_clear(chain, spec, one.have), f"delete chain {spec} {chain}"]
    return lines


def _delete(spec: str, chain: str, rule: Rule) -> str:
    return f"delete rule {spec} {chain} handle {rule.handle}"


def _clear(chain: str, spec: str, layout: NftLayout) -> List[str]:
    """Empties our chain and takes its sets away."""
    if not layout.chain_exists:
        return []
    return [f"flush chain {spec} {chain}", *(f"delete set {spec} {one.name}" for one in layout.sets)]


def _make(chain: str, spec: str, layout: NftLayout) -> List[str]:
    lines = [f"add chain {spec} {chain}"]
    for one in layout.sets:
        lines += _add_set(spec, one)
    return lines + [f"add rule {spec} {chain} {rule.text}" for rule in layout.rules]


def _add_set(spec: str, one: NamedSet) -> List[str]:
    kind = "icmpv6_type" if one.name.endswith(f"-{NEIGHBOURS}") else "inet_service"
    flags = "interval, timeout" if any(low != high for low, high, _left in one.timeouts) else "timeout"
    elements = ", ".join(
        "{} timeout {}s".format(low if low == high else f"{low}-{high}", max(1, left // 1000))
        for low, high, left in one.timeouts
    )
    made = f"add set {spec} {one.name} {{ type {kind}; flags {flags}; }}"
    return [made, f"add element {spec} {one.name} {{ {elements} }}"] if elements else [made]


def _jumps(table: Table, jumps: Sequence[NftJump], spec: str, gone: AbstractSet[int] = frozenset()) -> List[str]:
    """Inserts each before the rule that it belongs to by that rule's handle, which nobody's change makes another's.

    Rules with the handles ``gone`` are not there to be inserted before.
    """
    lines = []
    for jump in jumps:
        chain = table.chain(jump.chain)
        behind = [rule.handle for rule in chain.rules[jump.index :] if rule.handle not in gone] if chain else []
        if behind:
            lines.append(f"insert rule {spec} {jump.chain} position {behind[0]} {jump.rule.text}")
        else:
            lines.append(f"add rule {spec} {jump.chain} {jump.rule.text}")
    return lines


def _back(chain: str, one: TableChange) -> List[str]:
    """The lines that make ``have`` again, once no jump leads to what ``want`` has."""
    spec = _spec(one)
    lines: List[str] = []
    if not one.have.chain_exists:
        if one.want.chain_exists:
            lines += [*_clear(chain, spec, one.want), f"delete chain {spec} {chain}"]
    elif one.want.rules != one.have.rules or not one.want.chain_exists:
        lines += _clear(chain, spec, one.want) + _make(chain, spec, one.have)
    adopted = [NftJump(found.chain, found.index, found.rule) for found in one.adopted]
    gone = {jump.rule.handle for jump in adopted}
    return lines + _jumps(one.stripped, [*one.have.jumps, *adopted], spec, gone)
