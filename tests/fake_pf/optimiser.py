# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The basic optimisation that pfctl does to every ruleset it loads (pfctl_optimize.c).

Rules with a label are left alone; of the others duplicates go, and six or more that differ in the source alone become
one with a table.
"""

from __future__ import annotations

import copy
from typing import Dict, List, Tuple

from fake_pf.rules import Rule, same

THRESHOLD = 6  # TABLE_THRESHOLD


def optimise(rules: List[Rule], unique: str) -> Tuple[List[Rule], Dict[str, List[str]]]:
    """Returns the rules that are left, and the tables that were made; ``unique`` becomes part of their names."""
    kept: List[Rule] = []
    for rule in rules:
        if rule.label or rule.anchor or not any(same(rule, other) for other in kept):
            kept.append(rule)
    tables: Dict[str, List[str]] = {}
    merged: List[Rule] = []
    for rule in kept:
        alike = [other for other in kept if _differ_in_source(rule, other)]
        if rule.label or rule.anchor or len(alike) < THRESHOLD or rule.source.startswith(("<", "!", "any")):
            merged.append(rule)
        elif alike[0] is rule:
            name = f"__automatic_{unique}_{len(tables)}"
            tables[name] = [other.source for other in alike]
            one = copy.deepcopy(rule)
            one.source = f"<{name}>"
            merged.append(one)
    return merged, tables


def _differ_in_source(one: Rule, other: Rule) -> bool:
    moved = copy.deepcopy(other)
    moved.source = one.source
    return same(one, moved) and not other.source.startswith(("<", "!", "any"))
