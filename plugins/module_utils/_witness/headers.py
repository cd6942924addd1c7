# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the headers of a packet: addresses, ports, TCP's flags and numbers, and what an ICMP error quotes."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, replace
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import ICMP, ICMPV6, TCP, UDP

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
_OPTIONS = (0, 43, 60)
_FRAGMENT = 44
_MAXIMUM_SEGMENT = 2


@dataclass(frozen=True)
class SeenPacket:
    """A packet as an interface of the host had it.

    ``at`` is seconds since boot, ``length`` what it carries behind its headers, ``segment`` the maximum segment size
    that it asks for, 0 for none. Of an ICMP error ``error`` is type and code, ``quoted`` the packet that it is about.
    """

    at: float
    outgoing: bool
    interface: str
    family: int
    protocol: int
    source: str
    destination: str
    sport: int = 0
    dport: int = 0
    flags: int = 0
    sequence: int = 0
    acknowledged: int = 0
    length: int = 0
    segment: int = 0
    error: Optional[Tuple[int, int]] = None
    quoted: Optional[SeenPacket] = None


def read_headers(at: float, outgoing: bool, interface: str, headers: bytes) -> Optional[SeenPacket]:
    """Returns the packet that begins with these bytes; None for one that is neither TCP, UDP nor an ICMP error."""
    try:
        return _read(SeenPacket(at, outgoing, interface, 0, 0, "", ""), headers)
    except (struct.error, IndexError, ValueError):
        return None


def _read(packet: SeenPacket, data: bytes) -> Optional[SeenPacket]:
    version = data[0] >> 4
    if version == 4:
        start, protocol = (data[0] & 15) * 4, data[9]
        if struct.unpack_from("!H", data, 6)[0] & 0x1FFF:
            return None
        whole, addresses = struct.unpack_from("!H", data, 2)[0], (data[12:16], data[16:20])
    elif version == 6:
        start, protocol = _step_over(data)
        whole, addresses = 40 + struct.unpack_from("!H", data, 4)[0], (data[8:24], data[24:40])
    else:
        return None
    source, destination = (str(ipaddress.ip_address(address)) for address in addresses)
    packet = replace(packet, family=version, protocol=protocol, source=source, destination=destination)
    if protocol == TCP:
        return _read_tcp(packet, data[start:], whole - start)
    if protocol == UDP:
        sport, dport = struct.unpack_from("!HH", data, start)
        return replace(packet, sport=sport, dport=dport, length=max(0, whole - start - 8))
    if protocol in (ICMP, ICMPV6):
        quoted = _read(packet, data[start + 8 :])
        return quoted and replace(packet, error=(data[start], data[start + 1]), quoted=quoted)
    return None


def _step_over(data: bytes) -> Tuple[int, int]:
    """Where the header behind IPv6 and its extensions begins, and what it is."""
    start, kind = 40, data[6]
    while kind in (*_OPTIONS, _FRAGMENT):
        if kind == _FRAGMENT and struct.unpack_from("!H", data, start + 2)[0] & 0xFFF8:
            raise ValueError("a later fragment has no ports")
        step = 8 if kind == _FRAGMENT else (data[start + 1] + 1) * 8
        kind, start = data[start], start + step
    return start, kind


def _read_tcp(packet: SeenPacket, data: bytes, whole: int) -> SeenPacket:
    """A quoted header may end behind the ports and the sequence number."""
    sport, dport, sequence = struct.unpack_from("!HHI", data)
    packet = replace(packet, sport=sport, dport=dport, sequence=sequence)
    if len(data) < 20:
        return packet
    acknowledged, offset, flags = struct.unpack_from("!IBB", data, 8)
    head = (offset >> 4) * 4
    return replace(
        packet,
        acknowledged=acknowledged,
        flags=flags,
        length=max(0, whole - head),
        segment=_find_segment(data[20:head]),
    )


def _find_segment(options: bytes) -> int:
    at = 0
    while at + 1 < len(options) and options[at]:
        if options[at] == 1:
            at += 1
            continue
        if options[at] == _MAXIMUM_SEGMENT and at + 4 <= len(options):
            return int.from_bytes(options[at + 2 : at + 4], "big")
        at += max(2, options[at + 1])
    return 0
