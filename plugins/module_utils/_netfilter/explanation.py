# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Explains a verdict in a sentence, with the rule that a person has to look at."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import ChainStep, Path
from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import Decision, Flow, Stop
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Span
from ansible_collections.port443.https.plugins.module_utils._printable import printable
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

NOTHING_FILTERS = "nothing filters here"
NO_RULE_BLOCKS = "no rule blocks it"
WORSE = ("open", "depends", "blocked")  # the verdicts, each worse than the one before
_ANY_PORT = (0, 65535)
_LONGEST = 300  # characters of a rule that a sentence takes

# How a stop at each stage shows from outside; with "out", how it shows to the host's own programs.
_STAGES = {
    "first": "{}",
    "answer": "it gets in, but the answer is blocked: {}",
    "next": "it connects, but then its next packet is blocked: {}",
    "rest": "it connects, but then what the host sends is blocked: {}",
    "untracked answer": "it gets in, but the answer leaves untracked, so from another port than it came to: {}",
    "untracked next": "it connects, but then its next packet is untracked, so comes to another port: {}",
    "untracked rest": "it connects, but then what the host sends leaves untracked, so from another port: {}",
    "solicit in": "IPv6 neighbours cannot ask where the host is (icmpv6 135): {}",
    "advert out": "the host cannot tell IPv6 neighbours where it is (icmpv6 136): {}",
    "solicit out": (
        "the host cannot ask where IPv6 neighbours are (icmpv6 135) and answers only those that asked first: {}"
    ),
    "advert in": (
        "IPv6 neighbours cannot tell the host where they are (icmpv6 136), it answers only those that asked: {}"
    ),
    "arp solicit in": "IPv4 neighbours cannot ask where the host is (ARP): {}",
    "arp advert out": "the host cannot tell IPv4 neighbours where it is (ARP): {}",
    "arp solicit out": (
        "the host cannot ask where IPv4 neighbours are (ARP) and answers only those that asked first: {}"
    ),
    "arp advert in": "IPv4 neighbours cannot tell the host where they are (ARP), it answers only those that asked: {}",
    "out first": "{}",
    "out answer": "it gets out, but the answer is blocked: {}",
    "out next": "it connects, but then the host's next packet is blocked: {}",
    "out rest": "it connects, but then what the other side sends is blocked: {}",
    "out untracked answer": "it gets out, but the answer comes untracked, so from another port than it went to: {}",
    "out untracked next": "it connects, but then the host's next packet is untracked, so goes to another port: {}",
    "out untracked rest": "it connects, but then what the other side sends is untracked, so from another port: {}",
    "out solicit out": "the host cannot ask where IPv6 neighbours are (icmpv6 135): {}",
    "out advert in": "IPv6 neighbours cannot tell the host where they are (icmpv6 136): {}",
    "out solicit in": "IPv6 neighbours cannot ask where the host is (icmpv6 135), they know while it asks them: {}",
    "out advert out": "the host cannot tell IPv6 neighbours where it is (icmpv6 136), they know while it asks: {}",
    "out arp solicit out": "the host cannot ask where IPv4 neighbours are (ARP): {}",
    "out arp advert in": "IPv4 neighbours cannot tell the host where they are (ARP): {}",
    "out arp solicit in": "IPv4 neighbours cannot ask where the host is (ARP), they know while it asks them: {}",
    "out arp advert out": "the host cannot tell IPv4 neighbours where it is (ARP), they know while it asks: {}",
}


@dataclass(frozen=True)
class Verdict:
    """``verdict`` is open, blocked or depends; ``because`` is a sentence for people, free of control characters.

    The other fields say where the deciding rule stands: ``number`` counts from 1 and is 0 for a policy, ``rule`` is the
    rule's text as its tool prints it, ``handle`` nft's number of it, 0 for other tools. All are empty where nothing
    filters. ``port`` is set where only that part of the range asked for has this verdict. ``arrives`` are the ports of
    the host that the connection may come to where NAT sends it on, or may; it is empty where nothing does. ``path``
    leads from the base chain to the rule or policy that decides; two verdicts are the same without it.
    """

    verdict: str
    because: str
    frontend: str = ""
    family: str = ""
    table: str = ""
    chain: str = ""
    number: int = 0
    rule: str = ""
    port: Optional[Span] = None
    handle: int = 0
    arrives: Tuple[Span, ...] = ()
    path: Path = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class StageStop:
    """A stop of a packet of a connection: its stage, and whether that harms only sometimes (``occasional``)."""

    stage: str
    stop: Stop
    occasional: bool = False


@dataclass(frozen=True)
class Outcomes:
    """All outcomes of a connection: the last packet of each way that goes ``through``, and where others stop."""

    through: Sequence[Flow]
    stopped: Sequence[StageStop]


