# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Verdicts by pf's own evaluation: for each port and IP version open, blocked or depends, and the rule why."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import (
    ADVERTISEMENT,
    ICMPV6,
    SOLICITATION,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import WORSE
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import (
    Filter,
    PfEvaluator,
    PfOutcome,
    PfOutcomes,
    split_ports,
)
from ansible_collections.port443.https.plugins.module_utils._pf.packet import EPHEMERAL, TCP, End, PfPacket, is_on
from ansible_collections.port443.https.plugins.module_utils._printable import printable
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict, ask

OFF = "pf is off and filters nothing"
_LINK_LOCAL: Span = (0xFE80 << 112, (0xFEC0 << 112) - 1)
_ROUTER = ipaddress.ip_network("fe80::/64")  # where neighbours speak from, the router above all
_SOLICITED = ipaddress.ip_network("ff02::1:ff00:0/104")  # RFC 4291, 2.7.1

Verdict = Tuple[str, str]
"""Open, blocked or depends, and why."""


def judge(state: Filter, links: Sequence[Link], request: PortsRequest) -> List[PortVerdict]:
    """Returns a line for each direction, port and IP version of a request: the worst of its sources and interfaces."""
    lines: List[PortVerdict] = []
    for asked in ask(links, request):
        answers = [
            _judge_port(state, asked.link, asked.direction, asked.port, source, interface)
            for source, interface in asked.ways
        ]
        verdict, because = max(answers, key=lambda answer: WORSE.index(answer[0]))
        lines.append(asked.answered(verdict, printable(because)))
    return lines


def blocks_neighbours(state: Filter, link: Link) -> bool:
    """Tells whether IPv6 neighbours and this host may not find each other (RFC 4861): pf filters that like all else."""
    return state.enabled and link.family == 6 and link.exists and _discovery(state, link, link.interface)[0] != "open"


def passes_established(state: Filter, link: Link, port: int, network: Optional[Network]) -> PfOutcomes:
    """Returns what becomes of the next packet of a TCP connection to ``port`` that pf has no state of yet."""
    packet = _first(link, "in", TCP, (port, port), network, link.interface)
    return PfEvaluator(state).filter(replace(packet, flags="A"))


def _judge_port(
    state: Filter, link: Link, direction: str, port: PortRule, source: Optional[Network], interface: Optional[str]
) -> Verdict:
    if not state.enabled:
        return "open", OFF
    if interface and any(is_on(interface, name, state.groups) for name in state.skipped):
        return "open", f"pf leaves {interface} alone (set skip)"
    worst: Verdict = ("open", "")
    protocol = PROTOCOL_NUMBERS[port.protocol]
    for span in split_ports(state.rules, state.anchors, (port.low, port.high)):
        answer = _each_address(state, _first(link, direction, protocol, span, source, interface))
        if not worst[1] or WORSE.index(answer[0]) > WORSE.index(worst[0]):
            worst = answer
    if link.family == 6 and interface not in link.direct:
        found = _discovery(state, link, interface)
        worst = max(worst, found, key=lambda answer: WORSE.index(answer[0]))
    return worst


def _first(
    link: Link, direction: str, protocol: int, port: Span, network: Optional[Network], interface: Optional[str]
) -> PfPacket:
    """The first packet of a connection to a port of this host, or from this host to that port of somebody else."""
    host = End(True, port if direction == "in" else EPHEMERAL, None, link.addresses)
    other = End(False, EPHEMERAL if direction == "in" else port, network if network and network.prefixlen else None)
    source, destination = (other, host) if direction == "in" else (host, other)
    flags = "S" if protocol == TCP else ""
    return PfPacket(direction, link.family, protocol, source, destination, interface, flags)


def _each_address(state: Filter, packet: PfPacket) -> Verdict:
    """Follows a connection to any address of the host; where that leaves it open, one to each.

    pfctl makes a rule for each address of ``to self`` and ``to em0``: none of them matches all, and together they may.
    """
    answer = _connection(PfEvaluator(state), packet)
    if answer[0] != "depends":
        return answer
    inwards = packet.direction == "in"
    host = packet.destination if inwards else packet.source
    answers = []
    for address in host.addresses if len(host.addresses) > 1 else ():
        one = replace(host, addresses=(address,))
        moved = replace(packet, destination=one) if inwards else replace(packet, source=one)
        answers.append(_connection(PfEvaluator(state), moved))
    return answers[0] if len({verdict for verdict, _because in answers}) == 1 else answer


def _connection(evaluator: PfEvaluator, packet: PfPacket) -> Verdict:
    """Follows a connection: its first packet, and where no state lets the rest through, an answer and a next packet."""
    if packet.direction == "in":
        sent_on = evaluator.translate(packet)
        if sent_on.elsewhere:
            return "depends", f"it is redirected, and who gets it then decides: {sent_on.elsewhere}"
        if sent_on.uncertain_at:
            return "depends", f"it depends on {sent_on.uncertain_at}"
    stages = (
        (packet, "{}"),
        (packet.answered("SA" if packet.flags else ""), "it gets through, but the answer is blocked: {}"),
        (replace(packet, flags="A" if packet.flags else ""), "it connects, but its next packet is blocked: {}"),
    )
    first: Optional[PfOutcome] = None
    for stage, sentence in stages:
        found = evaluator.filter(stage)
        told = _explain_block(found, sentence)
        if told:
            return told
        first = first or found.outcomes[0]
        if all(outcome.stateful for outcome in found.outcomes):
            break
    return "open", str(first)


def _explain_block(found: PfOutcomes, sentence: str) -> Optional[Verdict]:
    """What there is to say of a packet that does not simply pass."""
    if found.passes is None:
        return "depends", f"it depends on {found.uncertain_at}"
    if not found.passes:
        return "blocked", sentence.format(found.outcomes[0])
    if found.elsewhere:
        return "depends", f"it is redirected, and who gets it then decides: {found.elsewhere}"
    return None


def _discovery(state: Filter, link: Link, interface: Optional[str]) -> Verdict:
    """Whether neighbours find the host and it them: a solicitation each way, and where no state helps, its answer."""
    evaluator = PfEvaluator(state)
    own = tuple(span for span in link.addresses if _LINK_LOCAL[0] <= span[0] <= _LINK_LOCAL[1])
    host, router, asked = (
        End(True, addresses=own or link.addresses),
        End(False, network=_ROUTER),
        End(False, network=_SOLICITED),
    )
    for direction, one, other in (("in", router, host), ("out", host, router)):
        solicitation = PfPacket(direction, 6, ICMPV6, one, asked, interface, icmp_type=SOLICITATION)
        answer = replace(solicitation.answered(""), source=other, destination=one, icmp_type=ADVERTISEMENT)
        for packet in (solicitation, answer):
            found = evaluator.filter(packet)
            told = _explain_block(found, f"IPv6 neighbour discovery (icmp6 type {packet.icmp_type}) is blocked: {{}}")
            if told:
                return told
            if all(outcome.stateful for outcome in found.outcomes):
                break
    return "open", ""
