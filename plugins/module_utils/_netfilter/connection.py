# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Simulates the packets of a connection, one after the other, each through all hooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import ConntrackState, Flow, Stop
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Outcomes, StageStop
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    ACK,
    HOST,
    PSH,
    SYN,
    TCP,
    UNLISTED_SOURCE,
    Addresses,
    Packet,
    reached_from,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._netfilter.traversal import HookTraversal

States = Tuple[str, ...]

_NO_CONNECTION = ("UNTRACKED", "INVALID")


@dataclass(frozen=True)
class ConnectionQuery:
    """Can a program at ``port`` of the host be reached, or with direction ``out`` one of other hosts by the host's?

    ``family`` is 4 or 6, ``protocol`` a number, ``port`` a span. ``source`` is UNLISTED_SOURCE, ANY_SOURCE or spans of
    addresses: those who connect, with ``out`` those who are connected to. ``interface`` is where packets arrive and
    leave, None if not known. ``addresses`` are the host's, None if not known. ``loopback`` asks for a connection of the
    host to itself; then ``source`` has to be spans. ``neighbours`` says whether that link needs neighbour discovery
    (Ethernet does, a tunnel does not); ``gateway`` is the address of the next hop to the source, None if not known.
    ``bridge`` says whether the interface is a bridge or part of one, so that bridge tables count; ``layered`` whether
    it is made of other interfaces, as those of VLANs are.
    """

    family: int
    protocol: int
    port: Span
    source: Addresses = UNLISTED_SOURCE
    interface: Optional[str] = None
    addresses: Optional[Tuple[Span, ...]] = None
    loopback: bool = False
    neighbours: bool = True
    gateway: Optional[int] = None
    bridge: bool = True
    direction: str = "in"
    layered: bool = False

    @property
    def own(self) -> Addresses:
        """The host's addresses, for those who are on the link."""
        return self.addresses or HOST

    @property
    def reached(self) -> Addresses:
        """The host's addresses that those who connect may connect to, or that may connect to them."""
        return reached_from(self.source, self.addresses) if self.addresses else HOST


class _Message(NamedTuple):
    """One packet of a connection: the stage that it is, its TCP flags, its direction (None where it is not known)."""

    stage: str
    flags: Tuple[int, ...]
    direction: Optional[str]


