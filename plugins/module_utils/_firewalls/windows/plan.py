# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the operations that make a host's rules what a request says, from data alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.adopt import adopt
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.desired import desired_rules, owner_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import WindowsFacts
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.operation import RuleOperation, in_order
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import (
    RuleShape,
    parameters_of,
    settable,
    shape_of,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import (
    PROFILES,
    WindowsRule,
    format_rule,
)
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Plan
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class WindowsPlan(Plan):
    """A plan with what it was made from: the texts of the rules that it changes, None for those that are not there."""

    guard: Tuple[Tuple[str, Optional[str]], ...] = ()
    foreseen: Optional[WindowsFacts] = None


def plan(facts: WindowsFacts, request: PortsRequest, connection_port: int) -> WindowsPlan:
    """Returns what makes the rules what the request says; raises HostError where the firewall does not run."""
    wanted = desired_rules(request)
    have = {rule.id: rule for rule in facts.of("local") if owner_of(rule.id) == request.name}
    by_id = {rule_id.lower(): rule for rule_id, rule in have.items()}
    operations: List[RuleOperation] = []
    changes: List[Change] = []
    for rule_id, shape in wanted.items():
        there = by_id.pop(rule_id, None)
        operations += _make(rule_id, shape, there)
        if there is None or not same(shape_of(there), shape):
            changes.append(_change(there.id if there else rule_id, there, shape))
    gone = {rule.id: rule for rule in by_id.values()}
    warnings: Tuple[str, ...] = ()
    if request.adopt and wanted:
        taken, warnings = adopt(facts, wanted, connection_port)
        gone.update(taken)
    for rule in gone.values():
        operations.append(_remove(rule))
        changes.append(_change(rule.id, rule, None))
    if operations and facts.stopped:
        raise HostError(
            f"the service {' and '.join(facts.stopped)} of Windows Firewall does not run, and without it rules can "
            "neither be changed nor judged: start it"
        )
    return WindowsPlan(
        steps=tuple(operations),
        changes=tuple(changes),
        persisted="written" if wanted else "not needed",
        warnings=warnings + _lost_warnings(operations),
        guard=tuple((one.id, facts.texts.get(one.id)) for one in _by_id(operations)),
        foreseen=_foresee(facts, wanted, operations),
    )


def same(one: RuleShape, other: RuleShape) -> bool:
    """Tells whether two rules are one; paths and names of services are without case."""
    return _folded(one) == _folded(other)


def _folded(shape: RuleShape) -> RuleShape:
    return replace(shape, program=shape.program.lower(), service=shape.service.lower())


def _make(rule_id: str, shape: RuleShape, there: Optional[WindowsRule]) -> List[RuleOperation]:
    """Returns what makes a rule that shape: nothing, a new rule, a change in place, or the same id made anew."""
    if there is None:
        return [_add(rule_id, shape)]
    before = shape_of(there)
    if same(before, shape):
        return []
    forth, back = settable(before, shape), settable(shape, before)
    if forth and back:
        undo = RuleOperation("set", there.id, in_order(back))
        return [RuleOperation("set", there.id, in_order(forth), (undo,))]
    return [_remove(there), _add(there.id, shape)]


def _add(rule_id: str, shape: RuleShape) -> RuleOperation:
    parameters = in_order(parameters_of(shape)[0])
    return RuleOperation("add", rule_id, parameters, (RuleOperation("remove", rule_id),))


def _remove(rule: WindowsRule) -> RuleOperation:
    given, lost = parameters_of(shape_of(rule))
    return RuleOperation("remove", rule.id, (), (RuleOperation("add", rule.id, in_order(given)),), lost)


def _change(rule_id: str, before: Optional[WindowsRule], after: Optional[RuleShape]) -> Change:
    shown = shape_of(before).lines() if before else ""
    return Change(f"Windows Firewall rule {rule_id}", shown, after.lines() if after else "")


def _by_id(operations: List[RuleOperation]) -> List[RuleOperation]:
    return list({one.id: one for one in operations}.values())


def _lost_warnings(operations: List[RuleOperation]) -> Tuple[str, ...]:
    return tuple(
        f"rule {one.id} has {', '.join(one.lost)}, which no cmdlet writes: it is made anew without"
        for one in operations
        if one.lost
    )


def _foresee(facts: WindowsFacts, wanted: Mapping[str, RuleShape], operations: List[RuleOperation]) -> WindowsFacts:
    """Returns the host as it will be."""
    if not operations:
        return facts
    changed: Dict[str, WindowsRule] = {}
    gone = set()
    for one in operations:
        shape = wanted.get(one.id.lower())
        if shape is None or one.verb == "remove":
            gone.add(one.id)
        else:
            changed[one.id] = rule_of(one.id, shape)
    return facts.with_local(changed, frozenset(gone))


def rule_of(rule_id: str, shape: RuleShape) -> WindowsRule:
    """Returns a rule of that shape as the local store would hold it."""
    fields: List[Tuple[str, str]] = [
        ("Action", shape.action.capitalize()),
        ("Active", str(shape.enabled).upper()),
        ("Dir", shape.direction.capitalize()),
        ("Protocol", shape.protocol),
        *(("Profile", name) for name in PROFILES if name in shape.profiles and len(shape.profiles) < len(PROFILES)),
    ]
    for side, ports in (("LPort", shape.local_ports), ("RPort", shape.remote_ports)):
        fields += [(side if "-" not in text else f"{side}2_10", text) for text in ports.parameters()]
    fields += [("RA6" if ":" in text else "RA4", text) for text in shape.remote.parameters()]
    named = (("App", shape.program), ("Svc", shape.service), ("Name", shape.display_name), ("EmbedCtxt", shape.group))
    fields += [(key, value) for key, value in (*named, ("Edge", "TRUE" if shape.edge else "")) if value]
    return WindowsRule("local", rule_id, "2.31", tuple(fields))


def describe_left(plan: WindowsPlan) -> str:
    """Returns what the rules that a plan changes are, and what they were to be, as the registry has them."""
    wanted = {rule.id: format_rule(rule) for rule in plan.foreseen.of("local")} if plan.foreseen else {}
    return "; ".join(
        f"rule {rule_id} is {text or 'not there'}, and was to be {wanted.get(rule_id, 'gone')}"
        for rule_id, text in plan.guard
    )
