# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes one expression of nf_tables: the registers after it, its matches, its effects.

That depends on the expressions before it only by what is in the registers and which headers the packet has by then. As
rules repeat each other in most of it, every such step is taken once and remembered.
"""

from __future__ import annotations

import sys
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.conditions import (
    NEVER,
    compare,
    compare_constant,
    compare_range,
    unknown,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import MetaKey
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import (
    CmpAttr,
    CmpOp,
    DynsetAttr,
    DynsetOp,
    ImmediateAttr,
    Inverted,
    LookupAttr,
    ObjrefAttr,
    RangeAttr,
    RangeOp,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import (
    UNKNOWN,
    Expression,
    Registers,
    compute,
    read_expression,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import (
    IPV4,
    IPV6,
    NETWORK,
    TRANSPORT,
    Context,
    Value,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.lookups import Lookup, SetBook
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelSet
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.nat import Action
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.statements import (
    MARKS,
    act,
    act_by_object,
    verdict_of,
)

_DYNSET = {DynsetOp.ADD: "add", DynsetOp.UPDATE: "update", DynsetOp.DELETE: "delete"}
_OF_SETS = frozenset(("lookup", "dynset", "objref"))
_NOTHING = Action("")
_ICMP = ((IPV4, 1), (IPV6, 58))


class State:
    """What a rule knows between two expressions; ``marks`` are those that it has set itself. Never changed."""

    def __init__(self, registers: Registers, context: Context, marks: Optional[Dict[str, Value]] = None) -> None:
        self.registers = registers
        self.context = context
        self.marks = marks or {}
        self.steps: Dict[bytes, ExpressionStep] = {}


class ExpressionStep(NamedTuple):
    """What an expression comes to.

    ``about`` are the headers that its words are about, so that words which only say that there are such headers are
    superfluous; ``implies`` is the header that its own words say nothing more of than that. ``lasts`` is unset where
    the same expression may mean something else tomorrow.
    """

    state: State
    action: Action = _NOTHING
    about: Tuple[int, ...] = ()
    implies: Optional[int] = None
    lasts: bool = True


def take(state: State, expression: Expression, sets: SetBook) -> ExpressionStep:
    """Returns what an expression comes to that follows no map."""
    if expression.value is not None:
        return _load(state, expression, expression.value)
    if expression.name in _OF_SETS:
        return _ask_sets(state, expression, sets)
    if expression.name == "cmp":
        return _compare(state, expression)
    if expression.name == "range":
        low, high = (expression.data(end) for end in (RangeAttr.FROM_DATA, RangeAttr.TO_DATA))
        negated = expression.number(RangeAttr.OP) == RangeOp.NEQ
        return _between(state, expression.register(RangeAttr.SREG), low, high, negated)
    computed = compute(state.registers, expression)
    if computed is not None:
        return ExpressionStep(put(state, *computed))
    if expression.name == "immediate":
        return ExpressionStep(state, verdict_of(expression.attributes.get(ImmediateAttr.DATA, b"")))
    action = act(expression, state.registers, state.context)
    return ExpressionStep(_with_marks(state, action), action)


def begins_span(expression: Expression) -> bool:
    """Tells whether a register is compared with the least that it may be."""
    return expression.name == "cmp" and expression.number(CmpAttr.OP) == CmpOp.GTE


def ends_span(least: Expression, most: Expression) -> bool:
    """Tells whether the same register is compared with the most that it may be, behind the least."""
    same = least.number(CmpAttr.SREG) == most.number(CmpAttr.SREG)
    return most.name == "cmp" and most.number(CmpAttr.OP) == CmpOp.LTE and same


def take_span(state: State, least: Expression, most: Expression) -> ExpressionStep:
    """Returns what two comparisons come to that are one range."""
    low, high = (expression.data(CmpAttr.DATA) for expression in (least, most))
    return _between(state, least.register(CmpAttr.SREG), low, high, False)


def put(state: State, slot: int, value: Value) -> State:
    """Returns the state with a value in a register."""
    registers = state.registers.copy()
    registers.put(slot, value)
    return State(registers, state.context, state.marks)


def _load(state: State, expression: Expression, value: Value) -> ExpressionStep:
    loaded = state.marks.get(MARKS.get((value.kind, *value.key), ""), value)
    after = put(state, expression.slot, loaded)
    return ExpressionStep(after, Action("", matches=unknown(value.text).matches) if expression.may_break else _NOTHING)


def _compare(state: State, expression: Expression) -> ExpressionStep:
    value = state.registers.value(expression.register(CmpAttr.SREG))
    operation, raw = expression.number(CmpAttr.OP), expression.data(CmpAttr.DATA)
    if value.kind == "constant":
        holds = compare_constant(value.constant, operation, raw)
        return ExpressionStep(state, Action("", matches=() if holds else (NEVER,)))
    condition = compare(value, state.context, operation, raw)
    about = _about(value, state.context)
    step = ExpressionStep(state, Action(condition.text, matches=condition.matches), about, None, not _is_index(value))
    if operation == CmpOp.EQ and len(condition.matches) == 1:
        return _narrowed(step, value, condition.matches[0])
    return step


def _narrowed(step: ExpressionStep, value: Value, match: Match) -> ExpressionStep:
    """A rule that asked which headers a packet has may ask for their fields."""
    if match.field not in ("ethertype", "protocol") or len(match.spans) != 1 or match.negated:
        return step
    number, last = match.spans[0]
    if number != last:
        return step
    state = step.state
    header = NETWORK if match.field == "ethertype" else TRANSPORT
    context = state.context
    context = context._replace(ethertype=number) if header == NETWORK else context._replace(protocol=number)
    says_no_more = value.kind == "meta" or (header == TRANSPORT and state.context.ethertype is not None)
    return step._replace(state=State(state.registers, context, state.marks), implies=header if says_no_more else None)


def _about(value: Value, context: Context) -> Tuple[int, ...]:
    """Words about a header; those about ICMP say which IP version it is of, too."""
    if value.kind != "payload":
        return ()
    version = value.key[0] == TRANSPORT and (context.ethertype, context.protocol) in _ICMP
    return (value.key[0], NETWORK) if version else (value.key[0],)


def _is_index(value: Value) -> bool:
    """An index of an interface is another's, once that is made anew."""
    return value.kind == "meta" and value.key[0] in (MetaKey.IIF, MetaKey.OIF)


