# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks at a Windows host, plans on the controller and has the host carry that out: one execution, two to change."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, NoReturn, Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.foresee import foresee
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.iis import IisExchange
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import (
    FORMAT,
    HostFailure,
    StoreObservation,
    read_observation,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import StorePlan
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.plan import plan_absent, plan_present
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import StoreRequest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import WindowsPair

SCRIPT = "port443.https.win_certificate"
ROUNDS = 3
SECRET = ("pfx", "password")
_ACCESS_DENIED = (5, 0x80070005)  # the system's number, which .NET Framework hands on as it is, and as HRESULT

Observed = Tuple[StoreObservation, StoreObservation, StorePlan]
# Runs the script with these arguments, of which those in SECRET may not be shown, and returns its answer.
Execute = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class Iis(Protocol):
    """What changes the configuration of IIS."""

    def demand(self) -> None:
        """Raises HostError where the controller cannot change it."""

    def exchange(self, exchanges: Sequence[IisExchange]) -> None:
        """Has bindings of sites name another certificate; raises HostError."""


class WindowsCertificate:
    """One task over one host; ``pair`` is None where the site's certificates are to go."""

    def __init__(
        self, execute: Execute, iis: Iis, request: StoreRequest, pair: Optional[WindowsPair], check_mode: bool
    ) -> None:
        self._execute = execute
        self._iis = iis
        self._request = request
        self._pair = pair
        self._check_mode = check_mode
        self.left: List[str] = []  # what the host could not clean up, in its words

    def carry_out(self) -> Observed:
        """Returns the states before and after, foreseen in check mode, and what was done; raises HostError."""
        seen = self._look({})
        for _round in range(ROUNDS):
            self._refuse_untrusted(seen)
            whole = self._plan(seen, to_the_end=True)
            if whole.exchanges:
                self._iis.demand()
            if self._check_mode or not whole.changes():
                return seen, foresee(seen, whole, self._pair.offered if self._pair else None), whole
            after = self._apply(self._plan(seen), seen)
            if after.guarded:
                after = self._finish(after)
                self._refuse_other_outcome(after)
                return seen, after, whole
            seen = after
        raise HostError(
            f"something else on this host changed certificates or bindings {ROUNDS} times between look and change. "
            "Nothing was changed; run again when it has ended"
        )

    def _apply(self, plan: StorePlan, seen: StoreObservation) -> StoreObservation:
        """Returns the state after a plan; raises HostError where the host could not carry it out and took it back."""
        if not plan.operations:
            return seen
        secret = self._pair.wrap() if self._pair and plan.needs_key() else {}
        after = self._look({**plan.send(), **secret})
        if after.failure is not None:
            raise HostError(_tell_failure(after.failure))
        self.left += after.left
        return after

    def _finish(self, seen: StoreObservation) -> StoreObservation:
        """Has IIS name the certificate where it names one, and then removes what that kept from leaving."""
        exchanges = self._plan(seen).exchanges
        if not exchanges:
            return seen
        self._iis.exchange(exchanges)
        after = self._look({})
        return self._apply(self._plan(after), after)

    def _plan(self, seen: StoreObservation, to_the_end: bool = False) -> StorePlan:
        if self._pair is None:
            return plan_absent(seen, self._request)
        return plan_present(seen, self._request, self._pair.offered, to_the_end)

    def _look(self, more: Mapping[str, Any]) -> StoreObservation:
        """One execution of the script: what it is told to do, then what it sees."""
        pair = self._pair
        arguments: Dict[str, Any] = {
            "format": FORMAT,
            "prefix": self._request.prefix,
            "thumbprint": pair.offered.leaf.thumbprint if pair else "",
            "prove": self._request.prove and pair is not None,
            "places": [one.place for one in self._request.bindings] if pair else [],
            **(pair.chain_to_judge() if pair else {"leaf": "", "chain": []}),
            **more,
        }
        answer = self._execute(arguments)
        if "format" not in answer:
            _refuse_silence(answer)
        return read_observation(answer)

    def _refuse_untrusted(self, seen: StoreObservation) -> None:
        if seen.chain:
            raise HostError(
                f"Windows does not trust the chain ({', '.join(dict.fromkeys(seen.chain))}): add what is missing to "
                "chain, put its root into the host's store Root, give it as ca, or set trust: none. Nothing was changed"
            )

    def _refuse_other_outcome(self, after: StoreObservation) -> None:
        rest = self._plan(after)
        if rest.changes():
            steps = ", ".join(
                [f"{step.do} {step.id}" for step in rest.operations] + [one.command() for one in rest.exchanges]
            )
            raise HostError(f"the host took everything, and yet is not as asked; what is still to do: {steps}")


def warnings_of(pair: Optional[WindowsPair], plan: StorePlan, left: Sequence[str]) -> List[str]:
    """Returns what to know although the task went well."""
    return [*(pair.warnings if pair else ()), *plan.warnings, *left]


def _refuse_silence(answer: Mapping[str, Any]) -> NoReturn:
    """Raises HostError for a script that ended before it could look."""
    failure = answer.get("failure")
    code = int(failure["hresult"]) & 0xFFFFFFFF if isinstance(failure, Mapping) else 0
    said = str(answer.get("msg") or "").strip() or "it said nothing"
    raise HostError(f"the host cannot say what is there: {said}{_tell_rights(code)}")


def _tell_failure(failure: HostFailure) -> str:
    taken_back = (
        f"Not all of it could be taken back: {'; '.join(failure.not_undone)}"
        if failure.not_undone
        else "All that was done was taken back"
    )
    what = f"{failure.id}: " if failure.id else ""
    return f"{what}{failure.message.rstrip('.')}{_tell_rights(failure.code)}. {taken_back}"


def _tell_rights(code: int) -> str:
    if code not in _ACCESS_DENIED:
        return ""
    return (
        " (this needs an administrator's token: with winrm, LocalAccountTokenFilterPolicy for a local account; with "
        "ssh, a member of Administrators)"
    )
