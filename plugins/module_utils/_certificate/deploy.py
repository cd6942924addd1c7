# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys key pairs as one: installs, tests the configuration, reloads, proves what is served, or rolls all back."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import (
    UNKNOWN,
    YES,
    DeploymentOutcome,
    DeploymentState,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.exchange import (
    PairExchange,
    observe_pairs,
    recover,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.exchanged_pairs import ExchangedPairs
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import Journal
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._certificate.take_back import (
    foresee_missed,
    take_back,
    tell_unproved,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, naming
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._pki.policy import UNSTAPLED
from ansible_collections.port443.https.plugins.module_utils._tls import proof as _proof
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look, find_own
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ServiceControl,
    WebServer,
    tell_failure,
)

LOCK_PATIENCE = 60.0  # seconds, beside what another run may spend on its proofs


class _RefusedError(HostError):
    """The service does not take the pairs up; ``reloaded`` tells whether it may have begun to."""

    def __init__(self, message: str, reloaded: bool) -> None:
        super().__init__(message)
        self.reloaded = reloaded


@dataclass(frozen=True)
class Deployed:
    """How each site stood, what came of it, in the order of the pairs, and what has to be told of all of them.

    ``recovered`` tells whether there was a run to make good that had been cut off.
    """

    states: Tuple[DeploymentState, ...]
    outcomes: Tuple[DeploymentOutcome, ...]
    warnings: Tuple[str, ...] = ()
    recovered: bool = False


@dataclass(frozen=True)
class Deployment:
    """Pairs of one directory on their way to being served. ``relabel`` is called with every path that was made."""

    pairs: Tuple[RequestedPair, ...]
    service: WebServer
    relabel: Callable[[str], None]

    def check(self) -> Deployed:
        """Returns how the sites stand and what deploy() would do; only looks; raises HostError as deploy() would.

        It waits for another run to end: in the middle of that, half of what it is making would be foretold anew.
        """
        with naming(self._place), hold_lock(self._directory, make=False, patience=self._patience) as folder:
            if folder is None:
                self._refuse_missing_parent()
            told = recover(folder, self._directory, self.relabel, check=True)
            states, control = self._observe(folder, bool(told))
        missed = [foresee_missed(one, state) for one, state in zip(self.pairs, states) if state.needs_reload()]
        if any(missed):
            raise HostError("; ".join(filter(None, missed)))
        due = DeploymentOutcome(True, YES if self._proves else UNKNOWN, commands=control.commands())
        outcomes = [replace(due, looks=state.looks) if state.needs_reload() else state.outcome() for state in states]
        return _finish(states, outcomes, told, bool(told))

    def deploy(self) -> Deployed:
        """Installs the pairs and has them served, or leaves everything as it was; raises HostError."""
        existed = os.path.isdir(self._directory)
        with naming(self._place), hold_lock(self._directory, make=True, patience=self._patience) as folder:
            if folder is None:
                raise HostError(f"{self._directory} was removed by somebody else during this run; run again")
            try:
                told = recover(folder, self._directory, self.relabel, check=False)
                states, control = self._observe(folder, bool(told))
                outcomes, warnings = self._install(folder, states, control)
                return _finish(states, outcomes, (*told, *warnings), bool(told))
            finally:
                # Nothing stays of what failed; a directory that holds something is not removed by rmdir.
                for one in self.pairs:
                    with contextlib.suppress(OSError):
                        os.rmdir(one.site, dir_fd=folder)
                if not existed:
                    with contextlib.suppress(OSError):
                        os.rmdir(self._directory)

    @property
    def _directory(self) -> str:
        return self.pairs[0].request.directory

    @property
    def _proves(self) -> bool:
        return self.pairs[0].request.prove

    @property
    def _seconds(self) -> int:
        return self.pairs[0].request.prove_timeout

    @property
    def _patience(self) -> float:
        return LOCK_PATIENCE + 2 * self._seconds

    @property
    def _place(self) -> str:
        """What is named where a file cannot be read or written."""
        return self.pairs[0].path if len(self.pairs) == 1 else self._directory

    def _observe(self, folder: Optional[int], cut_off: bool) -> Tuple[Tuple[DeploymentState, ...], ServiceControl]:
        have = observe_pairs(folder, [one.site for one in self.pairs])
        found = self.service.observe(*(one.wanted() for one in self.pairs))
        servings = found.servings
        unstapled = [
            f"{one.label}the certificate {UNSTAPLED}"
            for one, serving in zip(self.pairs, servings)
            if one.pair.leaf.must_staple and serving.staples is False
        ]
        if unstapled:
            raise HostError("; ".join(unstapled))
        places = [one.places(serving) if self._proves else () for one, serving in zip(self.pairs, servings)]
        looks = _proof.look_at_all([one.expect(asked) for one, asked in zip(self.pairs, places)])
        own = _proof.look_at_all([one.expect(find_own(asked)) for one, asked in zip(self.pairs, places)])
        states = [
            DeploymentState(
                have[one.site],
                one.want,
                one.fingerprint,
                serving,
                looks[one.site],
                self._proves,
                own[one.site],
                cut_off,
            )
            for one, serving in zip(self.pairs, servings)
        ]
        return tuple(map(self._await_others, self.pairs, states)), found.control

    def _await_others(self, one: RequestedPair, state: DeploymentState) -> DeploymentState:
        if state.cut_off or not (state.have.holds(one.want) and state.needs_reload()):
            return state
        looks = _proof.look_again([one.expect(one.places(state.serving))], {one.site: state.looks})
        return replace(state, looks=looks[one.site])

    def _install(
        self, folder: int, states: Sequence[DeploymentState], control: ServiceControl
    ) -> Tuple[List[DeploymentOutcome], Tuple[str, ...]]:
        due = [(one, state) for one, state in zip(self.pairs, states) if not state.is_done()]
        exchange = PairExchange(folder, self._directory, self.relabel)
        pairs = ExchangedPairs(exchange, due)
        # A single pair is exchanged in one step, with no half way to come back from.
        if len(due) > 1:
            _journal.write(folder, Journal((), pairs.changes()))
        try:
            pairs.exchange()
            outcomes, warnings = self._serve(states, pairs, control)
        except HostError:
            _journal.finish(folder)
            raise
        left = list(_journal.finish(folder)) if len(due) > 1 else []
        if not left:  # what a journal can bring back has to stay
            left = [exchange.prune(one.site, one.request.keep) for one, _state in due]
        return outcomes, (*warnings, *filter(None, left))

    def _serve(
        self, states: Sequence[DeploymentState], pairs: ExchangedPairs, control: ServiceControl
    ) -> Tuple[List[DeploymentOutcome], Tuple[str, ...]]:
        """Has the pairs served; returns outcomes and warnings; raises HostError once they are taken back."""
        reloaded, mark = True, control.log.begin()
        try:
            return self._take_up(states, control)
        except _RefusedError as refusal:
            why, reloaded = refusal.message, refusal.reloaded
        except HostError as problem:
            why = problem.message
        except OSError as problem:
            why = problem.strerror or str(problem)
        why += control.log.tell_since(mark)
        raise HostError(f"{why}; {take_back(control, pairs, reloaded, self._seconds)}")

    def _take_up(
        self, states: Sequence[DeploymentState], control: ServiceControl
    ) -> Tuple[List[DeploymentOutcome], Tuple[str, ...]]:
        due = [(one, state) for one, state in zip(self.pairs, states) if state.needs_reload()]
        if not due:
            return [state.outcome() for state in states], ()
        tested = control.test()
        if tested.returncode != 0:
            words = tested.words()
            if any(state.may_serve_previous() or one.path + "/" in words for one, state in due):
                raise _RefusedError(tell_failure(tested), reloaded=False)
            # Another part of the configuration is broken, perhaps for want of another site's pair that comes next.
            why = "the service cannot be reloaded before its configuration is mended"
            outcomes = [state.outcome(why if state.needs_reload() else "") for state in states]
            return outcomes, (tell_failure(tested),)
        reloaded = control.reload()
        if reloaded.returncode != 0:  # which a command may say after it has reloaded
            raise _RefusedError(tell_failure(reloaded), reloaded=True)
        commands = tuple(ended.argv for ended in (tested, reloaded) if ended.argv)
        if self._proves:
            proved = DeploymentOutcome(True, YES, "", commands=commands)
            looks = self._prove(states)
        else:
            proved, looks = DeploymentOutcome(True, UNKNOWN, "prove is false", commands=commands), {}
        return [
            replace(proved, looks=looks.get(one.site, ())) if state.needs_reload() else state.outcome()
            for one, state in zip(self.pairs, states)
        ], ()

    def _prove(self, states: Sequence[DeploymentState]) -> Mapping[str, Tuple[Look, ...]]:
        """Returns what was seen of all pairs that the service is set up to serve, the new ones and the others."""
        served = [(one, state) for one, state in zip(self.pairs, states) if state.can_reload()]
        expected = [one.expect(one.places(state.serving)) for one, state in served]
        looks = _proof.look_until_met(expected, self._seconds)
        missed = [one for one, expectation in zip(served, expected) if not expectation.is_met(looks)]
        if missed:
            raise _RefusedError(tell_unproved(missed, looks, self._seconds), reloaded=True)
        return looks

    def _refuse_missing_parent(self) -> None:
        above = os.path.dirname(self._directory)
        if not os.path.isdir(above):  # which was walked to already, as far as it is there
            raise HostError(f"{above} does not exist: make it first, only {self._directory} itself is made")


def _finish(
    states: Sequence[DeploymentState], outcomes: Sequence[DeploymentOutcome], warnings: Tuple[str, ...], recovered: bool
) -> Deployed:
    limited = tuple(_limit(state, outcome) for state, outcome in zip(states, outcomes))
    return Deployed(tuple(states), limited, warnings, recovered)


def _limit(state: DeploymentState, outcome: DeploymentOutcome) -> DeploymentOutcome:
    """Returns the outcome with what ``served`` does not promise: where no look of this host's could see."""
    unproved = state.serving.unproved if outcome.served == YES else ()
    return replace(outcome, warnings=(*outcome.warnings, *unproved))
