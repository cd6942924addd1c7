# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates a packet against pf's rules: the last match wins, quick ends, anchors are evaluated where they are called.

pf.conf(5): a packet that no rule matches passes, without state; a packet of a connection that has a state passes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import FrozenSet, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pf.packet import Groups, PfPacket, Surroundings, matches
from ansible_collections.port443.https.plugins.module_utils._pf.rule import PfRule, Rules, Tables


@dataclass(frozen=True)
class Filter:
    """pf as it is or will be: whether it is on, its rules, and what they refer to.

    ``anchors`` are the filter rules of each anchor by its path; ``translations`` and ``translation_anchors`` the same
    of rdr rules, where a system has them apart; ``skipped`` are the interfaces that pf leaves alone.
    """

    enabled: bool
    rules: Rules = ()
    anchors: Mapping[str, Rules] = field(default_factory=dict)
    translations: Rules = ()
    translation_anchors: Mapping[str, Rules] = field(default_factory=dict)
    tables: Tables = field(default_factory=dict)
    skipped: FrozenSet[str] = frozenset()
    groups: Groups = field(default_factory=dict)


@dataclass(frozen=True)
class PfOutcome:
    """What may become of a packet: ``rule`` decides (None: no rule does); ``anchor`` and ``number`` say where it is."""

    passes: bool
    rule: Optional[PfRule] = None
    anchor: str = ""
    number: int = 0

    @property
    def stateful(self) -> bool:
        """Whether the rest of the connection passes with it."""
        return self.passes and self.rule is not None and self.rule.stateful

    def __str__(self) -> str:
        if self.rule is None:
            return "no rule of pf blocks it"
        where = f"anchor {self.anchor} " if self.anchor else ""
        return f"pf {where}rule {self.number}: {self.rule.text}"


UNMATCHED = PfOutcome(True)


@dataclass(frozen=True)
class PfOutcomes:
    """All that may become of a packet; ``uncertain_at`` is the first rule that cannot be foretold, where it matters."""

    outcomes: Tuple[PfOutcome, ...]
    uncertain_at: Optional[PfOutcome] = None
    elsewhere: Optional[PfOutcome] = None

    @property
    def passes(self) -> Optional[bool]:
        """Whether the packet passes; None where that is open."""
        found = {outcome.passes for outcome in self.outcomes}
        return None if len(found) > 1 else found.pop()


