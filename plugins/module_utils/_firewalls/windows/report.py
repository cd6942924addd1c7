# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run on Windows returns beside what it returns everywhere, and what ports_info tells there."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.desired import owner_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import WindowsFacts
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.refusals import NAME
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import format_rule
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.verdict import judge
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.result import NONE


def about_host(facts: WindowsFacts) -> Dict[str, Any]:
    """Returns the active profiles and how many rules each store has."""
    return {"active_profiles": [name.lower() for name in facts.active], "rules_total": dict(facts.counts)}


def report(facts: WindowsFacts, request: PortsRequest) -> Dict[str, Any]:
    """Returns what ports_info tells."""
    filters = any(facts.settings[profile].enabled for profile in facts.active)
    return {
        "changed": False,
        "backend": NAME if filters else NONE,
        "effective": [line.as_result() for line in judge(facts, request)],
        "sets": _sets(facts),
        "windows": about_host(facts),
    }


def _sets(facts: WindowsFacts) -> List[Dict[str, Any]]:
    rules: Dict[str, List[str]] = {}
    for rule in facts.of("local"):
        name = owner_of(rule.id)
        if name:
            rules.setdefault(name, []).append(f"{rule.id}: {format_rule(rule)}")
    return [{"name": name, "family": "both", "frontend": NAME, "rules": texts} for name, texts in sorted(rules.items())]
