# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes rules of nf_tables by running their expressions as the kernel does: load, compare, act.

A rule that looks something up in a map comes out as several rules, one for each element. What is not known becomes an
unknown match where it only asks something, and an opaque rule where it may do anything.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match, Rule
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import read_attributes, read_string
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.conditions import NEVER
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import Register, SetFlag
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import LookupAttr
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import (
    Expression,
    Registers,
    read_expression,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import ARP, IPV4, IPV6, Context, Value
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.lookups import SetBook, constant_of
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelRule
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.nat import Action
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import quote
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.statements import verdict_of
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.steps import (
    ExpressionStep,
    State,
    begins_span,
    ends_span,
    lookup_of,
    put,
    take,
    take_span,
)

_CONTEXTS = {"ip": Context(IPV4), "ip6": Context(IPV6), "arp": Context(ARP), "inet": Context(mixed=True)}
_GOES_ON = ("", "continue")
_CONTINUE = Action("", "continue")
_MOST_REMEMBERED = 200_000


@lru_cache(maxsize=None)
def _root_of(family: str) -> State:
    """The state before a rule's first expression; all that follows is remembered below it."""
    return State(Registers(), _CONTEXTS.get(family, Context()))


class _Memory:
    """How many steps are remembered, of all rules together."""

    count = 0


class _Way(NamedTuple):
    """One way through a rule so far; ``words`` is None on all ways but the first, as all read alike."""

    state: State
    words: Optional[List[str]] = None
    matches: Tuple[Match, ...] = ()
    effects: Tuple[Effect, ...] = ()


class RuleDecoder:
    """Reads the rules of one table."""

    def __init__(self, family: str, sets: SetBook) -> None:
        self._root = _root_of(family)
        self._sets = sets

    def decode(self, rule: KernelRule) -> Tuple[Rule, ...]:
        """Returns what a rule does: one rule, or one for each element of a map, all with its handle and text."""
        words: List[str] = []
        reading = _Reading([raw for _kind, raw in read_attributes(rule.expressions)], self._sets)
        reading.run(_Way(self._root, words), 0)
        if rule.comment:
            words += ["comment", quote(rule.comment)]
        text = " ".join([word for word in words if word])
        return tuple(
            [
                Rule(
                    way.matches,
                    action.verdict or "continue",
                    action.target,
                    action.argument,
                    text,
                    rule.handle,
                    way.effects,
                )
                for way, action in reading.ends
            ]
        )


class _Reading:
    """One rule while its expressions are read; ``ends`` are the ways through it and the verdicts there."""

    def __init__(self, expressions: List[bytes], sets: SetBook) -> None:
        self._expressions = expressions
        self._sets = sets
        self._implied: Dict[int, int] = {}  # by header: the word that the words about that header make superfluous
        self._records = ""  # log, or counter
        self.ends: List[Tuple[_Way, Action]] = []

    def run(self, way: _Way, at: int) -> None:
        """Follows a way from one expression on."""
        state, words, matches, effects = way
        expressions = self._expressions
        while at < len(expressions):
            raw = expressions[at]
            at += 1
            step = state.steps.get(raw)
            if step is None:
                expression = read_expression(raw)
                if expression.name == "lookup" and LookupAttr.DREG in expression.attributes:
                    self._branch(_Way(state, words, matches, effects), expression, at)
                    return
                if begins_span(expression) and at < len(expressions):
                    following = read_expression(expressions[at])
                    if ends_span(expression, following):
                        step = take_span(state, expression, following)
                        at += 1
                step = step or self._take(state, expression, raw)
            state, action = step.state, step.action
            if words is not None and action.text:
                self._add_words(words, step)
            if action.matches and effects:  # what was done stays done where this does not hold
                ahead = _Way(state, words, matches + action.matches, effects + action.effects)
                if action.verdict in _GOES_ON:
                    self.run(ahead, at)
                else:
                    self.ends.append((ahead, action))
                self.ends.append((_Way(state, None, matches, effects), _CONTINUE))
                return
            matches += action.matches
            effects += action.effects
            if action.verdict not in _GOES_ON:
                self.ends.append((_Way(state, words, matches, effects), action))
                return
        self.ends.append((_Way(state, words, matches, effects), _CONTINUE._replace(target=self._records)))

    def _take(self, state: State, expression: Expression, raw: bytes) -> ExpressionStep:
        step = take(state, expression, self._sets)
        if expression.name == "log":
            self._records = "log"
        if step.lasts and expression.name != "log" and not begins_span(expression) and _Memory.count < _MOST_REMEMBERED:
            _Memory.count += 1
            state.steps[raw] = step
        return step

    def _add_words(self, words: List[str], step: ExpressionStep) -> None:
        """Adds the words of a step; those that they imply go."""
        for header in step.about:
            if header in self._implied:
                words[self._implied.pop(header)] = ""
        if step.implies is not None:
            self._implied[step.implies] = len(words)
        words.append(step.action.text)
        if not self._records and step.action.text.startswith("counter"):
            self._records = "counter"

    def _branch(self, way: _Way, expression: Expression, at: int) -> None:
        """Follows a way for each element of a map; a key that it has not matches nothing."""
        name = read_string(expression.attributes.get(LookupAttr.SET, b""))
        verdicts = expression.number(LookupAttr.DREG) == Register.VERDICT
        have = self._sets.find(name)
        if have is None:
            self.ends.append((way, Action("", "opaque", name)))
            return
        lookup, about = lookup_of(way.state, have, expression.register(LookupAttr.SREG))
        text = f"{lookup.name} {'vmap' if verdicts else 'map'} {self._sets.shown(name, lookup, True)}"
        if way.words is not None:
            self._add_words(
                way.words, ExpressionStep(way.state, Action(text if verdicts else ""), about if verdicts else ())
            )
        elements = self._sets.elements(name)
        last = elements[-1] if elements and lookup.is_always_found(elements) else None
        for element in elements:
            there = way if element is last else way._replace(matches=way.matches + lookup.row(element))
            action = verdict_of(element.data or b"") if verdicts else _CONTINUE
            if not verdicts:
                raw = constant_of(element.data)
                value = Value("constant", (), len(raw), constant=raw, text=text)
                there = there._replace(state=put(way.state, expression.register(LookupAttr.DREG), value))
            if action.verdict in _GOES_ON:
                self.run(there, at)
            else:
                self.ends.append((there, action))
            way = way._replace(words=None)
        if not have.flags & SetFlag.ANONYMOUS:
            self.ends.append((way._replace(matches=way.matches + lookup.later(name)), Action("", "opaque", name)))
        if way.effects or not self.ends:
            matches = way.matches if way.effects else (*way.matches, NEVER)
            self.ends.append((way._replace(matches=matches), _CONTINUE))
