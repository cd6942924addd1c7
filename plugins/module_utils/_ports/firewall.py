# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The protocol of a firewall: what the engine asks of each, live, planned and at the next boot."""

from __future__ import annotations

from typing import Protocol, TypeVar

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

State = TypeVar("State")


class Firewall(Protocol[State]):
    """One firewall; which options it has is said in ``_options``.

    ``State`` is the host as this backend observed it; only the backend looks inside.
    """

    name: str

    def filters_at_boot(self, host: Host) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""

    def may_hold(self, host: Host, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether the set of that name may be in this firewall, live or saved, so that removing has to look."""

    def observe(self, host: Host, kernel: Kernel) -> State:
        """Reads what the backend needs beyond the kernel's rules; changes nothing; raises HostError."""

    def plan(self, have: State, request: PortsRequest) -> Plan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""

    def rehearse(self, host: Host, have: State, plan: Plan, request: PortsRequest) -> Plan:
        """Returns the plan with what trying its files apart from the host showed; raises HostError for a broken one."""
