# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The base chains that the packet which decides a verdict passes, in order, and the rules that lead to the decision."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict, rule_number
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.traversal import HookTraversal
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import FAMILY_NAMES
from ansible_collections.port443.https.plugins.module_utils._verdict.result import readable

# As HookTraversal passes them; questions and answers of ARP pass no hook of IP.
_IN = ("ingress", "bridge prerouting", "bridge input", "prerouting", "input")
_OUT = ("output", "postrouting", "bridge output", "bridge postrouting", "egress")
_ARP_IN = ("ingress", "bridge prerouting", "bridge input", "arp input")
_ARP_OUT = ("arp output", "bridge output", "bridge postrouting", "egress")
_LEAVING = ("output", "postrouting", "egress")


class PacketWays:
    """The ways of packets through a host's rules, for those that arrive on, or leave by, ``interfaces``.

    Without interfaces it is that of each IP version's default route.
    """

    def __init__(self, ruleset: Ruleset, links: Sequence[Link], interfaces: Sequence[str] = ()) -> None:
        self._ruleset = ruleset
        self._links = {FAMILY_NAMES[link.family]: link for link in links}
        self._interfaces = tuple(interfaces)
        self._hooks: Dict[str, HookTraversal] = {}

    def of(self, family: str, verdict: Verdict) -> List[Dict[str, Any]]:
        """Returns the way that belongs to a verdict over ``family`` (ipv4, ipv6), as ports_info returns it."""
        table = self._table_of(verdict)
        base = table.chain(verdict.path[0].chain) if table and verdict.path else None
        hooks = _hooks_of(table, base)
        return [
            {
                "hook": f"{there.family} {chain.hook}" if there.family in ("arp", "bridge") else chain.hook,
                "table": readable(f"{there.frontend} {there.family} {there.name}"),
                "chain": readable(chain.name),
                "kind": chain.kind,
                "priority": chain.priority,
                "policy": chain.policy or "accept",
                "steps": _steps(there, verdict) if there is table and chain is base else [],
            }
            for there, chain in self._traversal(family).list_chains(hooks, self._names(family))
        ]

    def _table_of(self, verdict: Verdict) -> Optional[Table]:
        wanted = (verdict.frontend, verdict.family, verdict.table)
        return next((one for one in self._ruleset if (one.frontend, one.family, one.name) == wanted), None)

    def _names(self, family: str) -> Sequence[str]:
        default = self._links[family].interface
        return self._interfaces or ((default,) if default else ())

    def _traversal(self, family: str) -> HookTraversal:
        """The hooks of a family, with those within a bridge where an interface is one."""
        if family not in self._hooks:
            link, names = self._links[family], self._names(family)
            bridge = any(name not in link.plain for name in names) or not names
            tables = tuple(table for table in self._ruleset if bridge or table.family != "bridge")
            layered = bridge or any(name in link.layered for name in names)
            self._hooks[family] = HookTraversal(tables, link.family, layered)
        return self._hooks[family]


def _hooks_of(table: Optional[Table], base: Optional[Chain]) -> Sequence[str]:
    """The hooks of the packet that a base chain decides on; of the first packet where none does."""
    leaving = base is not None and base.hook in _LEAVING
    if table is not None and table.family == "arp":
        return _ARP_OUT if leaving else _ARP_IN
    return _OUT if leaving else _IN


def _steps(table: Table, verdict: Verdict) -> List[Dict[str, Any]]:
    return [
        {
            "chain": readable(step.chain),
            "number": rule_number(table.chain(step.chain), step) if step.rule else 0,
            "rule": readable(step.rule.text) if step.rule else "",
            "handle": step.rule.handle if step.rule else 0,
        }
        for step in verdict.path
    ]
