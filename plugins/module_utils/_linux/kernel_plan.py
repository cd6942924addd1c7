# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A plan for a firewall of Linux: with the ruleset that the kernel will hold, by which check mode is judged."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan


@dataclass(frozen=True)
class KernelPlan(Plan):
    """A Plan whose steps make ``ruleset`` of what the kernel holds."""

    ruleset: Ruleset = ()

    def after(self, kernel: Kernel) -> Kernel:
        """Returns the kernel as the plan leaves it."""
        return replace(kernel, ruleset=self.ruleset)
