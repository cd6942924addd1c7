# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf as a Firewall: an anchor of ours, its file, and the marked block in pf.conf that loads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.dry_run import foresee
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import PfState
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.plan import PfPlan, plan
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


class Pf:
    """pf of FreeBSD, OpenBSD and macOS."""

    name = "pf"

    def observe(self, host: FirewallHost, facts: PfState) -> PfState:
        """Returns the facts: the platform has read all that pf has."""
        return facts

    def plan(self, state: PfState, request: PortsRequest) -> PfPlan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
        return plan(state, request)

    def foresee(
        self, host: FirewallHost, state: PfState, plan: PfPlan, request: PortsRequest
    ) -> Tuple[PfPlan, PfState]:
        """Returns the plan, and what pf will hold by a dry run of pfctl; raises HostError for what it would refuse."""
        return plan, replace(state, live=foresee(host, state, plan, request))
