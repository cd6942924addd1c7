# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a request to a result: observe, choose, plan, rehearse, apply, observe again, judge."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, ContextManager, List, Tuple

from ansible_collections.port443.https.plugins.module_utils import _apply
from ansible_collections.port443.https.plugins.module_utils._choose import NONE, choose
from ansible_collections.port443.https.plugins.module_utils._effective import Effective, judge
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._plan import Backend, Change, Plan, Step, Write
from ansible_collections.port443.https.plugins.module_utils._port_rule import Request
from ansible_collections.port443.https.plugins.module_utils._registry import BACKENDS

_ROUNDS = 3  # somebody may insert a rule between our look and our change; not for ever


@dataclass(frozen=True)
class Result:
    """What a run did, or would do, and what the host is then."""

    backend: str
    steps: Tuple[Step, ...]
    changes: Tuple[Change, ...]
    effective: Tuple[Effective, ...]
    persisted: str
    warnings: Tuple[str, ...]


def ensure(host: Host, request: Request, check: bool) -> Result:
    """Makes the host what the request says, or with ``check`` only tells what that would take; raises HostError."""
    guard: ContextManager[None] = contextlib.nullcontext() if check else host.lock()
    with guard:
        kernel = observe_kernel(host)
        name = _choose(host, kernel, request)
        if name == NONE:
            unfiltered = judge(kernel.ruleset, kernel.links, request)
            return _result(NONE, Plan((), kernel.ruleset), request, (), unfiltered)
        return _ensure_with(BACKENDS[name], host, kernel, request, check)


def _choose(host: Host, kernel: Kernel, request: Request) -> str:
    """Removing takes what is ours wherever it is, so no question of who is in charge may stop it.

    Where nothing filters now, rules that are loaded at the next boot are still to be opened.
    """
    if request.state == "absent" and request.backend == "auto":
        return "iptables" if kernel.commands else NONE
    name = choose(kernel.ruleset, request.backend).backend
    at_boot = name == NONE and kernel.commands and BACKENDS["iptables"].filters_at_boot(host)
    return "iptables" if at_boot else name


def _ensure_with(backend: Backend[Any], host: Host, kernel: Kernel, request: Request, check: bool) -> Result:
    have = backend.observe(host, kernel)
    first = backend.plan(have, request)
    for step in first.steps:
        if isinstance(step, Write):
            host.refuse_unwritable(step.path)
    first = backend.rehearse(host, have, first, request)
    if check or not first.steps:
        foreseen = judge(first.ruleset, kernel.links, request)
        _require(request, foreseen, "Nothing was changed")
        return _result(backend.name, first, request, first.steps, foreseen)
    done: List[Step] = []
    plan = first
    for _round in range(_ROUNDS):
        _apply_or_undo_all(host, plan.steps, done)
        kernel = observe_kernel(host)
        plan = backend.plan(backend.observe(host, kernel), request)
        if not plan.steps:
            break
    else:
        told = _apply.undo(host, done)
        raise HostError("another program keeps changing the rules while ours are made; all was taken back" + told)
    effective = judge(plan.ruleset, kernel.links, request)
    if request.require_effective and any(entry.verdict != "open" for entry in effective):
        _require(request, effective, "All was taken back" + _apply.undo(host, done))
    return _result(backend.name, first, request, tuple(done), effective)


def _apply_or_undo_all(host: Host, steps: Tuple[Step, ...], done: List[Step]) -> None:
    try:
        _apply.apply(host, steps)
    except HostError as problem:
        raise HostError(problem.message + _apply.undo(host, done)) from None
    done += steps


def _require(request: Request, effective: List[Effective], done: str) -> None:
    shut = [entry for entry in effective if entry.verdict != "open"]
    if request.require_effective and shut:
        named = (f"{entry.title} ({entry.verdict}: {entry.because})" for entry in shut)
        raise HostError("require_effective is set, and not open would be {}. {}".format("; ".join(named), done))


def _result(backend: str, plan: Plan, request: Request, steps: Tuple[Step, ...], effective: List[Effective]) -> Result:
    warnings = plan.warnings + tuple(_warnings(request, effective))
    return Result(backend, steps, plan.changes, tuple(effective), plan.persisted, warnings)


def _warnings(request: Request, effective: List[Effective]) -> List[str]:
    found = [
        "{} is {}: {}".format(entry.title, "blocked" if entry.verdict == "blocked" else "not certain", entry.because)
        for entry in effective
        if entry.verdict != "open"
    ]
    versions = {network.version for network in request.source}
    if request.state == "present" and len(versions) == 1:
        given, other = (4, 6) if 4 in versions else (6, 4)
        found.append(f"source names IPv{given} only, so nothing is opened over IPv{other}")
    return found
