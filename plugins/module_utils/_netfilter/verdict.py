# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict on a connection by all tables together: open, blocked or depends."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import (
    ConnectionQuery,
    ConnectionSimulator,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import (
    NOTHING_FILTERS,
    WORSE,
    Verdict,
    judge,
    undecided_range,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.neighbour_discovery import NeighbourDiscovery
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Ruleset, Span
from ansible_collections.port443.https.plugins.module_utils._netfilter.traversal import HookTraversal

_MOST_PARTS = 128  # pieces of one port range that are judged one by one
_PROTOCOLS = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}


def connection_verdict(ruleset: Ruleset, question: ConnectionQuery) -> Verdict:
    """Returns whether a connection is open, blocked or depends, and why; a port range is open only if all of it is.

    ``ruleset`` holds the tables of every frontend: a packet has to pass them all.
    """
    return ConnectionJudge(ruleset).answer(question)


def neighbour_discovery_verdict(ruleset: Ruleset, interface: Optional[str]) -> Verdict:
    """Returns whether IPv6 neighbours find the host on that interface, and it them (RFC 4861)."""
    return ConnectionJudge(ruleset).neighbour_discovery(ConnectionQuery(6, 0, (0, 0), interface=interface))


class ConnectionJudge:
    """Answers many questions about one ruleset; what one answer taught serves the next."""

    def __init__(self, ruleset: Ruleset) -> None:
        self._ruleset = ruleset
        self._hooks: Dict[Tuple[int, bool, bool], HookTraversal] = {}
        self._neighbours: Dict[ConnectionQuery, Verdict] = {}
        self._bounds: Optional[List[int]] = None

    def answer(self, question: ConnectionQuery) -> Verdict:
        """Returns the verdict; a range is split where rules tell its ports apart."""
        answer = self._judge(question)
        if answer.verdict != "depends" or question.port[0] == question.port[1]:
            return answer
        return self._split(question)

    def neighbour_discovery(self, question: ConnectionQuery) -> Verdict:
        """Returns whether neighbour discovery works for a question's source and interface.

        Where only the host's own search is blocked it depends: answers leave only while the neighbour asked first.
        """
        key = replace(question, protocol=0, port=(0, 0))
        if key not in self._neighbours:
            self._neighbours[key] = judge(NeighbourDiscovery(self._hooks_for(key), key).run(), "neighbour discovery")
        return self._neighbours[key]

    def _judge(self, question: ConnectionQuery) -> Verdict:
        hooks = self._hooks_for(question)
        if hooks.are_empty():
            return Verdict("open", NOTHING_FILTERS)
        answer = judge(ConnectionSimulator(hooks, question).run(), _name(question), question.port)
        if question.loopback or not question.neighbours or (question.family == 4 and not hooks.see_arp()):
            return answer
        return max(answer, self.neighbour_discovery(question), key=lambda one: WORSE.index(one.verdict))

    def _split(self, question: ConnectionQuery) -> Verdict:
        """Halves a range at the rules' own boundaries until each piece is clear; the worst piece is the answer."""
        waiting = [question.port]
        pieces: List[Verdict] = []
        while waiting and len(pieces) < _MOST_PARTS:
            port = waiting.pop()
            answer = replace(self._judge(replace(question, port=port)), port=port)
            cuts = self._cuts(port) if answer.verdict == "depends" else []
            if cuts:
                cut = cuts[len(cuts) // 2]
                waiting += [(cut, port[1]), (port[0], cut - 1)]
                continue
            pieces.append(answer)
            if answer.verdict == "blocked":
                break
        worst = max(pieces, key=lambda one: WORSE.index(one.verdict))
        if waiting and worst.verdict != "blocked":
            return undecided_range(_name(question), _MOST_PARTS)
        return worst if worst.verdict != "open" and worst.port != question.port else replace(worst, port=None)

    def _cuts(self, port: Span) -> List[int]:
        """The ports within a span at which some rule begins or ceases to match."""
        if self._bounds is None:
            rules = [rule for table in self._ruleset for chain in table.chains for rule in chain.rules]
            spans = {span for rule in rules for match in rule.matches for span in _port_spans(match)}
            self._bounds = sorted({low for low, _high in spans} | {high + 1 for _low, high in spans})
        return [bound for bound in self._bounds if port[0] < bound <= port[1]]

    def _hooks_for(self, question: ConnectionQuery) -> HookTraversal:
        key = (question.family, question.bridge, question.layered)
        if key not in self._hooks:
            tables = tuple(table for table in self._ruleset if question.bridge or table.family != "bridge")
            self._hooks[key] = HookTraversal(tables, question.family, question.bridge or question.layered)
        return self._hooks[key]


def _port_spans(match: Match) -> Iterable[Span]:
    if match.field == "either":
        return [span for row in match.rows for part in row for span in _port_spans(part)]
    return match.spans if match.field in ("dport", "sport", "port") else ()


def _name(question: ConnectionQuery) -> str:
    low, high = question.port
    protocol = _PROTOCOLS.get(question.protocol, f"protocol {question.protocol}")
    return f"{low}/{protocol}" if low == high else f"{low}-{high}/{protocol}"