def _between(state: State, slot: int, low: bytes, high: bytes, negated: bool) -> ExpressionStep:
    value = state.registers.value(slot)
    if value.kind == "constant":
        return ExpressionStep(state, Action("", matches=() if (low <= value.constant <= high) != negated else (NEVER,)))
    condition = compare_range(value, state.context, low, high, negated)
    about = _about(value, state.context)
    return ExpressionStep(state, Action(condition.text, matches=condition.matches), about, None, not _is_index(value))


def _with_marks(state: State, action: Action) -> State:
    """Remembers the marks that a statement set: what reads them later in the rule reads these."""
    marks = dict(state.marks)
    for effect in action.effects:
        kind = {"restore_mark": "mark", "save_mark": "connmark"}.get(effect.kind, effect.kind)
        if kind in ("mark", "connmark"):
            marks[kind] = UNKNOWN
            if effect.kind == kind and len(effect.argument) == 2 and effect.argument[1] == 0xFFFFFFFF:
                marks[kind] = Value("constant", constant=effect.argument[0].to_bytes(4, sys.byteorder))
    return State(state.registers, state.context, marks) if action.effects else state


def lookup_of(state: State, have: KernelSet, slot: int) -> Tuple[Lookup, Tuple[int, ...]]:
    """Returns the registers that are looked up in a set, and the headers that they are about."""
    values = state.registers.key(slot, have.key_length)
    return Lookup(values, state.context), tuple(base for value in values for base in _about(value, state.context))


def _ask_sets(state: State, expression: Expression, sets: SetBook) -> ExpressionStep:
    if expression.name == "lookup":
        step = _lookup(state, expression, sets)
    elif expression.name == "dynset":
        step = _learn(state, expression, sets)
    else:
        step = _object(state, expression, sets)
    return step._replace(lasts=False)


def _lookup(state: State, expression: Expression, sets: SetBook) -> ExpressionStep:
    name = read_string(expression.attributes.get(LookupAttr.SET, b""))
    negated = bool(expression.number(LookupAttr.FLAGS) & Inverted.LOOKUP)
    have = sets.find(name)
    if have is None:
        return ExpressionStep(state, Action(f"@{name}", matches=unknown(f"@{name}").matches))
    lookup, about = lookup_of(state, have, expression.register(LookupAttr.SREG))
    text = f"{lookup.name} {'!= ' if negated else ''}{sets.shown(name, lookup)}"
    return ExpressionStep(state, Action(text, matches=lookup.find(have, sets, negated)), about)


def _object(state: State, expression: Expression, sets: SetBook) -> ExpressionStep:
    """A counter or limit by its name, or by a map of names; a key that this has not matches nothing."""
    if ObjrefAttr.SET_NAME not in expression.attributes:
        name = read_string(expression.attributes.get(ObjrefAttr.IMM_NAME, b""))
        return ExpressionStep(state, act_by_object(expression.number(ObjrefAttr.IMM_TYPE), name))
    have = sets.find(read_string(expression.attributes[ObjrefAttr.SET_NAME]))
    if have is None:
        return ExpressionStep(state, Action("[objref]", "opaque", "objref"))
    lookup, about = lookup_of(state, have, expression.register(ObjrefAttr.SET_SREG))
    action = act_by_object(have.object_type, f"{lookup.name} map @{have.name}")
    return ExpressionStep(state, action._replace(matches=action.matches + lookup.find(have, sets, False)), about)


def _learn(state: State, expression: Expression, sets: SetBook) -> ExpressionStep:
    """Puts a key into a set, or takes it out; that fails where the set is full, or a rate within it says so."""
    attributes = expression.attributes
    have = sets.find(read_string(attributes.get(DynsetAttr.SET_NAME, b"")))
    if have is None:
        return ExpressionStep(state, Action("[dynset]", "opaque", "dynset"))
    listed: List[bytes] = [attributes[DynsetAttr.EXPR]] if DynsetAttr.EXPR in attributes else []
    listed += [raw for _number, raw in read_attributes(attributes.get(DynsetAttr.EXPRESSIONS, b""))]
    inner = [act(read_expression(raw), state.registers, state.context) for raw in listed]
    lookup, about = lookup_of(state, have, expression.register(DynsetAttr.SREG_KEY))
    words = [lookup.name, *(action.text for action in inner)]
    text = "{} @{} {{ {} }}".format(_DYNSET.get(expression.number(DynsetAttr.OP), "add"), have.name, " ".join(words))
    full = have.size and len(sets.elements(have.name)) >= have.size
    inverted = expression.number(DynsetAttr.FLAGS) & Inverted.DYNSET
    doubtful = full or inverted or any(action.matches or action.verdict for action in inner)
    effect = Effect("add_to_set", name=have.name)
    return ExpressionStep(
        state, Action(text, effects=(effect,), matches=unknown(text).matches if doubtful else ()), about
    )
