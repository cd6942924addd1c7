# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""FreeBSD, OpenBSD and macOS as one platform for the engine: pf is the only firewall that is managed there."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import PREFIX, anchor_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.backend import Pf
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import THERE, PfState, observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import SYSTEMS, System
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.verdict import judge
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._pf.conf import anchors_of_ours
from ansible_collections.port443.https.plugins.module_utils._spec.options import SYSTEMS as MANAGED
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, refuse_foreign
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict
from ansible_collections.port443.https.plugins.module_utils._verdict.result import NONE


class PfPlatform:
    """A system with pf as a Platform; its facts are the state that pf is in."""

    unsettled = (
        "what pf holds after the change is not what was loaded, or another program keeps changing it; all was taken "
        "back"
    )

    patience = 1  # pfctl says why it refuses, and loads a ruleset whole or not at all

    def refuse(self, host: FirewallHost, request: PortsRequest) -> None:
        """Raises HostError where pf is not managed, and for a firewall or an option of Linux."""
        system = system_of(host)
        if request.backend not in ("auto", Pf.name):
            raise HostError(
                f"{request.backend} is a firewall of Linux, and this host runs {system.title}: its own is pf"
            )
        try:
            refuse_foreign(request, Pf.name)
        except RequestError as problem:
            raise HostError(f"pf is the firewall of this host: {problem.message}") from None

    def observe(self, host: FirewallHost, request: PortsRequest) -> PfState:
        """Reads pf's files, what the boot does, and what the kernel holds; raises HostError without rights."""
        return observe(host, system_of(host), request)

    def choose(self, host: FirewallHost, facts: PfState, request: PortsRequest) -> Sequence[Pf]:
        """Returns pf, or under auto nothing where it neither filters now nor will after a boot."""
        if request.backend != "auto" or request.state == "absent" or request.enable:
            return (Pf(),)
        named = anchors_of_ours((facts.conf or b"").decode("latin-1"))
        ours = facts.anchor_file is not None or anchor_of(request) in named
        filters = facts.live.enabled or (facts.boot.enables and facts.device == THERE)
        return (Pf(),) if filters or ours else ()

    def judge(self, facts: PfState, request: PortsRequest) -> List[PortVerdict]:
        """Returns the verdict of pf's rules on each port."""
        return judge(facts.live, facts.links, request)

    def find_cut(self, host: FirewallHost, before: PfState, after: PfState) -> str:
        """Returns nothing: a change of pf is not taken back by itself."""
        return ""

    def is_unchanged(self, before: PfState, after: PfState) -> bool:
        """Compares the rules in force."""
        return before.live == after.live

    def interfaces(self, facts: PfState) -> FrozenSet[str]:
        """Returns nothing: rules of pf may name groups of interfaces and such that are still to come."""
        return frozenset()

    def name_unfiltered(
        self, host: FirewallHost, facts: PfState, request: PortsRequest, verdicts: Sequence[PortVerdict]
    ) -> Tuple[str, Tuple[str, ...]]:
        """Returns ``none``, and a word of another firewall that filters."""
        if not facts.other_filter:
            return NONE, ()
        return NONE, (f"pf is off, but {facts.other_filter} on this host, which is not managed here",)

    def name_untouched(self, host: FirewallHost, facts: PfState, request: PortsRequest, name: str) -> str:
        """Returns pf, there is no other."""
        return name

    def report(self, host: FirewallHost, request: PortsRequest) -> Dict[str, Any]:
        """Returns what ports_info tells of a host with pf; raises HostError."""
        facts = self.observe(host, request)
        return {
            "backend": Pf.name if facts.live.enabled else NONE,
            "effective": [entry.as_result() for entry in self.judge(facts, request)],
            "sets": _list_sets(facts, request),
        }


def _list_sets(facts: PfState, request: PortsRequest) -> List[Dict[str, Any]]:
    known = {*anchors_of_ours((facts.conf or b"").decode("latin-1")), anchor_of(request)}
    return [
        {
            "name": anchor[len(PREFIX) :] if anchor.startswith(PREFIX) else anchor,
            "family": "both",
            "frontend": Pf.name,
            "rules": [rule.text for rule in rules],
        }
        for anchor, rules in sorted(facts.live.anchors.items())
        if rules and anchor in known
    ]


def system_of(host: FirewallHost) -> System:
    """Returns what there is to know of the host's system; raises HostError where pf is not managed there."""
    name = host.system()
    if name not in SYSTEMS:
        raise HostError(f"this host runs {name}: firewalls are managed on {MANAGED}")
    return SYSTEMS[name]
