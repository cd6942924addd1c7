# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A table's rules before and after as text for the diff: what changes and some lines around it."""

from __future__ import annotations

from typing import List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table

_AROUND = 5  # lines; a diff shows three


def excerpt(before: Table, after: Table) -> Tuple[str, str]:
    """Returns both tables as iptables-save prints them, without what is the same at both ends."""
    return cut(_lines(before), _lines(after))


def cut(before: Sequence[str], after: Sequence[str]) -> Tuple[str, str]:
    """Returns both texts without their common beginning and end, but for a few lines; a host may have 10,000 rules."""
    shortest = min(len(before), len(after))
    head = 0
    while head < shortest and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    start, left = max(0, head - _AROUND), max(0, tail - _AROUND)
    return _text(before[start : len(before) - left]), _text(after[start : len(after) - left])


def _lines(table: Table) -> List[str]:
    lines = [":{} {}".format(chain.name, (chain.policy or "-").upper()) for chain in table.chains]
    return lines + [rule.text for chain in table.chains for rule in chain.rules]


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
