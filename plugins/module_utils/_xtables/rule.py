# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses one line of iptables-save into a Rule: its matches and its target."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, MatchField, Rule
from ansible_collections.port443.https.plugins.module_utils._xtables import words as _words
from ansible_collections.port443.https.plugins.module_utils._xtables.matches import (
    CONDITIONS,
    EXCEPTIONS,
    HEADERS,
    READ_MODULES,
    RuleWords,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.targets import TargetAction, understand_target

Body = Tuple[Tuple[Match, ...], TargetAction]
"""What a rule says, without its text: what it asks, and what it does."""

_ALIASES = {
    "--source": "-s",
    "--src": "-s",
    "--destination": "-d",
    "--dst": "-d",
    "--in-interface": "-i",
    "--out-interface": "-o",
    "--protocol": "-p",
    "--proto": "-p",
    "--match": "-m",
    "--jump": "-j",
    "--goto": "-g",
    "--fragment": "-f",
    "--destination-port": "--dport",
    "--source-port": "--sport",
    "--destination-ports": "--dports",
    "--source-ports": "--sports",
    "--set-counters": "-c",
    "--ipv4": "-4",
    "--ipv6": "-6",
}
_RESTORES = "--restore-skmark"  # of -m socket: gives a packet the mark of its socket, whatever else the rule asks
# How iptables-save begins a rule.
_FIRST: Tuple[Tuple[str, MatchField], ...] = (("-s ", "source"), ("-d ", "destination"))
_OF_SET = frozenset(("--return-nomatch", "--update-counters", "--update-subcounters"))
_OF_RPFILTER = frozenset(("--loose", "--validmark", "--accept-local", "--invert"))

_COMMENT = re.compile(r'-m comment --comment (?:"(?:[^"\\]|\\.)*"|[^"\'\s\\]+)(?: |$)', re.DOTALL)


def _without_comment(body: str) -> str:
    """Cuts out a comment, unless it may stand within another quoted word."""
    found = _COMMENT.search(body)
    if found is None or '"' in body[: found.start()] or "'" in body[: found.start()]:
        return body
    return body[: found.start()] + body[found.end() :]


def _rule(matches: Tuple[Match, ...], action: TargetAction, line: str) -> Rule:
    return Rule(matches, action.verdict, action.target, action.argument, line, effects=action.effects)


class RuleParser:
    """Reads the rules of one table; ``chains`` are the names a rule may jump to.

    ``now`` is in seconds of the epoch; without it no rule about dates is understood.
    """

    def __init__(self, family: str, chains: FrozenSet[str], now: Optional[float] = None) -> None:
        self._family = family
        self._now = now
        self._chains = chains
        self._bodies: Dict[str, Body] = {}
        self._conditions: Dict[str, Tuple[Match, ...]] = {}
        self._targets: Dict[str, Body] = {}

    def parse(self, line: str) -> Rule:
        """Returns a ``-A`` (or ``-I``) line as a rule; what the options mean is in iptables(8), iptables-extensions(8).

        Rules of big rulesets differ in comment and addresses, which come first; what is left is read once.
        """
        name, _space, body = line[3:].partition(" ")
        if not (line.startswith("-A ") and name and body):
            return _rule(*self._read_command(line), line)
        if "--comment" in body:
            body = _without_comment(body)
        addresses: List[Match] = []
        for option, field in _FIRST:
            if body.startswith(option):
                word, _space, rest = body[3:].partition(" ")
                spans = _words.parse_networks(word, self._family)
                if spans is None:
                    break
                addresses.append(Match(field, spans))
                body = rest
        matches, action = self._read_once(body)
        return _rule((*addresses, *matches), action, line)

    def _read_command(self, line: str) -> Body:
        words = _words.tokenise(line)
        if not words or words[0] not in ("-A", "--append", "-I", "--insert"):
            return (), TargetAction("opaque", "")
        start = 3 if len(words) > 2 and words[2].isdigit() else 2
        return _Reading(self, self._family, self._now, words[start:]).body()

    def _read_once(self, body: str) -> Body:
        found = self._bodies.get(body)
        if found is None:
            found = self._bodies[body] = self._read_in_halves(body)
        return found

    def _read_in_halves(self, body: str) -> Body:
        """Reads conditions and target apart where that is safe, as many rules share the one or the other."""
        conditions, jump, target = (" " + body).rpartition(" -j ")
        if not jump or '"' in body or " -j" in conditions or " -g" in conditions or "\\" in body or _RESTORES in body:
            return _Reading(self, self._family, self._now, _words.tokenise(body)).body()
        if conditions not in self._conditions:
            self._conditions[conditions] = _Reading(self, self._family, self._now, conditions.split()).body()[0]
        if target not in self._targets:
            self._targets[target] = _Reading(self, self._family, self._now, ["-j", *target.split()]).body()
        matches, action = self._targets[target]
        return self._conditions[conditions] + matches, action

    def leads_to_chain(self, name: str) -> bool:
        """Tells whether a target is a chain of the table."""
        return name in self._chains


class _Reading:
    """One rule while its words are read."""

    def __init__(self, parser: RuleParser, family: str, now: Optional[float], words: List[str]) -> None:
        self._parser = parser
        self._words = RuleWords(family, words, now)
        self._matches: List[Match] = []
        self._target = ""
        self._goto = False
        self._before: Optional[Tuple[Match, ...]] = None  # what is asked up to a match that changes the packet
        self._options: Dict[str, str] = {}

    def body(self) -> Body:
        """Reads all words."""
        while self._words.left():
            negated = self._words.take_not()
            if self._words.left():
                self._option(self._words.take(), negated)
        matches = tuple(self._matches)
        if self._before is not None:
            return self._before, TargetAction("opaque", self._target)
        if self._goto:
            return matches, TargetAction("goto", self._target)
        if not self._target:
            return matches, TargetAction("continue", "")
        if self._parser.leads_to_chain(self._target):
            return matches, TargetAction("jump", self._target)
        return matches, understand_target(self._target, self._options, self._words.family)

    def _option(self, option: str, negated: bool) -> None:
        if "=" in option and option.startswith("--"):
            option, _sign, value = option.partition("=")
            self._words.put_back(value)
        option = _ALIASES.get(option, option)
        if option in CONDITIONS and self._words.take_not():
            negated = True  # the old spelling: --dport ! 80
        if option in ("-j", "-g"):
            self._target, self._goto = self._words.take(), option == "-g"
        elif option == "-m":
            self._begin_module(self._words.take())
        elif option == "-c":
            self._words.take_values()
        elif option in ("-4", "-6"):
            self._version(option)
        elif option == "--comment":
            self._words.take()
        elif option == "--kerneltz":
            self._matches = [match for match in self._matches if match.field != "time"]
            self._unknown("time")  # in the kernel's own time zone, which nothing tells
        elif option in _OF_RPFILTER and self._words.module == "rpfilter":
            self._reverse_path(option == "--invert")
        elif self._words.module == "set" and option in _OF_SET:
            self._of_set(option)
        elif option in CONDITIONS:
            self._condition(option, negated)
        elif self._target:
            self._options[option] = " ".join(self._words.take_values())
        else:
            self._words.take_values()
            if self._words.module not in HEADERS:
                self._unknown(self._words.module or option)
            if option == _RESTORES and self._before is None:
                self._before = tuple(self._matches)

    def _begin_module(self, name: str) -> None:
        self._words.module = name
        if name in HEADERS:
            self._matches.append(Match("protocol", ((HEADERS[name], HEADERS[name]),)))
        elif name == "rpfilter":
            self._matches.append(Match("reverse_path"))
        elif name not in READ_MODULES:
            self._unknown(name)

    def _reverse_path(self, inverted: bool) -> None:
        if inverted:
            matches = self._matches
            self._matches = [Match(one.field, negated=True) if one.field == "reverse_path" else one for one in matches]

    def _of_set(self, option: str) -> None:
        """What is counted in a set changes no packet's way; what else is asked of it belongs to its name before."""
        if option == "--return-nomatch" and self._matches:
            self._matches[-1] = replace(self._matches[-1], argument=(EXCEPTIONS,))

    def _unknown(self, name: str) -> None:
        match = Match("unknown", names=(name,))
        if match not in self._matches:
            self._matches.append(match)

    def _version(self, option: str) -> None:
        """``-4`` and ``-6`` lines of a file that serves both: iptables-restore skips the other family's."""
        if (option == "-6") != (self._words.family == "ip6"):
            self._matches.append(Match("protocol", (), negated=False))

    def _condition(self, option: str, negated: bool) -> None:
        match = CONDITIONS[option](self._words, negated)
        if match is None:
            self._unknown(self._words.module or option)
        elif match not in self._matches or self._words.module == "set":  # what follows may be about this one alone
            self._matches.append(match)
