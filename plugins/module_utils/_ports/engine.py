# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a request to a result: observe, choose, plan, rehearse, apply, observe again, judge."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, ContextManager, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken, Refused, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._plan import apply as _apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan, Step, Write
from ansible_collections.port443.https.plugins.module_utils._ports.detect import NONE, Facts, choose
from ansible_collections.port443.https.plugins.module_utils._ports.firewall import Firewall
from ansible_collections.port443.https.plugins.module_utils._ports.registry import BACKENDS, SERVICES
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, refuse_foreign
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict, judge
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result, require_open, warnings_of

_ROUNDS = 3  # looks after a change: somebody may insert a rule between our look and our change; not for ever
_TRIES = 20  # at a change that did not come about, as what it was to be made in had changed
_SAME = 3  # of them where all looked the same


def ensure(host: Host, request: PortsRequest, check: bool) -> Result:
    """Makes the host what the request says, or with ``check`` only tells what that would take; raises HostError."""
    if host.system() != "Linux":
        from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.engine import ensure as ensure_with_pf

        return ensure_with_pf(host, request, check)
    guard: ContextManager[None] = contextlib.nullcontext() if check else host.lock()
    with guard:
        kernel = observe_kernel(host)
        names = _choose(host, kernel, request)
        if not names:
            unfiltered = judge(kernel.ruleset, kernel.links, request)
            named = _in_charge(host, kernel) if request.state == "absent" else NONE
            return _result(named, Plan((), kernel.ruleset), request, (), unfiltered, kernel)
        results: List[Result] = []
        for name in names:
            try:
                results.append(_ensure_with(BACKENDS[name](), host, kernel, request, check))
            except HostError as problem:
                done = [step for result in results for step in result.steps]
                told = "" if check else _apply.undo(host, done)
                raise HostError(problem.message + told) from None
            if len(names) > 1 and not check and results[-1].steps:
                kernel = observe_kernel(host)
        joined = _joined(results)
        removes = request.state == "absent" and request.backend == "auto"
        return replace(joined, backend=_in_charge(host, kernel)) if removes and not joined.steps else joined


def _choose(host: Host, kernel: Kernel, request: PortsRequest) -> Tuple[str, ...]:
    """The firewalls to change: one, or none where nothing filters.

    Removing takes what is ours wherever it is, so no question of who is in charge may stop it.
    """
    if request.state == "absent" and request.backend == "auto":
        return tuple(name for name, load in BACKENDS.items() if load().may_hold(host, kernel, request))
    name = choose(find_facts(host, kernel, request.directions), request.backend).backend
    if name == NONE:
        return ()
    try:
        refuse_foreign(request, name)
    except RequestError as problem:
        raise HostError(f"{name} is in charge of this host: {problem.message}") from None
    return (name,)


def _in_charge(host: Host, kernel: Kernel) -> str:
    """The firewall to name where nothing had to be removed: that two are in charge is no reason to fail then."""
    facts = find_facts(host, kernel)
    try:
        return choose(facts, "auto").backend
    except HostError:
        return next(iter((*find_managers(kernel.ruleset), *facts.running)))


def find_facts(host: Host, kernel: Kernel, directions: Tuple[str, ...] = ("in",)) -> Facts:
    """Returns what tells who is in charge of a host; the files of the next boot are read only if nothing filters."""
    running = tuple(name for name, is_running in SERVICES.items() if is_running(host))
    at_boot: Tuple[str, ...] = ()
    if not running and not find_managers(kernel.ruleset, directions):
        at_boot = tuple(name for name, load in BACKENDS.items() if load().filters_at_boot(host))
    return Facts(kernel.ruleset, running, at_boot, directions)


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


