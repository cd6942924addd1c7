# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders a native table before and after for the diff."""

from __future__ import annotations

from typing import List, Optional

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import TableChange
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Table
from ansible_collections.port443.https.plugins.module_utils._plan.diff import cut
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change


def show(change: TableChange, chain: str) -> Change:
    """Returns what changes in a table and some lines around it."""
    family, name = change.name
    return Change(f"nft table {family} {name}", *cut(_lines(change.before), _lines(change.after(chain))))


def _lines(table: Optional[Table]) -> List[str]:
    return [line for chain in (table.chains if table else ()) for line in _chain_lines(chain)]


def _chain_lines(chain: Chain) -> List[str]:
    policy = f" # hook {chain.hook}, policy {chain.policy or 'accept'}" if chain.hook else ""
    lines = [f"chain {chain.name} {{{policy}"]
    handle = 0
    for rule in chain.rules:
        if not rule.handle or rule.handle != handle:
            lines.append(f"\t{rule.text}")
        handle = rule.handle
    return [*lines, "}"]