class ConnectionSimulator:
    """The two directions of the connection that a question is about."""

    def __init__(self, hooks: HookTraversal, question: ConnectionQuery) -> None:
        self._hooks = hooks
        self._ask = question
        self._outward = question.direction == "out"
        self._stopped: List[StageStop] = []

    def run(self) -> Outcomes:
        """Follows a connection; each way that one packet may take leads to a next packet, and so on."""
        through: List[Flow] = []
        start = ConntrackState(("NEW",), True, None, self._ask.addresses, self._outward)
        for first in self._send(_Message("first", (SYN,), "ORIGINAL"), Flow(self._packet(True)), start):
            known = _has_connection(first.packet)
            side = "REPLY" if known == {True} else None
            for answer in self._reply(_Message("answer", (SYN | ACK,), side), first, first, self._answer_states(known)):
                both = known | _has_connection(answer.packet)
                side = "ORIGINAL" if both == {True} else None
                sent = self._send(_Message("next", (ACK, ACK | PSH), side), answer, self._later(first, answer))
                for second in self._still_translated("next", first, sent):
                    side = "REPLY" if both == {True} else None
                    states = self._rest_states(both, _has_connection(second.packet))
                    for rest in self._reply(_Message("rest", (ACK, ACK | PSH), side), second, first, states):
                        unseen = both == {True} and False in _has_connection(rest.packet)
                        last = self._acknowledge(first, rest) if unseen else [rest]
                        through += [replace(flow, accepted=first.accepted) for flow in last]
        return Outcomes(through, self._stopped)

    def _acknowledge(self, first: Flow, rest: Flow) -> Sequence[Flow]:
        """What acknowledges data that conntrack did not see sent is out of the window (nf_conntrack_proto_tcp.c)."""
        if self._ask.protocol != TCP:
            return [rest]
        tracking = ConntrackState(("ESTABLISHED", "INVALID"), mapped=self._mapped(first))
        sent = self._send(_Message("next", (ACK, ACK | PSH), "ORIGINAL"), rest, tracking)
        return self._still_translated("next", first, sent)

    def _packet(self, forth: bool) -> Packet:
        """A packet of who connects, or ``forth`` not being so of who is connected to."""
        ask = self._ask
        inward = forth != self._outward
        packet = Packet(
            ask.family,
            ask.protocol,
            ask.port,
            source=ask.source if inward else ask.reached,
            destination=ask.reached if inward else ask.source,
            in_interface=ask.interface if inward else "",
            out_interface="" if inward else ask.interface,
            source_type="UNICAST" if inward else "LOCAL",
            destination_type="LOCAL" if inward else "UNICAST",
            packet_type=("UNICAST",) if inward else (),
        )
        if not forth:
            packet = replace(packet, dport=packet.sport, sport=packet.dport)
        if ask.loopback:
            packet = replace(packet, in_interface="", out_interface="lo", packet_type=())
            packet = replace(packet, source_type="LOCAL", destination_type="LOCAL")
        return packet

    def _send(self, message: _Message, before: Flow, tracking: ConntrackState) -> Sequence[Flow]:
        """A packet of who connects, who knows nothing of NAT at the host."""
        packet = replace(
            self._packet(True),
            tcp_flags=message.flags,
            connmark=before.packet.connmark,
            dynamic_sets=before.packet.dynamic_sets,
            dnat=before.packet.dnat,
            direction=message.direction,
        )
        return self._noted(message.stage, not self._outward, replace(before, packet=packet), tracking)

    def _reply(self, message: _Message, before: Flow, first: Flow, states: States) -> Sequence[Flow]:
        """A packet of the program that the first packet reached."""
        packet = replace(
            self._packet(False),
            dport=first.packet.sport,
            sport=first.packet.dport,
            source=first.packet.destination,
            tcp_flags=message.flags,
            connmark=before.packet.connmark,
            dynamic_sets=before.packet.dynamic_sets,
            dnat=first.packet.dnat,
            direction=message.direction,
        )
        sent = None if first.packet.dnat is False or self._outward else self._packet(True)
        tracking = ConntrackState(states, sent=sent)
        left = self._noted(message.stage, self._outward, replace(before, packet=packet), tracking)
        return self._still_translated(message.stage, first, left)

    def _still_translated(self, stage: str, first: Flow, flows: Sequence[Flow]) -> Sequence[Flow]:
        """Packets of a connection that NAT sent to another port are lost where conntrack does not see them.

        A UDP packet still finds whoever listens on the port that it names.
        """
        if first.dnat is None:
            return flows
        kept: List[Flow] = []
        for flow in flows:
            known = _has_connection(flow.packet)
            certain = known == {False} and first.packet.dnat is True
            certain = certain and (stage != "next" or self._ask.protocol == TCP)
            uncertain_at = flow.uncertain_at if certain else flow.uncertain_at or first.dnat
            if False in known:
                self._stopped.append(StageStop(self._stage(f"untracked {stage}"), Stop(first.dnat, uncertain_at)))
            if not certain:
                kept.append(flow if known == {True} else replace(flow, uncertain_at=uncertain_at))
        return kept

    def _noted(self, stage: str, inward: bool, flow: Flow, tracking: ConntrackState) -> Sequence[Flow]:
        go = self._hooks.inbound if inward else self._hooks.outbound
        way = (self._hooks.loopback if self._ask.loopback else go)(flow, tracking)
        self._stopped += [StageStop(self._stage(stage), stop) for stop in way.stops]
        return way.passed

    def _stage(self, stage: str) -> str:
        return f"out {stage}" if self._outward else stage

    def _answer_states(self, tracked: FrozenSet[bool]) -> States:
        """A SYN,ACK that answers no known connection is invalid (nf_conntrack_proto_tcp.c); of others it begins one."""
        unknown = "INVALID" if self._ask.protocol == TCP else "NEW"
        return tuple(sorted({"ESTABLISHED" if known else unknown for known in tracked}))

    def _later(self, first: Flow, answer: Flow) -> ConntrackState:
        """The source's next packet: conntrack may have seen none, one or both of the packets before it."""
        states = {
            self._next_state(asked, answered)
            for asked in _has_connection(first.packet)
            for answered in _has_connection(answer.packet)
        }
        return ConntrackState(tuple(sorted({state for group in states for state in group})), mapped=self._mapped(first))

    def _mapped(self, first: Flow) -> Optional[Packet]:
        return None if first.packet.dnat is False else first.packet

    def _next_state(self, asked: bool, answered: bool) -> States:
        """TCP picks up in midstream unless nf_conntrack_tcp_loose is 0, and calls an ACK out of order invalid.

        What is picked up is new only until it is answered: these are all the packets that follow.
        """
        if self._ask.protocol == TCP:
            return ("ESTABLISHED",) if asked and answered else ("ESTABLISHED", "INVALID", "NEW")
        return ("ESTABLISHED",) if answered else ("ESTABLISHED", "NEW")

    def _rest_states(self, tracked: FrozenSet[bool], just_before: FrozenSet[bool]) -> States:
        """Data that come before conntrack saw the handshake's end are out of the window (nf_conntrack_proto_tcp.c)."""
        if tracked == {True}:
            late = self._ask.protocol == TCP and False in just_before
            return ("ESTABLISHED", "INVALID") if late else ("ESTABLISHED",)
        return ("ESTABLISHED", "INVALID", "NEW") if self._ask.protocol == TCP else ("ESTABLISHED", "NEW")


def _has_connection(packet: Packet) -> FrozenSet[bool]:
    return frozenset(state not in _NO_CONNECTION for state in packet.state)
