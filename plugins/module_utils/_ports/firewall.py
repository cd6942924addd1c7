# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The protocols of a firewall and of a platform: what the engine asks of each, whatever the system is.

``Facts`` are a machine as its platform observed it, ``State`` is what one firewall read beyond that; only the platform
and the firewall look inside.
"""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Protocol, Sequence, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict

Facts = TypeVar("Facts")
State = TypeVar("State")
Planned = TypeVar("Planned", bound=Plan)


class Firewall(Protocol[Facts, State, Planned]):
    """One firewall; which options it has is said in ``_spec/options``."""

    name: str

    def observe(self, host: FirewallHost, facts: Facts) -> State:
        """Reads what the firewall has beyond the facts of the platform; changes nothing; raises HostError."""

    def plan(self, state: State, request: PortsRequest) -> Planned:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""

    def foresee(self, host: FirewallHost, state: State, plan: Planned, request: PortsRequest) -> Tuple[Planned, Facts]:
        """Tries a plan apart from the host, by a rehearsal of the boot or a dry run of the firewall's own tool.

        Returns the plan with what that showed, and the facts as they will be; raises HostError for what would not load.
        """


class Platform(Protocol[Facts]):
    """One kind of system: what is observed on it, which firewalls it has, how their rules are judged."""

    unsettled: str
    """What to say where the rules are not what was asked after several changes; all was taken back then."""
    patience: int
    """How often a change is tried that a tool refuses though nothing seems to have changed."""

    def refuse(self, host: FirewallHost, request: PortsRequest) -> None:
        """Raises HostError for a request that this system cannot serve, before anything is looked at."""

    def observe(self, host: FirewallHost, request: PortsRequest) -> Facts:
        """Reads what all firewalls of the system have in common; changes nothing; raises HostError."""

    def choose(self, host: FirewallHost, facts: Facts, request: PortsRequest) -> Sequence[Firewall[Facts, Any, Any]]:
        """Returns the firewalls to change, none where nothing filters; raises HostError where that is not clear."""

    def judge(self, facts: Facts, request: PortsRequest) -> List[PortVerdict]:
        """Returns the verdict on each port that is asked about."""

    def find_cut(self, host: FirewallHost, before: Facts, after: Facts) -> str:
        """Returns by which connection to the host, and why, nobody gets in any more after a change; mostly empty."""

    def is_unchanged(self, before: Facts, after: Facts) -> bool:
        """Tells whether nobody changed a rule between two looks."""

    def interfaces(self, facts: Facts) -> FrozenSet[str]:
        """Returns the names of the host's interfaces, empty if they are not known."""

    def name_unfiltered(
        self, host: FirewallHost, facts: Facts, request: PortsRequest, verdicts: Sequence[PortVerdict]
    ) -> Tuple[str, Tuple[str, ...]]:
        """Returns the firewall to name where none was chosen, and what there is to say then."""

    def name_untouched(self, host: FirewallHost, facts: Facts, request: PortsRequest, name: str) -> str:
        """Returns the firewall to name where nothing had to be removed; ``name`` is the first that was looked at."""

    def report(self, host: FirewallHost, request: PortsRequest) -> Dict[str, Any]:
        """Returns what ports_info tells: the firewall in charge, the verdicts and the rule sets of this collection."""
