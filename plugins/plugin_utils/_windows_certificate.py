# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at a Windows host, plans on the controller and has the host carry that out: one execution, two to change."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import IisExchange
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    FORMAT,
    HostFailure,
    StoreObservation,
    read_observation,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import StorePlan
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import StoreRequest
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.together import (
    JointPlan,
    WantedSites,
    label,
    plan_together,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._powershell.failure import ADMINISTRATOR
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import WindowsPair

SCRIPT = "port443.https.win_certificate"
ROUNDS = 3
_SECRET = ("pfx_", "password_")  # of each certificate, whose thumbprint follows

Site = Tuple[StoreRequest, Optional[WindowsPair]]
Observed = Tuple[StoreObservation, StoreObservation, JointPlan]
# Runs the script with these arguments, and returns its answer.
Execute = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Iis(Protocol):
    """What changes the configuration of IIS."""

    def demand(self) -> None:
        """Raises HostError where the controller cannot change it."""

    def exchange(self, exchanges: Sequence[IisExchange]) -> None:
        """Has bindings of sites name another certificate; raises HostError."""


class WindowsCertificates:
    """One task over one host, all of it or nothing; the pair of a site is None where its certificates are to go.

    With ``purge`` the bindings go that the module sites made for other sites.
    """

    def __init__(
        self, execute: Execute, iis: Iis, sites: Sequence[Site], check_mode: bool, purge: bool = False
    ) -> None:
        self._execute = execute
        self._iis = iis
        self._sites = tuple(sites)
        offered = tuple((request, pair.offered if pair else None) for request, pair in sites)
        self._wanted = WantedSites(offered, purge)
        self._check_mode = check_mode
        self.left: List[str] = []  # what the host could not clean up, in its words

    def carry_out(self) -> Observed:
        """Returns the states before and after, foreseen in check mode, and what was done; raises HostError."""
        seen = self._look({})
        for _round in range(ROUNDS):
            self._refuse_untrusted(seen)
            plan = plan_together(seen, self._wanted, to_the_end=True)
            if plan.whole.exchanges:
                self._iis.demand()
            if self._check_mode or not plan.whole.changes():
                return seen, plan.foreseen, plan
            after = self._apply(plan_together(seen, self._wanted).whole, seen)
            if after.guarded:
                after = self._finish(after)
                self._refuse_other_outcome(after)
                return seen, after, plan
            seen = after
        raise HostError(
            f"something else on this host changed certificates or bindings {ROUNDS} times between look and change. "
            "Nothing was changed; run again when it has ended"
        )

    def _apply(self, plan: StorePlan, seen: StoreObservation) -> StoreObservation:
        """Returns the state after a plan; raises HostError where the host could not carry it out and took it back."""
        if not plan.operations:
            return seen
        imported = {step.fields["thumbprint"] for step in plan.operations if step.do == "import"}
        secret: Dict[str, str] = {}
        for _request, pair in self._sites:
            if pair is not None and pair.offered.leaf.thumbprint in imported:
                secret.update(pair.wrap())
        after = self._look({**plan.send(), **secret})
        if after.failure is not None:
            raise HostError(_tell_failure(after.failure))
        self.left += after.left
        return after

    def _finish(self, seen: StoreObservation) -> StoreObservation:
        """Has IIS name the certificate where it names one, and then removes what that kept from leaving."""
        exchanges = plan_together(seen, self._wanted).whole.exchanges
        if not exchanges:
            return seen
        self._iis.exchange(exchanges)
        after = self._look({})
        return self._apply(plan_together(after, self._wanted).whole, after)

    def _look(self, more: Mapping[str, Any]) -> StoreObservation:
        """One execution of the script: what it is told to do, then what it sees."""
        present = [(request, pair) for request, pair in self._sites if pair is not None]
        places = [one.place for request, _pair in present if request.prove for one in request.bindings]
        arguments: Dict[str, Any] = {
            "format": FORMAT,
            "prefixes": [request.prefix for request, _pair in self._sites],
            "thumbprints": [pair.offered.leaf.thumbprint for _request, pair in present],
            "prove": any(request.prove for request, _pair in present),
            "places": places,
            "chains": [chain for _request, pair in present for chain in pair.chains_to_judge()],
            **more,
        }
        return read_observation(self._execute(arguments))

    def _refuse_untrusted(self, seen: StoreObservation) -> None:
        told = [
            f"{label(request, self._sites)}Windows does not trust the chain "
            f"({', '.join(dict.fromkeys(seen.chain[pair.offered.leaf.thumbprint]))})"
            for request, pair in self._sites
            if pair is not None and seen.chain.get(pair.offered.leaf.thumbprint)
        ]
        if told:
            raise HostError(
                f"{'; '.join(told)}: add what is missing to chain, put its root into the host's store Root, give it as "
                "ca, or set trust: none. Nothing was changed"
            )

    def _refuse_other_outcome(self, after: StoreObservation) -> None:
        rest = plan_together(after, self._wanted).whole
        if rest.changes():
            steps = ", ".join(
                [f"{step.do} {step.id}" for step in rest.operations] + [one.command() for one in rest.exchanges]
            )
            raise HostError(f"the host took everything, and yet is not as asked; what is still to do: {steps}")


def secrets_among(arguments: Mapping[str, Any]) -> List[str]:
    """Returns the names of the script's arguments that nobody may see."""
    return [name for name in arguments if name.startswith(_SECRET)]


def warnings_of(pair: Optional[WindowsPair], plan: StorePlan) -> List[str]:
    """Returns what to know although the task went well."""
    return [*(pair.warnings if pair else ()), *plan.warnings]


def _tell_failure(failure: HostFailure) -> str:
    taken_back = (
        f"Not all of it could be taken back: {'; '.join(failure.not_undone)}"
        if failure.not_undone
        else "All that was done was taken back"
    )
    what = f"{failure.id}: " if failure.id else ""
    rights = f" (this takes {ADMINISTRATOR})" if failure.denied else ""
    return f"{what}{failure.message.rstrip('.')}{rights}. {taken_back}"
