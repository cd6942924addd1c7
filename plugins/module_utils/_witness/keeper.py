# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides which packets a recorder keeps: those of the look, behind address translation as well, and no others."""

from __future__ import annotations

from dataclasses import replace
from typing import Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.wire.record import Heard
from ansible_collections.port443.https.plugins.module_utils._witness.assembler import Instruction
from ansible_collections.port443.https.plugins.module_utils._witness.headers import ACK, SYN, SeenPacket, read_headers
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import (
    MARKS,
    TCP,
    UDP,
    Watch,
    make_filter,
)

MOST_STRANGERS = 20_000
"""After so many packets of others the kernel is told to hand over none of them any more."""
MOST_DATAGRAMS = 200


class Keeper:
    """What a recorder knows of the look while it records."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._known: Set[str] = set(watch.addresses)
        self._strangers = 0
        self._datagrams = 0
        self.program: Tuple[Instruction, ...] = make_filter(watch)

    def keep(self, heard: Heard) -> Tuple[bool, Tuple[Instruction, ...]]:
        """Returns whether a packet is kept, and the filter from now on."""
        packet = read_headers(heard.at, heard.outgoing, heard.interface, heard.headers)
        if packet is None:
            return False, self.program
        if is_marked(packet, self._watch.mark) and packet.source not in self._known:
            self._known.add(packet.source)
            self._change(replace(self._watch, addresses=tuple(sorted(self._known))))
        if self._is_known(packet):
            return True, self.program
        about = packet.quoted or packet
        if about.protocol == UDP and self._watch.datagrams and self._datagrams < MOST_DATAGRAMS:
            self._datagrams += 1
            return True, self.program
        self._strangers += 1
        if self._strangers >= MOST_STRANGERS and not self._watch.strict:
            self._change(replace(self._watch, strict=True))
        return False, self.program

    def _is_known(self, packet: SeenPacket) -> bool:
        packets = [packet] if packet.quoted is None else [packet, packet.quoted]
        return any(address in self._known for one in packets for address in (one.source, one.destination))

    def _change(self, watch: Watch) -> None:
        self._watch = watch
        self.program = make_filter(watch)


def is_marked(packet: SeenPacket, mark: int) -> bool:
    """Tells whether a packet begins a connection of the look with that mark."""
    begins = packet.protocol == TCP and packet.flags & (SYN | ACK) == SYN
    return bool(mark) and begins and mark <= packet.segment < mark + MARKS
