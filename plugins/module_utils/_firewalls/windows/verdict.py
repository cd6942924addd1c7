# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges ports by the rules of all stores: open, blocked or depends, in the worst of the active profiles.

A Block that holds counts before any Allow, however precise that is; what no rule holds for is as the profile says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.match import (
    SOME,
    YES,
    JudgedRule,
    WindowsConnection,
    meets,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import (
    WindowsFacts,
    WindowsListener,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import PROFILES, WindowsRule
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.settings import STORES, ProfileSettings
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict

_WORSE = ("open", "depends", "blocked")
_FAMILIES = {4: "ipv4", 6: "ipv6"}
_STORE_WORDS = {"local": "local store", "gpo": "group policy", "mdm": "MDM policy"}

Answer = Tuple[str, str]
"""A verdict, and the reason."""


def judge(facts: WindowsFacts, request: PortsRequest) -> List[PortVerdict]:
    """Returns a line for each direction, IP version and port: the worst over sources, profiles and listeners."""
    lines = []
    rules = _Rules(facts)
    for direction in request.directions:
        for family in (4, 6):
            sources = request.sources(family)
            if sources is None:
                continue
            for port in request.ports:
                asked = _connections(facts, request, direction, family, port, sources)
                verdict, because = max((rules.answer(one) for one in asked), key=lambda one: _WORSE.index(one[0]))
                number, silence = str(port).split("/", 1)[0], _silence(facts, direction, port, verdict)
                line = (number, port.protocol, _FAMILIES[family], direction, verdict, because + silence)
                lines.append(PortVerdict(*line))
    return lines


def _connections(
    facts: WindowsFacts, request: PortsRequest, direction: str, family: int, port: PortRule, sources: Sequence[Network]
) -> Iterator[WindowsConnection]:
    """Yields what a line is asked about; who listens is the program, and else the one that the set is for."""
    programs = {(one.program, "") for one in _listening(facts, port)} if direction == "in" else set()
    asked = tuple("" if name == "any" else name for name in (request.program, request.service))
    for profile in facts.active:
        for source in sources or (None,):
            for program, service in sorted(programs) or (asked,):
                yield WindowsConnection(
                    direction=direction,
                    protocol=PROTOCOL_NUMBERS[port.protocol],
                    ports=(port.low, port.high),
                    family=family,
                    profile=profile,
                    source=source,
                    program=program,
                    service=service,
                )


def _listening(facts: WindowsFacts, port: PortRule) -> Tuple[WindowsListener, ...]:
    return tuple(one for one in facts.listeners if one.protocol == port.protocol and port.low <= one.port <= port.high)


def _silence(facts: WindowsFacts, direction: str, port: PortRule, verdict: str) -> str:
    """Says that nobody listens."""
    return "" if direction == "out" or verdict == "blocked" or _listening(facts, port) else " (listening: no)"


class _Rules:
    """The rules that count in each profile; those of a policy replace local ones of the same id."""

    def __init__(self, facts: WindowsFacts) -> None:
        self._facts = facts
        self._policy = [JudgedRule.of(rule) for rule in facts.rules if rule.store != "local" and rule.enabled]
        self._replaced: Dict[str, WindowsRule] = {
            rule.id.lower(): rule for rule in facts.rules if rule.store != "local"
        }
        self._local = [JudgedRule.of(rule) for rule in facts.of("local") if rule.enabled]
        self._counted = [one for one in self._local if one.rule.id.lower() not in self._replaced]

    def answer(self, asked: WindowsConnection) -> Answer:
        """Returns the verdict on a connection, and why."""
        facts, settings = self._facts, self._facts.settings[asked.profile]
        where = f"in the {asked.profile} profile"
        if facts.active_unclear:
            where += " (which profile is active is not clear)"
        if facts.stopped:
            return "depends", f"the service {' and '.join(facts.stopped)} does not run"
        doubt = _doubt(facts, settings)
        if doubt:
            return "depends", f"{doubt} {where}"
        if not settings.enabled:
            return "open", f"{settings.teller('EnableFirewall')} has switched the firewall off {where}"
        if settings.shielded and asked.direction == "in":
            return "blocked", f"{settings.teller('DoNotAllowExceptions')} blocks all incoming connections {where}"
        local = self._counted if settings.merges_local else []
        verdict, because = _decide([*self._policy, *local], settings, asked, where)
        because = because or self._explain(settings, asked, where)
        return verdict, because or f"no rule allows it, and the default {where} is to block"

    def _explain(self, settings: ProfileSettings, asked: WindowsConnection, where: str) -> str:
        """Says why a local rule that would let the connection in does not; empty where there is none."""
        allowing = [one for one in self._local if one.shape.action == "allow"]
        for one in allowing:
            if meets(one.shape, asked) != YES:
                continue
            if not settings.merges_local:
                return f"{settings.teller('AllowLocalPolicyMerge')} ignores local rules {where}"
            other = self._replaced[one.rule.id.lower()]
            return f"rule {one.rule.shown} is replaced by that of the same id in {STORES[other.store]} {where}"
        for profile in PROFILES:
            elsewhere = replace(asked, profile=profile)
            for one in allowing:
                if meets(one.shape, elsewhere) == YES:
                    named = ", ".join(name for name in PROFILES if name in one.shape.profiles)
                    return f"no rule allows it {where}: rule {one.rule.shown} is for {named} (option profiles)"
        return ""


def _doubt(facts: WindowsFacts, settings: ProfileSettings) -> str:
    """Says in what the service itself differs from what the keys say; empty where it does not, or was not asked."""
    second = facts.second.get(settings.profile)
    if second is None:
        return ""
    pairs = (
        ("the firewall on", settings.enabled, second.enabled),
        ("all incoming blocked", settings.shielded, second.shielded),
        ("incoming blocked by default", settings.blocks_in, second.blocks_in),
        ("outgoing blocked by default", settings.blocks_out, second.blocks_out),
    )
    said = {True: "yes", False: "no"}
    return "; ".join(
        f"{name}: {said[key]} by the registry, {said[com]} by the service" for name, key, com in pairs if key != com
    )


def _decide(rules: Sequence[JudgedRule], settings: ProfileSettings, asked: WindowsConnection, where: str) -> Answer:
    """Returns the verdict of rules and why; no reason where none of them decides, and the default is to block."""
    met: Dict[Tuple[str, str], WindowsRule] = {}
    for one in rules:
        action = one.shape.action
        if action != "bypass" or asked.source is not None:  # bypass asks for IPsec, which no stranger has
            met.setdefault((action, meets(one.shape, asked)), one.rule)
    passes = met.get(("bypass", YES)) or met.get(("bypass", SOME))
    block, some_block = met.get(("block", YES)), met.get(("block", SOME))
    if block and not passes:
        return "blocked", f"{_tell(block)} blocks it {where}"
    if block or some_block:
        return "depends", f"{_tell(block or some_block)} blocks it for some {where}"
    allow, some_allow = met.get(("allow", YES)), met.get(("allow", SOME))
    if allow:
        return "open", f"{_tell(allow)} allows it {where}"
    if not (settings.blocks_in if asked.direction == "in" else settings.blocks_out):
        return "open", f"no rule blocks it, and the default {where} is to allow"
    if some_allow or passes:
        return "depends", f"{_tell(some_allow or passes)} allows it for some {where}"
    return "blocked", ""


def _tell(rule: Optional[WindowsRule]) -> str:
    return f"rule {rule.shown} of the {_STORE_WORDS[rule.store]}" if rule else ""
