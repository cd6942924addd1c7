# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds in all packets those of one look at one port, and sorts them by where they came from and went to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._witness.evidence import Door
from ansible_collections.port443.https.plugins.module_utils._witness.headers import ACK, RST, SYN, SeenPacket
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import TCP, UDP

Peer = Tuple[str, int]
"""Address and port of who looks, as the host sees them."""
_PROTOCOLS = {"tcp": TCP, "udp": UDP}
_LOOPBACK = "lo"
# Seconds within which the recorder reads a packet from an interface and the one above it; what is sent again sooner
# is known by its interface, which has it twice.
_STACK = 0.5


@dataclass(frozen=True)
class Story:
    """What a host's interfaces had of a look, each part in the order of time.

    ``came`` in from the looker, ``passed`` on to another machine or a container, ``returned`` from there, ``answered``
    to the looker; ``refused`` are ICMP errors that left the host about what came, ``complained`` those that came about
    its answers. ``certain`` tells whether the packets are the look's beyond doubt.
    """

    came: Tuple[SeenPacket, ...] = ()
    passed: Tuple[SeenPacket, ...] = ()
    returned: Tuple[SeenPacket, ...] = ()
    answered: Tuple[SeenPacket, ...] = ()
    refused: Tuple[SeenPacket, ...] = ()
    complained: Tuple[SeenPacket, ...] = ()
    certain: bool = True

    @property
    def first(self) -> Optional[SeenPacket]:
        """The first packet that came."""
        return self.came[0] if self.came else None


def tell_story(door: Door, packets: Sequence[SeenPacket]) -> Story:
    """Returns the packets of a look. Others that the host exchanges meanwhile are left out, in whichever order."""
    ordered = _lift(sorted(packets, key=lambda packet: packet.at))
    same = [packet for packet in ordered if packet.error or packet.protocol == _PROTOCOLS[door.protocol]]
    peers, certain = _find_peers(door, same)
    own = [packet for packet in same if not _is_echo(packet, peers)]
    direct = [packet for packet in own if not packet.error]
    return Story(
        came=_pick(direct, peers, outgoing=False, forth=True),
        passed=_pick(direct, peers, outgoing=True, forth=True),
        returned=_pick(direct, peers, outgoing=False, forth=False),
        answered=_pick(direct, peers, outgoing=True, forth=False),
        refused=tuple(one for one in own if one.error and one.outgoing and _is_from(one.quoted, peers)),
        complained=tuple(one for one in own if one.error and not one.outgoing and _is_to(one.quoted, peers)),
        certain=certain,
    )


def _lift(packets: Iterable[SeenPacket]) -> List[SeenPacket]:
    """Returns each packet once, as the interface had it that rules and routes know.

    Below a VLAN, a bond or a bridge lies another interface that has the same packet: before it where it comes in, after
    it where it goes out.
    """
    kept: List[SeenPacket] = []
    seen: Dict[SeenPacket, List[_Sighting]] = {}
    for packet in packets:
        there = seen.setdefault(_without_place(packet), [])
        one = next((one for one in there if one.is_above_or_below(packet)), None)
        if one is None:
            there.append(_Sighting(len(kept), packet.at, {packet.interface}))
            kept.append(packet)
            continue
        one.interfaces.add(packet.interface)
        if not packet.outgoing:
            kept[one.place] = packet
    return kept


@dataclass(frozen=True)
class _Sighting:
    """A packet that was seen: its place among those that are kept, when, and by which interfaces."""

    place: int
    at: float
    interfaces: Set[str]

    def is_above_or_below(self, packet: SeenPacket) -> bool:
        return packet.at - self.at <= _STACK and packet.interface not in self.interfaces


def _without_place(packet: SeenPacket) -> SeenPacket:
    quoted = replace(packet.quoted, at=0.0, interface="") if packet.quoted else None
    return replace(packet, at=0.0, interface="", quoted=quoted)


def begins(packet: SeenPacket) -> bool:
    """Tells whether a packet is the first of a connection."""
    return packet.protocol == UDP or packet.flags & (SYN | ACK | RST) == SYN


def _find_peers(door: Door, packets: Iterable[SeenPacket]) -> Tuple[FrozenSet[Peer], bool]:
    """Who the looker is for the host: itself; else, behind translation, whoever asks for its odd segment size."""
    arriving = [packet for packet in packets if not packet.outgoing and not packet.error and begins(packet)]
    exact = {(one.source, one.sport) for one in arriving} & set(door.sources)
    marked = [one for one in arriving if door.segment and one.segment == door.segment]
    if exact or marked:
        known: Set[Peer] = exact | {(one.source, one.sport) for one in marked}
        # What follows the first connection asks for nothing odd, but comes from the same address to the same port.
        places = {(one.source, one.destination, one.dport) for one in marked}
        known |= {(one.source, one.sport) for one in arriving if (one.source, one.destination, one.dport) in places}
        return frozenset(known), True
    addresses = {address for address, _port in door.sources}
    ports = {port for _address, port in door.sources}
    near = {(one.source, one.sport) for one in arriving if one.sport in ports or one.source in addresses}
    found = {(one.source, one.sport) for one in arriving if one.dport == door.port and (one.source, one.sport) in near}
    if not found and door.protocol == "udp":
        found = {(one.source, one.sport) for one in arriving if one.dport == door.port}
    return frozenset(found), False


def _is_echo(packet: SeenPacket, peers: FrozenSet[Peer]) -> bool:
    """On loopback each packet is seen twice: what is sent to the host counts as it arrives, the answer as it leaves."""
    return packet.interface == _LOOPBACK and not packet.error and packet.outgoing == _is_from(packet, peers)


def _pick(packets: Iterable[SeenPacket], peers: FrozenSet[Peer], outgoing: bool, forth: bool) -> Tuple[SeenPacket, ...]:
    belongs = _is_from if forth else _is_to
    return tuple(one for one in packets if one.outgoing == outgoing and belongs(one, peers))


def _is_from(packet: Optional[SeenPacket], peers: FrozenSet[Peer]) -> bool:
    return packet is not None and (packet.source, packet.sport) in peers


def _is_to(packet: Optional[SeenPacket], peers: FrozenSet[Peer]) -> bool:
    return packet is not None and (packet.destination, packet.dport) in peers