def _ensure_with(backend: Firewall[Any], host: Host, kernel: Kernel, request: PortsRequest, check: bool) -> Result:
    have = backend.observe(host, kernel)
    first = backend.plan(have, request)
    for step in first.steps:
        if isinstance(step, Write):
            host.refuse_unwritable(step.path)
    first = backend.rehearse(host, have, first, request)
    if check or not first.steps:
        foreseen = judge(first.ruleset, kernel.links, request)
        require_open(request, foreseen, "Nothing was changed")
        return _result(backend.name, first, request, first.steps, foreseen, kernel)
    with host.hold(first.lock):
        return _carry_out(backend, host, kernel, first, request)


def _carry_out(backend: Firewall[Any], host: Host, kernel: Kernel, first: Plan, request: PortsRequest) -> Result:
    """Applies a plan, looks again, and changes again what others changed meanwhile; takes all back if that fails."""
    done: List[Step] = []
    try:
        first = _apply_anew(backend, host, kernel, first, request, done)
        plan, kernel = _settle(backend, host, request, done)
    except HostError as problem:
        raise HostError(problem.message + _apply.undo(host, done)) from None
    effective = judge(plan.ruleset, kernel.links, request)
    if request.require_effective and any(entry.verdict != "open" for entry in effective):
        require_open(request, effective, "All was taken back" + _apply.undo(host, done))
    return _result(backend.name, first, request, tuple(done), effective, kernel)


def _settle(backend: Firewall[Any], host: Host, request: PortsRequest, done: List[Step]) -> Tuple[Plan, Kernel]:
    """Changes again what others changed, until a look finds all as asked; returns that look."""
    for left in reversed(range(_ROUNDS)):
        kernel = observe_kernel(host)
        plan = backend.plan(backend.observe(host, kernel), request)
        if not plan.steps:
            return plan, kernel
        if left:
            _apply_anew(backend, host, kernel, plan, request, done)
    raise HostError("another program keeps changing the rules while ours are made; all was taken back")


def _apply_anew(
    backend: Firewall[Any], host: Host, kernel: Kernel, plan: Plan, request: PortsRequest, done: List[Step]
) -> Plan:
    """Applies a plan, or one made anew where somebody changed what it was made from; returns the one applied.

    A tool does not always say whether a rule was gone that it should insert before (legacy iptables-restore does not),
    and what went may have come back: what is the same at each look was refused for another reason.
    """
    same = 0
    for left in reversed(range(_TRIES)):
        try:
            _apply.apply(host, plan.steps)
            break
        except (Refused, Overtaken) as problem:
            before, kernel = kernel, observe_kernel(host)
            same += isinstance(problem, Refused) and _chains_of(before) == _chains_of(kernel)
            if not left or same == _SAME:
                raise
        plan = _planned_again(backend, host, kernel, plan, request)
    done += plan.steps
    return plan


def _planned_again(backend: Firewall[Any], host: Host, kernel: Kernel, before: Plan, request: PortsRequest) -> Plan:
    """A plan from what is there now; what it writes is tried only if that is something else than before."""
    have = backend.observe(host, kernel)
    plan = backend.plan(have, request)
    if plan.risky != before.risky or _writes(plan) != _writes(before):
        return backend.rehearse(host, have, plan, request)
    return replace(plan, persisted=before.persisted, warnings=before.warnings)


def _writes(plan: Plan) -> List[Write]:
    return [step for step in plan.steps if isinstance(step, Write)]


def _chains_of(kernel: Kernel) -> List[Tuple[object, ...]]:
    """What others may change of the rules; the seconds that elements of sets have left change by themselves."""
    return [(table.frontend, table.family, table.name, table.chains) for table in kernel.ruleset]


def _result(
    backend: str,
    plan: Plan,
    request: PortsRequest,
    steps: Tuple[Step, ...],
    effective: List[PortVerdict],
    kernel: Kernel,
) -> Result:
    warnings = plan.warnings + warnings_of(request, effective, kernel.links[0].names)
    return Result(backend, steps, plan.changes, tuple(effective), plan.persisted, warnings)
