# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Simulates neighbour discovery on a link: ARP (RFC 826) and IPv6 neighbour discovery (RFC 4861)."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import ConntrackState, Flow
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Outcomes, StageStop
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    ANY_SOURCE,
    ARP,
    ICMPV6,
    LINK_LOCAL,
    UNLISTED_SOURCE,
    Addresses,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._netfilter.traversal import HookTraversal

_SOLICITED_NODE = 0xFF02_0000_0000_0000_0000_0001_FF00_0000  # RFC 4291, 2.7.1: ff02::1:ff00:0/104
_SOLICITED: Tuple[Span, ...] = ((_SOLICITED_NODE, _SOLICITED_NODE + 0xFFFFFF),)
_TYPES = {"solicit in": 135, "advert out": 136, "solicit out": 135, "advert in": 136}  # RFC 4861, 4.3 and 4.4
# What has to work: who connects is the one that has to find the other. The other learns where it is from its question,
# as long as that was not too long ago.
_STAGES = {
    "in": ("solicit in", "advert out", "solicit out", "advert in"),
    "out": ("solicit out", "advert in", "solicit in", "advert out"),
}


class NeighbourDiscovery:
    """The messages between the host and its neighbours on the link that a question is about."""

    def __init__(self, hooks: HookTraversal, question: ConnectionQuery) -> None:
        self._hooks = hooks
        self._ask = question

    def run(self) -> Outcomes:
        """Follows a neighbour that looks for the host, and the host that looks for the neighbour.

        A stranger's packets come through a router, which asks from its link-local address and answers from the one
        that it is asked for; sources given as spans may be neighbours themselves.
        """
        flows: List[Optional[Flow]] = [None]
        stopped: List[StageStop] = []
        for stage in _STAGES[self._ask.direction]:
            told = [self._tell(stage, flow) for flow in flows]
            flows = [flow for one in told for flow in one.through]
            stopped += [stop for one in told for stop in one.stopped]
        return Outcomes([flow for flow in flows if flow], stopped)

    def _tell(self, stage: str, before: Optional[Flow]) -> Outcomes:
        """One message; conntrack leaves those of IPv6 untracked (nf_conntrack_proto_icmpv6.c)."""
        inward = stage in ("solicit in", "advert in")
        packet = self._arp(stage, inward) if self._ask.family == 4 else self._icmp(stage, inward)
        flow = replace(before, packet=packet) if before else Flow(packet)
        go = self._hooks.inbound if inward else self._hooks.outbound
        way = go(flow, ConntrackState(("UNTRACKED",)))
        occasional = stage in _STAGES[self._ask.direction][2:]
        words = (("out",) if self._ask.direction == "out" else ()) + (("arp",) if self._ask.family == 4 else ())
        return Outcomes(way.passed, [StageStop(" ".join((*words, stage)), stop, occasional) for stop in way.stops])

    def _arp(self, stage: str, inward: bool) -> Packet:
        broadcast = stage == "solicit in"
        return Packet(
            4,
            ARP,
            in_interface=self._ask.interface if inward else "",
            out_interface="" if inward else self._ask.interface,
            packet_type=("BROADCAST",) if broadcast else ("UNICAST",) if inward else (),
        )

    def _icmp(self, stage: str, inward: bool) -> Packet:
        source, destination = self._ends(stage)
        multicast = destination == _SOLICITED
        return Packet(
            6,
            ICMPV6,
            source=source,
            destination=destination,
            in_interface=self._ask.interface if inward else "",
            out_interface="" if inward else self._ask.interface,
            icmp=(_TYPES[stage], 0),
            hop_limit=(255, 255),
            source_type="UNICAST" if inward else "LOCAL",
            destination_type="MULTICAST" if multicast else "LOCAL" if inward else "UNICAST",
            packet_type=("MULTICAST",) if multicast and inward else ("UNICAST",) if inward else (),
        )

    def _ends(self, stage: str) -> Tuple[Addresses, Addresses]:
        """From where and whereto a message goes."""
        ask = self._ask
        near: Tuple[Span, ...] = () if isinstance(ask.source, str) else ask.source
        link = (LINK_LOCAL, *near)
        # Where no router is known, strangers are neighbours themselves.
        unknown = UNLISTED_SOURCE if ask.source == UNLISTED_SOURCE else ANY_SOURCE
        next_hop: Addresses = unknown if ask.gateway is None else ((ask.gateway, ask.gateway), *near)
        return {
            "solicit in": (link, _SOLICITED),
            "advert out": (ask.own, link),
            "solicit out": (ask.own, _SOLICITED),
            "advert in": (next_hop, ask.own),
        }[stage]
