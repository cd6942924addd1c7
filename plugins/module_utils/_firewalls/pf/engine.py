# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""From a request to a result on a host with pf: observe, plan, try, apply, observe again, judge."""

from __future__ import annotations

import contextlib
import os
from typing import Any, ContextManager, Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import PREFIX, anchor_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.dry_run import foresee
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import THERE, PfState, observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.plan import PfPlan, plan
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import SYSTEMS, System
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.verdict import judge
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pf.conf import anchors_of_ours
from ansible_collections.port443.https.plugins.module_utils._plan import apply as _apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Step, Write
from ansible_collections.port443.https.plugins.module_utils._spec.options import SYSTEMS as MANAGED
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, refuse_foreign
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result, require_open, warnings_of

NAME, NONE = "pf", "none"
_ROUNDS = 3  # somebody may load rules between our look and our change; not for ever


def ensure(host: Host, request: PortsRequest, check: bool) -> Result:
    """Makes the host what the request says, or with ``check`` only tells what that would take; raises HostError."""
    system = system_of(host)
    _refuse_backend(system, request)
    guard: ContextManager[None] = contextlib.nullcontext() if check else host.lock()
    with guard:
        have = observe(host, system, request)
        if _is_unfiltered(have, request):
            told = _told_of_others(have)
            return Result(NONE, (), (), tuple(judge(have.live, have.links, request)), "not needed", told)
        first = plan(have, request)
        _refuse_unwritable(host, first)
        after = foresee(host, have, first, request)
        if check or not first.steps:
            foreseen = judge(after, have.links, request)
            require_open(request, foreseen, "Nothing was changed")
            return _result(first, request, first.steps, foreseen)
        return _carry_out(host, system, first, request)


def system_of(host: Host) -> System:
    """Returns what there is to know of the host's system; raises HostError where pf is not managed there."""
    name = host.system()
    if name not in SYSTEMS:
        raise HostError(f"this host runs {name}: firewalls are managed on {MANAGED}")
    return SYSTEMS[name]


def _refuse_backend(system: System, request: PortsRequest) -> None:
    if request.backend not in ("auto", NAME):
        raise HostError(f"{request.backend} is a firewall of Linux, and this host runs {system.title}: its own is pf")
    try:
        refuse_foreign(request, NAME)
    except RequestError as problem:
        raise HostError(f"pf is the firewall of this host: {problem.message}") from None


def _is_unfiltered(have: PfState, request: PortsRequest) -> bool:
    """Under auto nothing is made where pf neither filters now nor will after a boot; what is there already is kept."""
    if request.backend != "auto" or request.state == "absent" or request.enable:
        return False
    ours = have.anchor_file is not None or anchor_of(request) in anchors_of_ours((have.conf or b"").decode("latin-1"))
    return not have.live.enabled and not (have.boot.enables and have.device == THERE) and not ours


def _told_of_others(have: PfState) -> Tuple[str, ...]:
    if not have.other_filter:
        return ()
    return (f"pf is off, but {have.other_filter} filters on this host, which is not managed here",)


def _refuse_unwritable(host: Host, first: PfPlan) -> None:
    """Raises HostError where a file could not be written; a folder that is still to be made has one above it."""
    for step in first.steps:
        if isinstance(step, Write):
            folder = os.path.dirname(step.path)
            host.refuse_unwritable(step.path if host.has_link(folder) else folder)


def _carry_out(host: Host, system: System, first: PfPlan, request: PortsRequest) -> Result:
    """Applies a plan, looks again, and changes again what others changed meanwhile."""
    done: List[Step] = []
    current = first
    for _round in range(_ROUNDS):
        try:
            _apply.apply(host, current.steps)
        except HostError as problem:
            raise HostError(problem.message + _apply.undo(host, done)) from None
        done += current.steps
        have = observe(host, system, request)
        try:
            current = plan(have, request)
            foresee(host, have, current, request)
        except HostError as problem:
            raise HostError(problem.message + "; all was taken back" + _apply.undo(host, done)) from None
        if not current.steps:
            break
    else:
        told = _apply.undo(host, done)
        raise HostError(
            "what pf holds after the change is not what was loaded, or another program keeps changing it; all was "
            "taken back" + told
        )
    effective = judge(have.live, have.links, request)
    if request.require_effective and any(entry.verdict != "open" for entry in effective):
        require_open(request, effective, "All was taken back" + _apply.undo(host, done))
    return _result(first, request, tuple(done), effective)


def _result(first: PfPlan, request: PortsRequest, steps: Tuple[Step, ...], effective: List[PortVerdict]) -> Result:
    warnings = first.warnings + warnings_of(request, effective)
    return Result(NAME, steps, first.changes, tuple(effective), first.persisted, warnings)


def report(host: Host, request: PortsRequest) -> Dict[str, Any]:
    """Returns what ports_info tells of a host with pf; raises HostError."""
    have = observe(host, system_of(host), request)
    sets = [
        {
            "name": anchor[len(PREFIX) :] if anchor.startswith(PREFIX) else anchor,
            "family": "both",
            "frontend": NAME,
            "rules": [rule.text for rule in rules],
        }
        for anchor, rules in sorted(have.live.anchors.items())
        if rules and anchor in {*anchors_of_ours((have.conf or b"").decode("latin-1")), anchor_of(request)}
    ]
    return {
        "backend": NAME if have.live.enabled else NONE,
        "effective": [entry.as_result() for entry in judge(have.live, have.links, request)],
        "sets": sets,
    }
