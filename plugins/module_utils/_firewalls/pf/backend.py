# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf as a backend of a Linux host, where there is none; the systems that have it go the way of ``_way``."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


class Pf:
    """Says of a Linux host that it has no pf."""

    name = "pf"

    def filters_at_boot(self, host: Host) -> bool:
        """No Linux host has pf."""
        return False

    def may_hold(self, host: Host, kernel: Kernel, request: PortsRequest) -> bool:
        """No Linux host has pf."""
        return False

    def observe(self, host: Host, kernel: Kernel) -> None:
        """Raises HostError."""
        raise HostError("pf is the firewall of FreeBSD, OpenBSD and macOS, and this host runs Linux")

    def plan(self, have: None, request: PortsRequest) -> Plan:
        """Is never come to."""
        raise NotImplementedError

    def rehearse(self, host: Host, have: None, plan: Plan, request: PortsRequest) -> Plan:
        """Is never come to."""
        raise NotImplementedError
