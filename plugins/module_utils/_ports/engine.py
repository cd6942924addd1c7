# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one engine: from a request to a result by observing, choosing, planning, foreseeing, applying and judging.

Whatever the system is, the rounds are these; what differs stands behind ``Platform`` and ``Firewall``.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ContextManager, Generic, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan import apply as _apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan, Step, Write
from ansible_collections.port443.https.plugins.module_utils._ports.firewall import Facts, Firewall, Platform
from ansible_collections.port443.https.plugins.module_utils._ports.guard import Guard, Risky
from ansible_collections.port443.https.plugins.module_utils._ports.registry import platform_of
from ansible_collections.port443.https.plugins.module_utils._ports.rounds import Transport, carry_out
from ansible_collections.port443.https.plugins.module_utils._ports.unconfirmed import alone, forget, tell
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result, require_open, warnings_of


def ensure(host: FirewallHost, request: PortsRequest, check: bool, guard: Optional[Guard] = None) -> Result:
    """Makes the host what the request says, or with ``check`` only tells what that would take; raises HostError.

    ``guard`` watches over the changes.
    """
    platform = platform_of(host)
    platform.refuse(host, request)
    quiet: ContextManager[None] = contextlib.nullcontext() if check else alone(host)
    with quiet:
        told = tell(host)
        try:
            result = _Run(platform, host, request, check, guard).ensure()
        except HostError:
            if guard and not check:
                guard.give_up()
            raise
        if guard and not check:
            guard.settle()
        if told and not check:
            forget(host)
    return replace(result, warnings=(*told, *result.warnings)) if told else result


@dataclass(frozen=True)
class _Run(Generic[Facts]):
    """One request on one host."""

    platform: Platform[Facts]
    host: FirewallHost
    request: PortsRequest
    check: bool
    guard: Optional[Guard] = None

    def ensure(self) -> Result:
        facts = self.platform.observe(self.host, self.request)
        firewalls = self.platform.choose(self.host, facts, self.request)
        if not firewalls:
            verdicts = self.platform.judge(facts, self.request)
            name, told = self.platform.name_unfiltered(self.host, facts, self.request, verdicts)
            return Result(name, (), (), tuple(verdicts), "not needed", told)
        first, results = facts, [self._ensure_with(firewalls[0], facts, ())]
        for firewall in firewalls[1:]:
            if not self.check and results[-1].steps:
                facts = self.platform.observe(self.host, self.request)
            results.append(self._ensure_with(firewall, facts, results))
        joined = _joined(results)
        if joined.steps or self.request.state != "absent":
            return joined
        name = self.platform.name_untouched(self.host, first, self.request, joined.backend)
        return replace(joined, backend=name)

    def _ensure_with(self, firewall: Firewall[Facts, Any, Any], facts: Facts, before: Sequence[Result]) -> Result:
        """Changes one firewall; what was changed in those before is taken back where that fails."""
        try:
            return self._change(firewall, facts)
        except HostError as problem:
            done = [step for result in before for step in result.steps]
            told = "" if self.check else self.guard.undo(done) if self.guard else _apply.undo(self.host, done)
            raise (Risky if isinstance(problem, Risky) else HostError)(problem.message + told) from None

    def _change(self, firewall: Firewall[Facts, Any, Any], facts: Facts) -> Result:
        state = firewall.observe(self.host, facts)
        plan = firewall.plan(state, self.request)
        _refuse_unwritable(self.host, plan)
        plan, foreseen = firewall.foresee(self.host, state, plan, self.request)
        plan = self.guard.arrange(plan) if self.guard else plan
        if self.check or not plan.steps:
            verdicts = self.platform.judge(foreseen, self.request)
            require_open(self.request, verdicts, "Nothing was changed")
            return self._result(firewall, plan, plan.steps, verdicts, facts)
        with self.host.hold(plan.lock):
            return self._carry_out(firewall, facts, plan, foreseen)

    def _carry_out(self, firewall: Firewall[Facts, Any, Any], facts: Facts, plan: Plan, foreseen: Facts) -> Result:
        """Applies a plan in rounds, and judges what came of it; ``foreseen`` are the facts that it leads to."""
        way: Transport[Facts] = _OnHost(self.platform, firewall, self.host, self.request)
        if self.guard:
            way = self.guard.over(way, plan, partial(self.platform.find_cut, self.host, facts, foreseen))
        facts, first, done = carry_out(way, facts, plan)
        verdicts = self.platform.judge(facts, self.request)
        if self.request.require_effective and any(entry.verdict != "open" for entry in verdicts):
            require_open(self.request, verdicts, "All was taken back" + way.undo(done))
        return self._result(firewall, first, done, verdicts, facts)

    def _result(
        self,
        firewall: Firewall[Facts, Any, Any],
        plan: Plan,
        steps: Tuple[Step, ...],
        verdicts: Sequence[PortVerdict],
        facts: Facts,
    ) -> Result:
        told = plan.warnings + warnings_of(self.request, verdicts, self.platform.interfaces(facts))
        return Result(firewall.name, steps, plan.changes, tuple(verdicts), plan.persisted, told)


_TRIES = 20  # a look and a change take no longer than a tool does


class _OnHost(Generic[Facts]):
    """The way to the rules of a firewall where this runs on the host itself: a Transport."""

    def __init__(
        self, platform: Platform[Facts], firewall: Firewall[Facts, Any, Any], host: FirewallHost, request: PortsRequest
    ) -> None:
        self.unsettled, self.tries, self.patience = platform.unsettled, _TRIES, platform.patience
        self.is_unchanged = platform.is_unchanged
        self._platform, self._firewall, self._host, self._request = platform, firewall, host, request

    def look(self) -> Tuple[Facts, Plan]:
        """Returns what is there now and the plan from that, tried where there is anything to do."""
        facts = self._platform.observe(self._host, self._request)
        state = self._firewall.observe(self._host, facts)
        plan: Plan = self._firewall.plan(state, self._request)
        if plan.steps:
            plan, _foreseen = self._firewall.foresee(self._host, state, plan, self._request)
        return facts, plan

    def apply(self, plan: Plan) -> None:
        """Carries out a plan, all or none."""
        _apply.apply(self._host, plan.steps)

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back steps that were carried out."""
        return _apply.undo(self._host, steps)


def _refuse_unwritable(host: FirewallHost, plan: Plan) -> None:
    """Raises HostError where a file could not be written; a folder that is still to be made has one above it."""
    for step in plan.steps:
        if isinstance(step, Write):
            folder = os.path.dirname(step.path)
            host.refuse_unwritable(step.path if host.has_link(folder) else folder)


def _joined(results: Sequence[Result]) -> Result:
    """What came of removing a set from several firewalls; named is the first that it was in."""
    touched = [result for result in results if result.steps] or list(results)
    return Result(
        touched[0].backend,
        tuple(step for result in results for step in result.steps),
        tuple(change for result in results for change in result.changes),
        results[-1].effective,
        touched[0].persisted,
        tuple(dict.fromkeys(warning for result in results for warning in result.warnings)),
    )
