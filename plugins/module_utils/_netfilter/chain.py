# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates one packet against one table's chains and returns every possible verdict with the rule that decides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.addresses import holds_strangers
from ansible_collections.port443.https.plugins.module_utils._netfilter.effects import change
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import (
    MATCH_FIELDS,
    match_holds,
    strange_end,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ARP, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    Match,
    MatchField,
    Rule,
    RuleVerdict,
    Table,
)

_DEEPEST = 100  # chains within chains; real rulesets stay below 20, Python's stack holds this many
_MOST_LIVE = 32  # ways that differ in their marks, before all marks count as unknown
_POLICIES: Dict[str, RuleVerdict] = {"accept": "accept", "drop": "drop"}  # those that the kernel knows
_ENDS: FrozenSet[RuleVerdict] = frozenset(("accept", "drop", "reject", "redirect", "dnat", "snat", "opaque"))

# What decides whether a rule can concern a packet at all: first what differs least from question to question.
_ROUTE = frozenset(field for field, known in MATCH_FIELDS.items() if known.settled_by == "route")
_PORTS = frozenset(field for field, known in MATCH_FIELDS.items() if known.settled_by == "ports")


@dataclass(frozen=True)
class ChainStep:
    """A place in a chain: rule ``index`` counted from 0, or the chain's policy where ``rule`` is None."""

    chain: str
    index: int
    rule: Optional[Rule]


Path = Tuple[ChainStep, ...]
"""From the base chain's rule down to the one that decides."""


@dataclass(frozen=True)
class ChainOutcome:
    """An end that a packet may come to.

    ``verdict`` is accept, drop, reject, redirect, dnat, snat or opaque; the last step of ``path`` decides.
    ``uncertain_at`` is the path of the first rule that was only assumed to match, empty where everything on the way is
    certain. ``packet`` is the packet as it leaves: its marks and its state may have changed.
    """

    verdict: RuleVerdict
    path: Path
    uncertain_at: Path
    packet: Packet


Live = Tuple[Packet, Path]
_Entry = Tuple[int, Rule, Tuple[Match, ...], bool]


@dataclass
class _Ends:
    """What comes out of a chain: final ends, and packets that go on behind the jump."""

    outcomes: Dict[Tuple[object, ...], ChainOutcome]
    returned: List[Live]

    def add(self, outcome: ChainOutcome) -> None:
        last = outcome.path[-1]
        key = (outcome.verdict, last.chain, last.index, outcome.packet)
        if key not in self.outcomes or not outcome.uncertain_at:
            self.outcomes[key] = outcome


class ChainEvaluator:
    """Walks the chains of one table; keeps what it learnt for the next packet."""

    def __init__(self, table: Table) -> None:
        self._chains = {chain.name: chain for chain in table.chains}
        self._near: Dict[Tuple[object, ...], Tuple[_Entry, ...]] = {}
        self._runs: Dict[Tuple[str, Packet], _Ends] = {}
        self._open: Set[str] = set()
        effects = [effect for chain in table.chains for rule in chain.rules for effect in rule.effects]
        # A hop limit that a rule changes is asked for on the way, as marks are.
        self._ports = _PORTS - {"hop_limit"} if any(effect.kind == "hop_limit" for effect in effects) else _PORTS
        self._dynamic_sets = frozenset(effect.name for effect in effects if effect.kind == "add_to_set")

    def evaluate(self, chain: str, packet: Packet) -> Tuple[ChainOutcome, ...]:
        """Returns every end that a packet entering a base chain may come to; an unknown match goes both ways."""
        base = self._chains[chain]
        ends = self._run(base, packet)
        outcomes = dict(ends.outcomes)
        merged = _Ends(outcomes, [])
        policy = _POLICIES.get(base.policy or "accept", "opaque")
        for left, uncertain_at in ends.returned:
            merged.add(ChainOutcome(policy, (ChainStep(chain, len(base.rules), None),), uncertain_at, left))
        return tuple(merged.outcomes.values())

    def _run(self, chain: Chain, packet: Packet) -> _Ends:
        key = (chain.name, packet)
        if key not in self._runs:
            self._open.add(chain.name)
            self._runs[key] = self._pass(chain, packet)
            self._open.discard(chain.name)
        return self._runs[key]

    def _pass(self, chain: Chain, packet: Packet) -> _Ends:
        """Takes a packet through one chain; ``live`` are the ways it may still be on."""
        ends = _Ends({}, [])
        live: List[Live] = [(packet, ())]
        behind: List[Live] = []  # ways that took one of several rules of one handle, and leave out the others
        handle = 0
        for index, rule, matches, doubtful in self._entries(chain, packet):
            if behind and rule.handle != handle:
                live, behind = _joined(live, behind), []
            handle = rule.handle
            following: List[Live] = []
            for way in live:
                holds = _all_hold(matches, way[0], doubtful)
                if holds is not True:
                    _join(following, way)
                if holds is not False:
                    step = ChainStep(chain.name, index, rule)
                    uncertain_at = way[1] or ((step,) if holds is None else ())
                    self._take(step, rule, (way[0], uncertain_at), ends, behind if handle else following)
            live = following if len(following) <= _MOST_LIVE else [_blurred(following)]
            if not live and not behind:
                break
        for way in live + behind:
            _join(ends.returned, way)
        return ends

    def _take(self, step: ChainStep, rule: Rule, way: Live, ends: _Ends, following: List[Live]) -> None:
        """Does what a rule does to a packet that it matches."""
        if rule.effects:
            way = change(way[0], rule.effects), way[1]
        packet, uncertain_at = way
        if rule.verdict in ("jump", "goto"):
            self._enter(step, rule, way, ends, following)
        elif rule.verdict == "return":
            _join(ends.returned, way)
        elif rule.verdict in _ENDS and rule.verdict != "opaque":
            ends.add(ChainOutcome(rule.verdict, (step,), uncertain_at, packet))
        elif rule.verdict == "continue":
            _join(following, way)
        else:
            self._opaque(step, way, ends, following)

    def _opaque(self, step: ChainStep, way: Live, ends: _Ends, following: List[Live]) -> None:
        """A rule that may do anything: end here, or go on with other marks."""
        packet, uncertain_at = replace(way[0], mark=None, connmark=None), way[1] or (step,)
        ends.add(ChainOutcome("opaque", (step,), uncertain_at, packet))
        _join(following, (packet, uncertain_at))

    def _enter(self, step: ChainStep, rule: Rule, way: Live, ends: _Ends, following: List[Live]) -> None:
        packet, uncertain_at = way
        chain = self._chains.get(rule.target)
        if chain is None or rule.target in self._open or len(self._open) > _DEEPEST:
            self._opaque(step, way, ends, following)
            return
        inner = self._run(chain, packet)
        for outcome in inner.outcomes.values():
            inner_uncertain = uncertain_at or ((step, *outcome.uncertain_at) if outcome.uncertain_at else ())
            ends.add(ChainOutcome(outcome.verdict, (step, *outcome.path), inner_uncertain, outcome.packet))
        behind = following if rule.verdict == "jump" else ends.returned
        for left, left_uncertain in inner.returned:
            _join(behind, (left, uncertain_at or ((step, *left_uncertain) if left_uncertain else ())))

    def _entries(self, chain: Chain, packet: Packet) -> Tuple[_Entry, ...]:
        """The rules that can concern a packet, each with the conditions that marks, flags and state still decide."""
        route: Tuple[object, ...] = (
            chain.name,
            packet.family,
            packet.source,
            packet.destination,
            packet.in_interface,
            packet.out_interface,
            packet.source_type,
            packet.destination_type,
            packet.packet_type,
            packet.protocol == ARP,
            packet.dynamic_sets,
        )
        if route not in self._near:
            everything = [(index, rule, rule.matches, False) for index, rule in enumerate(chain.rules)]
            self._near[route] = _prefilter(everything, packet, _ROUTE, self._dynamic_sets)
        ports = (*route, packet.protocol, packet.dport, packet.sport, packet.icmp, packet.hop_limit)
        if ports not in self._near:
            self._near[ports] = _prefilter(self._near[route], packet, self._ports, self._dynamic_sets)
        return self._near[ports]


