# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan for a firewall of Linux: with the ruleset that the kernel will hold, by which check mode is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, List, Protocol, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class KernelPlan(Plan):
    """A Plan whose steps make ``ruleset`` of what the kernel holds."""

    ruleset: Ruleset = ()

    def after(self, kernel: Kernel) -> Kernel:
        """Returns the kernel as the plan leaves it."""
        return replace(kernel, ruleset=self.ruleset)


class KernelState(Protocol):
    """What a firewall of Linux observes: the kernel's rules, and what it has beyond them."""

    @property
    def kernel(self) -> Kernel:
        """The kernel's rules."""


State = TypeVar("State", bound=KernelState)


class Rehearsed(Generic[State]):
    """What all firewalls of Linux have in common: a plan is foreseen by rehearsing it."""

    def rehearse(self, host: FirewallHost, have: State, plan: KernelPlan, request: PortsRequest) -> KernelPlan:
        """Returns the plan with what trying its files apart from the host showed; raises HostError for a broken one."""
        raise NotImplementedError

    def foresee(
        self, host: FirewallHost, have: State, plan: KernelPlan, request: PortsRequest
    ) -> Tuple[KernelPlan, Kernel]:
        """Returns the plan as rehearsed, and the kernel as it leaves it."""
        rehearsed = self.rehearse(host, have, plan, request)
        return rehearsed, rehearsed.after(have.kernel)

    def list_saved_sets(self, host: FirewallHost) -> List[RuleSet]:
        """Returns the sets that are no chains of their own: none, unless a firewall has such."""
        return []