class PfEvaluator:
    """Asks the rules of a Filter about packets."""

    def __init__(self, state: Filter) -> None:
        self._state = state
        self._uncertain_at: Optional[PfOutcome] = None
        self._elsewhere: Optional[PfOutcome] = None

    def filter(self, packet: PfPacket) -> PfOutcomes:
        """Returns what becomes of a packet; it is not asked whether the interface is skipped."""
        self._uncertain_at = self._elsewhere = None
        last, done = self._ask(self._state.rules, "", packet, (UNMATCHED,))
        return PfOutcomes(tuple(dict.fromkeys(done + last)), self._uncertain_at, self._elsewhere)

    def translate(self, packet: PfPacket) -> PfOutcomes:
        """Returns whether a packet is redirected: the first rdr rule that matches decides (FreeBSD, macOS)."""
        self._uncertain_at = self._elsewhere = None
        self._redirect(self._state.translations, "", packet)
        return PfOutcomes((UNMATCHED,), self._uncertain_at, self._elsewhere)

    def _ask(
        self, rules: Rules, anchor: str, packet: PfPacket, before: Tuple[PfOutcome, ...]
    ) -> Tuple[Tuple[PfOutcome, ...], Tuple[PfOutcome, ...]]:
        """Returns what the last match may be (empty: evaluation ended for certain), and where it may have ended."""
        last = before
        done: Tuple[PfOutcome, ...] = ()
        around = Surroundings(self._state.tables, self._state.groups, anchor)
        for number, rule in enumerate(rules, 1):
            hit = matches(rule, packet, around) if rule.action in ("pass", "block", "match", "anchor") else False
            if hit is False:
                continue
            here = PfOutcome(rule.action != "block", rule, anchor, number)
            self._note(rule, here, hit)
            if rule.action == "match":
                continue
            after, ended = self._enter(rule, anchor, packet, last) if rule.action == "anchor" else ((here,), ())
            if rule.quick:
                ended += tuple(one for one in after if one not in last)
                after = tuple(one for one in after if one in last)
            done += ended
            last = after if hit else tuple(dict.fromkeys(last + after))
            if not last:
                break
        return last, done

    def _note(self, rule: PfRule, here: PfOutcome, hit: Optional[bool]) -> None:
        if hit is None and self._uncertain_at is None:
            self._uncertain_at = here
        if rule.elsewhere and rule.action != "block" and self._elsewhere is None:
            self._elsewhere = here

    def _enter(
        self, rule: PfRule, anchor: str, packet: PfPacket, last: Tuple[PfOutcome, ...]
    ) -> Tuple[Tuple[PfOutcome, ...], Tuple[PfOutcome, ...]]:
        done: Tuple[PfOutcome, ...] = ()
        for path, rules in self._called(rule, anchor, self._state.anchors):
            last, ended = self._ask(rules, path, packet, last)
            done += ended
            if not last:
                break
        return last, done

    def _called(self, rule: PfRule, anchor: str, anchors: Mapping[str, Rules]) -> Sequence[Tuple[str, Rules]]:
        """The rules that an anchor rule calls: its own in braces, an anchor's, or with ``/*`` those of all below it."""
        if rule.body:
            named = rule.anchor and not rule.anchor.startswith("_")  # as pfctl names those that have none
            return ((resolve(rule.anchor, anchor) if named else anchor, rule.body),)
        path = resolve(rule.anchor, anchor)
        if not path.endswith("*"):
            return ((path, anchors.get(path, ())),)
        above = path[:-1]
        return [(name, anchors[name]) for name in sorted(anchors) if is_directly_below(name, above)]

    def _redirect(self, rules: Rules, anchor: str, packet: PfPacket) -> bool:
        around = Surroundings(self._state.tables, self._state.groups, anchor)
        for number, rule in enumerate(rules, 1):
            hit = matches(rule, packet, around) if rule.action in ("rdr", "rdr-anchor") else False
            if hit is False:
                continue
            if rule.action == "rdr-anchor":
                called = self._called(rule, anchor, self._state.translation_anchors)
                if any(self._redirect(inner, path, packet) for path, inner in called):
                    return True
                continue
            here = PfOutcome(True, rule, anchor, number)
            self._note(replace(rule, elsewhere="" if rule.elsewhere == "no" else rule.elsewhere), here, hit)
            if hit:
                return True
        return False


def resolve(called: str, caller: str) -> str:
    """Returns the path of an anchor from how a rule in ``caller`` (empty: the main ruleset) calls it."""
    if called.startswith("/"):
        return called[1:]
    return f"{caller}/{called}" if caller else called


def is_directly_below(path: str, above: str) -> bool:
    """Tells whether an anchor is a child of ``above``, which ends in a slash, or is empty for the main ruleset."""
    return path.startswith(above) and "/" not in path[len(above) :]


def split_ports(rules: Sequence[PfRule], anchors: Mapping[str, Rules], span: Tuple[int, int]) -> List[Tuple[int, int]]:
    """Returns a span of ports cut where some rule begins or ceases to match, lowest first."""
    found: List[PfRule] = [*rules, *(rule for inner in anchors.values() for rule in inner)]
    bounds = set()
    while found:
        rule = found.pop()
        found += rule.body
        for peer in (rule.source, rule.destination):
            for low, high in peer.ports or ():
                bounds |= {low, high + 1}
    cuts = sorted(bound for bound in bounds if span[0] < bound <= span[1])
    return list(zip([span[0], *cuts], [*[cut - 1 for cut in cuts], span[1]]))