def _prefilter(
    entries: Sequence[_Entry], packet: Packet, fields: FrozenSet[MatchField], filled: FrozenSet[str]
) -> Tuple[_Entry, ...]:
    """Leaves out the rules that these fields exclude, and of the others the conditions that they settle.

    What is in a set that rules fill (``filled``), only the way shows.
    """
    kept: List[_Entry] = []
    for index, rule, matches, doubtful in entries:
        rest: List[Match] = []
        for match in matches:
            if match.field not in fields or (filled and not filled.isdisjoint(match.names)):
                narrow = match.field == "either" and not match.negated
                match = _narrowed(match, packet, fields) if narrow else match
                if not narrow or match.rows or match.names:
                    rest.append(match)
                    continue
            holds = match_holds(match, packet)
            if holds is False:
                break
            doubtful = doubtful or holds is None
        else:
            kept.append((index, rule, tuple(rest), doubtful))
    return tuple(kept)


def _narrowed(match: Match, packet: Packet, fields: FrozenSet[MatchField]) -> Match:
    """Leaves out the rows that these fields exclude."""
    known: Dict[int, Optional[bool]] = {}
    rows: List[Tuple[Match, ...]] = []
    peer = strange_end(packet)
    if peer in fields:
        spans = (span for row in match.rows for part in row if part.field == peer for span in part.spans)
        fields = fields - {peer} if holds_strangers(spans, packet.family) else fields
    for row in match.rows:
        for part in row:
            if part.field in fields:
                if id(part) not in known:
                    known[id(part)] = match_holds(part, packet)
                if known[id(part)] is False:
                    break
        else:
            rows.append(row)
    return match if len(rows) == len(match.rows) else replace(match, rows=tuple(rows))


def _all_hold(matches: Tuple[Match, ...], packet: Packet, doubtful: bool) -> Optional[bool]:
    for match in matches:
        holds = match_holds(match, packet)
        if holds is False:
            return False
        doubtful = doubtful or holds is None
    return None if doubtful else True


def _joined(live: List[Live], others: List[Live]) -> List[Live]:
    together = list(live)
    for way in others:
        _join(together, way)
    return together


def _join(live: List[Live], way: Live) -> None:
    """Adds a way, once; the one that is certain stays."""
    for place, (packet, uncertain_at) in enumerate(live):
        if packet is way[0] or packet == way[0]:
            if uncertain_at and not way[1]:
                live[place] = way
            return
    live.append(way)


def _blurred(live: List[Live]) -> Live:
    states = tuple(sorted({state for packet, _path in live for state in packet.state}))
    template = any(packet.template for packet, _path in live)
    packet, uncertain_at = live[0]
    return replace(packet, mark=None, connmark=None, state=states, template=template), uncertain_at