def judge(outcomes: Outcomes, subject: str, port: Span = _ANY_PORT) -> Verdict:
    """Returns the verdict on all ways that a connection to ``port`` may take; ``subject`` names it, such as 443/tcp."""
    through, stopped = outcomes.through, outcomes.stopped
    if not stopped:
        accepted = [flow.accepted for flow in through if flow.accepted]
        answer = _answer("open", "{}", accepted[0]) if accepted else Verdict("open", NO_RULE_BLOCKS)
        return _by_way_of(answer, [flow.dnat for flow in through], port)
    partly = [one for one in stopped if one.occasional or one.stop.elsewhere]
    if not through and not partly:
        return _blocked(stopped, port)
    certain = [one for one in partly if not one.stop.uncertain_at]
    answer = _partly(certain[0], subject) if certain and not through else _undecided(stopped, through)
    return _by_way_of(answer, [flow.dnat for flow in through], port)


def _blocked(stopped: Sequence[StageStop], port: Span) -> Verdict:
    """Names the first rule that blocks for certain; behind an uncertain one the first at all."""
    first = min(stopped, key=lambda one: one.stop.uncertain_at is not None)
    ways = [one.stop.dnat for one in (first, *stopped)] if first.stop.dnat else []
    return _by_way_of(_answer("blocked", _STAGES[first.stage], first.stop.decision), ways, port)


def _partly(one: StageStop, subject: str) -> Verdict:
    if one.stop.elsewhere:
        sentence = f"{subject} is forwarded to {printable(one.stop.elsewhere)}, which decides: {{}}"
        return _answer("depends", sentence, one.stop.decision)
    return _answer("depends", _STAGES[one.stage], one.stop.decision)


def _undecided(stopped: Sequence[StageStop], through: Sequence[Flow]) -> Verdict:
    """Names the first rule whose effect is not known, rather than the policy that it may save from."""
    uncertain = [
        decision
        for decision in [one.stop.uncertain_at for one in stopped] + [flow.uncertain_at for flow in through]
        if decision
    ]
    return _answer("depends", "it depends on {}", uncertain[0] if uncertain else stopped[0].stop.decision)


def _answer(verdict: str, sentence: str, decision: Decision) -> Verdict:
    """``sentence`` has one place, for where the rule stands and what it says."""
    table, step = decision.table, decision.path[-1]
    base = table.chain(step.chain)
    answer = Verdict(verdict, "", table.frontend, table.family, table.name, step.chain, path=decision.path)
    if step.rule is None:
        place = _chain_of(answer) + " policy " + ((base and base.policy) or "accept").upper()
    else:
        text, number, handle = step.rule.text, rule_number(base, step), step.rule.handle
        answer = replace(answer, number=number, rule=text, handle=handle)
        ours = step.chain.startswith(CHAIN_PREFIX)  # before they are made, the handles of our own are not known
        named = f"handle {handle}" if handle and not ours else f"rule {number}"
        place = f"{_chain_of(answer)} {named}: {_shortened(printable(text))}"
    before, _mark, after = sentence.partition("{}")
    return replace(answer, because=before + place + after)


def _by_way_of(answer: Verdict, ways: Sequence[Optional[Decision]], port: Span) -> Verdict:
    """Names the rule of NAT by which a connection comes to another port; without it the verdict would be on another.

    ``ways`` has what sends each way of the connection on, None for one that goes to the ``port`` asked for.
    """
    named = next((way for way in ways if way and _translation(way)), None)
    if named is None:
        return answer
    place = _answer("", "{}", named).because
    if place in answer.because:
        return answer
    verb = "arrives" if all(way and way.path[-1] == named.path[-1] for way in ways) else "may arrive"
    rule = _translation(named)
    ports = "-".join(dict.fromkeys(str(end) for end in rule.argument[:2])) if rule else ""
    where = f"it {verb} at port {ports}" if ports else f"it {verb}"
    arrives = tuple(dict.fromkeys(_arrival(way, port) for way in ways))
    return replace(answer, because=f"{answer.because}; {where} by way of {place}", arrives=arrives)


def _translation(way: Decision) -> Optional[Rule]:
    rule = way.path[-1].rule
    return rule if rule and rule.verdict in ("redirect", "dnat") else None


def _arrival(way: Optional[Decision], port: Span) -> Span:
    """The ports to which NAT sends a connection that asks for ``port``: any, where its rule is not understood."""
    if way is None:
        return port
    rule = _translation(way)
    if rule is None:
        return _ANY_PORT
    return (rule.argument[0], rule.argument[1]) if rule.argument else port


def rule_number(chain: Optional[Chain], step: ChainStep) -> int:
    """Returns how many rules of the tool's own come before a step in its chain, and this one: 1 for the first."""
    rules = chain.rules[: step.index + 1] if chain and step.rule and step.rule.handle else ()
    again = sum(1 for one, next_one in zip(rules, rules[1:]) if one.handle and one.handle == next_one.handle)
    return step.index + 1 - again


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


def _chain_of(answer: Verdict) -> str:
    return " ".join((answer.frontend, answer.family, answer.table, printable(answer.chain)))


def undecided_range(subject: str, parts: int) -> Verdict:
    """Returns the answer for a range that the rules cut into more parts than are looked at."""
    return Verdict("depends", f"the rules treat {subject} in more than {parts} parts: ask for fewer ports")
