# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a request to a result: observe, choose, plan, rehearse, apply, observe again, judge."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, ContextManager, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils import _apply
from ansible_collections.port443.https.plugins.module_utils._choose import NONE, Facts, choose, find_managers
from ansible_collections.port443.https.plugins.module_utils._effective import Effective, judge
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RuleError
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._plan import Backend, Plan, Step, Write
from ansible_collections.port443.https.plugins.module_utils._port_rule import Request, refuse_foreign
from ansible_collections.port443.https.plugins.module_utils._registry import BACKENDS, SERVICES
from ansible_collections.port443.https.plugins.module_utils._result import Result, require_open, warnings_of

_ROUNDS = 3  # somebody may insert a rule between our look and our change; not for ever


def ensure(host: Host, request: Request, check: bool) -> Result:
    """Makes the host what the request says, or with ``check`` only tells what that would take; raises HostError."""
    if host.system() != "Linux":
        from ansible_collections.port443.https.plugins.module_utils._backends._pf._way import ensure as ensure_with_pf

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


def _choose(host: Host, kernel: Kernel, request: Request) -> Tuple[str, ...]:
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
    except RuleError as problem:
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


def _ensure_with(backend: Backend[Any], host: Host, kernel: Kernel, request: Request, check: bool) -> Result:
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
        return _carry_out(backend, host, first, request)


def _carry_out(backend: Backend[Any], host: Host, first: Plan, request: Request) -> Result:
    """Applies a plan, looks again, and changes again what others changed meanwhile."""
    done: List[Step] = []
    plan = first
    for _round in range(_ROUNDS):
        _apply_or_undo_all(host, plan.steps, done)
        try:
            kernel = observe_kernel(host)
            plan = backend.plan(backend.observe(host, kernel), request)
        except HostError as problem:
            raise HostError(problem.message + _apply.undo(host, done)) from None
        if not plan.steps:
            break
    else:
        told = _apply.undo(host, done)
        raise HostError("another program keeps changing the rules while ours are made; all was taken back" + told)
    effective = judge(plan.ruleset, kernel.links, request)
    if request.require_effective and any(entry.verdict != "open" for entry in effective):
        require_open(request, effective, "All was taken back" + _apply.undo(host, done))
    return _result(backend.name, first, request, tuple(done), effective, kernel)


def _apply_or_undo_all(host: Host, steps: Tuple[Step, ...], done: List[Step]) -> None:
    try:
        _apply.apply(host, steps)
    except HostError as problem:
        raise HostError(problem.message + _apply.undo(host, done)) from None
    done += steps


def _result(
    backend: str,
    plan: Plan,
    request: Request,
    steps: Tuple[Step, ...],
    effective: List[Effective],
    kernel: Kernel,
) -> Result:
    warnings = plan.warnings + warnings_of(request, effective, kernel.links[0].names)
    return Result(backend, steps, plan.changes, tuple(effective), plan.persisted, warnings)
