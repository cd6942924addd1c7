# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule sets of this collection that are chains of a ruleset, and the form in which each set is reported."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

_FAMILIES = {"ip": "ipv4", "ip6": "ipv6"}  # a table of family inet is for both

RuleSet = Dict[str, Any]
"""name, family (ipv4, ipv6 or both), frontend, table, rules (a list of lines)."""


def list_chains(ruleset: Ruleset) -> List[RuleSet]:
    """Returns the sets that are chains of their own, the jumps to them first."""
    sets: List[RuleSet] = []
    for table in ruleset:
        for chain in table.chains:
            if chain.name.startswith(CHAIN_PREFIX):
                jumps = [rule.text for other in table.chains for rule in other.rules if rule.target == chain.name]
                rules = jumps + [rule.text for rule in chain.rules]
                family = _FAMILIES.get(table.family, "both")
                sets.append(describe_set(chain.name, family, table.frontend, table.name, rules))
    return sets


def describe_set(chain: str, family: str, frontend: str, table: str, rules: List[str]) -> RuleSet:
    """Returns a set as it is reported; its name is that of its chain without the prefix of ours."""
    return {
        "name": chain[len(CHAIN_PREFIX) :],
        "family": family,
        "frontend": frontend,
        "table": table,
        "rules": rules,
    }
