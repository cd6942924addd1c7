# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The openings of a request, and the first packet of each, by which its placement is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    HOST,
    ICMPV6,
    SOLICITATION,
    UNLISTED_SOURCE,
    Addresses,
    Packet,
    reached_from,
)
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest

_SOLICITED_NODE = (0xFF02 << 112 | 0x1FF000000, 0xFF02 << 112 | 0x1FFFFFFFF)  # ff02::1:ff00:0/104, RFC 4291, 2.7.1
NEIGHBOURS = PortRule("ipv6-icmp", SOLICITATION, SOLICITATION)


@dataclass(frozen=True)
class Opening:
    """One thing to let in: a port (or neighbour discovery), from a source, on an interface; or a port to let out to."""

    port: PortRule
    source: Optional[Network]
    interface: Optional[str]
    direction: str = "in"

    @property
    def what(self) -> Tuple[PortRule, Optional[Network], Optional[str]]:
        """What it is, whichever way it goes."""
        return self.port, self.source, self.interface


def port_items(request: PortsRequest, family: int, direction: str) -> List[Opening]:
    """Returns the items of the ports of a request for an IP version that it opens."""
    interfaces: Sequence[Optional[str]] = request.interface or (None,)
    sources: Sequence[Optional[Network]] = request.sources(family) or (None,)
    return [Opening(port, who, where, direction) for who in sources for where in interfaces for port in request.ports]


def neighbour_items(request: PortsRequest, direction: str) -> List[Opening]:
    """Returns the items of IPv6 neighbour discovery."""
    return [Opening(NEIGHBOURS, None, where, direction) for where in request.interface or (None,)]


def packet_of(item: Opening, link: Link) -> Packet:
    """Returns the first packet of what an item lets through."""
    interface = item.interface or link.interface
    if item.port == NEIGHBOURS:
        return _outgoing_solicitation(link) if item.direction == "out" else _solicitation(interface)
    if item.direction == "out":
        return _outgoing(item, link)
    source: Addresses = UNLISTED_SOURCE
    if item.source is not None and item.source.prefixlen:
        source = ((int(item.source.network_address), int(item.source.broadcast_address)),)
    return Packet(
        link.family,
        PROTOCOL_NUMBERS[item.port.protocol],
        dport=(item.port.low, item.port.high),
        source=source,
        destination=reached_from(source, link.addresses) or HOST,
        in_interface=interface,
    )


def _outgoing(item: Opening, link: Link) -> Packet:
    return Packet(
        link.family,
        PROTOCOL_NUMBERS[item.port.protocol],
        dport=(item.port.low, item.port.high),
        source=reached_from(UNLISTED_SOURCE, link.addresses) or HOST,
        destination=UNLISTED_SOURCE,
        in_interface="",
        out_interface=link.interface,
        source_type="LOCAL",
        destination_type="UNICAST",
        packet_type=(),
    )


def _solicitation(interface: Optional[str]) -> Packet:
    return Packet(
        6,
        ICMPV6,
        icmp=(SOLICITATION, 0),
        in_interface=interface,
        destination=(_SOLICITED_NODE,),
        state=("UNTRACKED",),
        hop_limit=(255, 255),
        destination_type="MULTICAST",
        packet_type=("MULTICAST",),
    )


def _outgoing_solicitation(link: Link) -> Packet:
    return Packet(
        6,
        ICMPV6,
        icmp=(SOLICITATION, 0),
        source=link.addresses or HOST,
        destination=(_SOLICITED_NODE,),
        in_interface="",
        out_interface=link.interface,
        state=("UNTRACKED",),
        hop_limit=(255, 255),
        source_type="LOCAL",
        destination_type="MULTICAST",
        packet_type=(),
    )
