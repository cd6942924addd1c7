# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds rules of others in pf.conf that may be adopted: they accept nothing that the request does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import try_rules
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import System
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import contains, merge_spans
from ansible_collections.port443.https.plugins.module_utils._pf.conf import PfStatement, split_statements
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._pf.rule import PfRule, Rules
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

_MACRO = re.compile(r"\w+\s*=", re.ASCII)
# All that a rule may say behind its port: one that logs, tags, queues, routes or limits does more than let in.
_TAIL = re.compile(r'( flags \S+)?( (no|keep|modulate|synproxy) state)?( label "[^"]*")?')


@dataclass(frozen=True)
class Candidate:
    """A statement of pf.conf that passes packets, its text, and the rules that pfctl makes of it."""

    statement: PfStatement
    text: str
    rules: Rules

    @property
    def stateless(self) -> bool:
        """Whether pf has no state of the connections that it let in."""
        return any(not rule.stateful for rule in self.rules)

    def __str__(self) -> str:
        return re.sub(r"\s*\\?\n\s*", " ", self.text)


def observe_candidates(host: FirewallHost, system: System, text: str) -> Tuple[Candidate, ...]:
    """Returns the statements of a pf.conf that pass packets, each read by pfctl with the macros before it."""
    found: List[Candidate] = []
    macros = ""
    for statement in split_statements(text):
        own = text[statement.start : statement.end]
        if _MACRO.match(own):
            macros += own + "\n"
        elif statement.words[0] == "pass":
            ended = try_rules(host, system, f"{macros}{own}\n", "-o", "none")
            if ended.returncode == 0:
                found.append(Candidate(statement, own, parse_rules(ended.out)))
    return tuple(found)


def choose_adopted(candidates: Sequence[Candidate], request: PortsRequest) -> Tuple[Candidate, ...]:
    """Returns the statements of which every rule lets in what is asked for, or a part of it, and nothing else.

    A set that is not saved takes over none, as pf.conf would open the ports no more after a boot.
    """
    if not request.adopt or not request.persistent or request.state == "absent":
        return ()
    return tuple(one for one in candidates if one.rules and all(_is_asked_for(rule, request) for rule in one.rules))


def _is_asked_for(rule: PfRule, request: PortsRequest) -> bool:
    directions = (rule.direction,) if rule.direction else ("in", "out")
    ports = rule.destination.ports
    if rule.action != "pass" or rule.unknown or rule.elsewhere or ports is None or rule.source.ports is not None:
        return False
    _head, _port, tail = rule.text.rpartition(" port ")
    behind = re.sub(r"^(?:\S+ )?(?:>< |<> )?\S+", "", tail)
    if not _TAIL.fullmatch(behind) or " log " in rule.text or "-to " in rule.text:
        return False
    asked = merge_spans(
        (port.low, port.high) for port in request.ports if PROTOCOL_NUMBERS[port.protocol] == rule.protocol
    )
    right = all(contains(asked, low, high) for low, high in ports) and set(directions) <= set(request.directions)
    return right and rule.destination.kind == "any" and _is_for(rule, request)


def _is_for(rule: PfRule, request: PortsRequest) -> bool:
    """Whether a rule names the sources and interfaces that are asked for, or some of them."""
    source = rule.source
    if request.source:
        right_source = source.kind == "network" and not source.negated and source.network in request.source
    else:
        right_source = source.kind == "any"
    right_interface = rule.interface in request.interface if request.interface else not rule.interface
    return right_source and right_interface and not rule.interface_negated


def without_statements(text: str, adopted: Sequence[Candidate]) -> str:
    """Returns the text without statements, each with the comment behind it; lines that held nothing else go whole."""
    for one in reversed(adopted):
        start, end = one.statement.start, one.statement.end
        before = text.rfind("\n", 0, start) + 1
        if not text[before:start].strip() and text[end : end + 1] in ("\n", ""):
            start, end = before, end + 1
        text = text[:start] + text[end:]
    return text
