# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packets of a connection and of IPv6 neighbour discovery, one after the other, each through all hooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._answer import Stopped
from ansible_collections.port443.https.plugins.module_utils._hooks import Flow, Hooks, Stop, Tracking
from ansible_collections.port443.https.plugins.module_utils._packet import (
    ACK,
    ANYONE,
    HOST,
    ICMPV6,
    PSH,
    STRANGER,
    SYN,
    TCP,
    Addresses,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._ruleset import Span

States = Tuple[str, ...]
Ways = Tuple[List[Flow], List[Stopped]]
"""The ways that lead through, and where the others stop."""

_SOLICITATION, _ADVERTISEMENT = 135, 136  # RFC 4861, 4.3 and 4.4
_LINK_LOCAL: Tuple[Span, ...] = ((0xFE80 << 112, (0xFEC0 << 112) - 1),)
_SOLICITED_NODE = 0xFF02_0000_0000_0000_0000_0001_FF00_0000  # RFC 4291, 2.7.1: ff02::1:ff00:0/104
_SOLICITED: Tuple[Span, ...] = ((_SOLICITED_NODE, _SOLICITED_NODE + 0xFFFFFF),)
_NO_CONNECTION = ("UNTRACKED", "INVALID")


@dataclass(frozen=True)
class Question:
    """Can a program at ``port`` of the host be reached?

    ``family`` is 4 or 6, ``protocol`` a number, ``port`` a span. ``source`` is STRANGER, ANYONE or spans of addresses.
    ``interface`` is where it arrives, None if not known. ``addresses`` are the host's, None if not known. ``loopback``
    asks for a connection of the host to itself; then ``source`` has to be spans. ``neighbours`` says whether IPv6 on
    that link needs neighbour discovery (Ethernet does, a tunnel does not); ``gateway`` is the address of the next hop
    to the source, None if not known. ``bridge`` says whether the interface is a bridge or part of one, so that bridge
    tables count.
    """

    family: int
    protocol: int
    port: Span
    source: Addresses = STRANGER
    interface: Optional[str] = None
    addresses: Optional[Tuple[Span, ...]] = None
    loopback: bool = False
    neighbours: bool = True
    gateway: Optional[int] = None
    bridge: bool = True


class Way:
    """The two directions between the source of a question and the host."""

    def __init__(self, hooks: Hooks, question: Question) -> None:
        self._hooks = hooks
        self._ask = question
        self._own: Addresses = question.addresses or HOST
        self._stopped: List[Stopped] = []

    def connect(self) -> Ways:
        """Follows a connection; each way that one packet may take leads to a next packet, and so on."""
        through: List[Flow] = []
        for first in self._send((SYN,), Flow(self._packet()), Tracking(("NEW",), True, None, self._ask.addresses)):
            tracked = _has_connection(first.packet)
            for answer in self._reply("answer", (SYN | ACK,), first, first, self._answer_states(tracked)):
                sent = self._send((ACK, ACK | PSH), answer, self._later(first, answer))
                for second in self._still_translated("next", first, sent):
                    both = tracked | _has_connection(answer.packet)
                    for rest in self._reply("rest", (ACK, ACK | PSH), second, first, self._rest_states(both)):
                        through.append(replace(rest, accepted=first.accepted))
        return through, self._stopped

    def discover(self) -> Ways:
        """Follows a neighbour that looks for the host, and the host that looks for the neighbour.

        A stranger's packets come through a router, which asks from its link-local address and answers from the one
        that it is asked for; sources given as spans may be neighbours themselves.
        """
        through: List[Flow] = []
        near: Tuple[Span, ...] = () if isinstance(self._ask.source, str) else self._ask.source
        link = _LINK_LOCAL + near
        gateway = self._ask.gateway
        # Where no router is known, strangers are neighbours themselves.
        unknown = STRANGER if self._ask.source == STRANGER else ANYONE
        next_hop: Addresses = unknown if gateway is None else ((gateway, gateway), *near)
        for asked in self._discovery("solicitation", _SOLICITATION, link, _SOLICITED, None):
            for told in self._discovery("advertisement", _ADVERTISEMENT, self._own, link, asked):
                for asking in self._discovery("search", _SOLICITATION, self._own, _SOLICITED, told):
                    through += self._discovery("found", _ADVERTISEMENT, next_hop, self._own, asking)
        return through, self._stopped

    def _packet(self) -> Packet:
        packet = Packet(self._ask.family, self._ask.protocol, self._ask.port)
        packet = replace(packet, source=self._ask.source, destination=self._own, in_interface=self._ask.interface)
        if self._ask.loopback:
            packet = replace(packet, in_interface="", out_interface="lo", source_type="LOCAL", packet_type=())
        return packet

    def _send(self, flags: Tuple[int, ...], before: Flow, tracking: Tracking) -> List[Flow]:
        """A packet of the source, which knows nothing of NAT at the host."""
        packet = replace(
            self._packet(),
            tcp_flags=flags,
            connmark=before.packet.connmark,
            translated=before.packet.translated,
        )
        go = self._hooks.loop if self._ask.loopback else self._hooks.arrive
        stage = "first" if tracking.first else "next"
        return self._noted(stage, go(replace(before, packet=packet), tracking))

    def _reply(self, stage: str, flags: Tuple[int, ...], before: Flow, first: Flow, states: States) -> List[Flow]:
        """A packet of the program that the first packet reached."""
        packet = Packet(
            self._ask.family,
            self._ask.protocol,
            dport=first.packet.sport,
            sport=first.packet.dport,
            source=first.packet.destination,
            destination=self._ask.source,
            in_interface="",
            out_interface="lo" if self._ask.loopback else self._ask.interface,
            tcp_flags=flags,
            connmark=before.packet.connmark,
            translated=first.packet.translated,
            source_type="LOCAL",
            destination_type="LOCAL" if self._ask.loopback else "UNICAST",
            packet_type=(),
        )
        go = self._hooks.loop if self._ask.loopback else self._hooks.leave
        left = self._noted(stage, go(replace(before, packet=packet), Tracking(states)))
        return self._still_translated(stage, first, left)

    def _still_translated(self, stage: str, first: Flow, flows: List[Flow]) -> List[Flow]:
        """Packets of a connection that NAT sent to another port are lost where conntrack does not see them.

        A UDP packet still finds whoever listens on the port that it names.
        """
        if first.translated is None:
            return flows
        kept: List[Flow] = []
        for flow in flows:
            known = _has_connection(flow.packet)
            certain = known == {False} and first.packet.translated is True
            certain = certain and (stage != "next" or self._ask.protocol == TCP)
            doubt = flow.doubt if certain else flow.doubt or first.translated
            if False in known:
                self._stopped.append(Stopped(f"untracked {stage}", Stop(first.translated, doubt)))
            if not certain:
                kept.append(flow if known == {True} else replace(flow, doubt=doubt))
        return kept

    def _discovery(
        self, stage: str, kind: int, source: Addresses, destination: Addresses, before: Optional[Flow]
    ) -> List[Flow]:
        """A message of neighbour discovery; conntrack leaves them untracked (nf_conntrack_proto_icmpv6.c)."""
        inward = stage in ("solicitation", "found")
        multicast = destination == _SOLICITED
        packet = Packet(
            6,
            ICMPV6,
            source=source,
            destination=destination,
            in_interface=self._ask.interface if inward else "",
            out_interface="" if inward else self._ask.interface,
            icmp=(kind, 0),
            hop_limit=(255, 255),
            source_type="UNICAST" if inward else "LOCAL",
            destination_type="MULTICAST" if multicast else "LOCAL" if inward else "UNICAST",
            packet_type=("MULTICAST",) if multicast and inward else ("UNICAST",) if inward else (),
        )
        flow = replace(before, packet=packet) if before else Flow(packet)
        go = self._hooks.arrive if inward else self._hooks.leave
        return self._noted(stage, go(flow, Tracking(("UNTRACKED",))))

    def _noted(self, stage: str, ends: Tuple[List[Flow], List[Stop]]) -> List[Flow]:
        flows, stops = ends
        soft = stage in ("search", "found")
        self._stopped += [Stopped(stage, stop, soft) for stop in stops]
        return flows

    def _answer_states(self, tracked: FrozenSet[bool]) -> States:
        """A SYN,ACK that answers no known connection is invalid (nf_conntrack_proto_tcp.c); of others it begins one."""
        unknown = "INVALID" if self._ask.protocol == TCP else "NEW"
        return tuple(sorted({"ESTABLISHED" if known else unknown for known in tracked}))

    def _later(self, first: Flow, answer: Flow) -> Tracking:
        """The source's next packet: conntrack may have seen none, one or both of the packets before it."""
        states = {
            self._next_state(asked, answered)
            for asked in _has_connection(first.packet)
            for answered in _has_connection(answer.packet)
        }
        mapped = None if first.packet.translated is False else first.packet
        return Tracking(tuple(sorted({state for group in states for state in group})), mapped=mapped)

    def _next_state(self, asked: bool, answered: bool) -> States:
        """TCP picks up in midstream unless nf_conntrack_tcp_loose is 0, and calls an ACK out of order invalid."""
        if self._ask.protocol == TCP:
            return ("ESTABLISHED",) if asked and answered else ("INVALID", "NEW")
        return ("ESTABLISHED",) if answered else ("NEW",)

    def _rest_states(self, tracked: FrozenSet[bool]) -> States:
        if tracked == {True}:
            return ("ESTABLISHED",)
        return ("ESTABLISHED", "INVALID", "NEW") if self._ask.protocol == TCP else ("ESTABLISHED", "NEW")


def _has_connection(packet: Packet) -> FrozenSet[bool]:
    return frozenset(state not in _NO_CONNECTION for state in packet.state)
