# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A packet with intervals in the place of unknown values: it stands for all packets that it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span

UNLISTED_SOURCE = "stranger"
"""A source that no rule names: in no set and no prefix, unless holds_strangers says that it may."""

ANY_SOURCE = "anyone"
"""Any source at all: a prefix or a set may hold it or not."""

HOST = "host"
"""An address of the host itself that is not known: neither loopback nor multicast."""

Addresses = Union[str, Tuple[Span, ...]]
"""UNLISTED_SOURCE, ANY_SOURCE, HOST, or the addresses as spans of integers."""

FIN, SYN, PSH, ACK = 1, 2, 8, 16
ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
ARP = -1
"""In place of a protocol: no IP packet at all, but a question or an answer of ARP."""

LINK_LOCAL: Span = (0xFE80 << 112, (0xFEC0 << 112) - 1)
"""Addresses of IPv6 that a packet from beyond the link is never for: no router forwards it (RFC 4291, 2.5.6)."""

_ETHERTYPE_OF = {4: 0x0800, 6: 0x86DD, ARP: 0x0806}
"""By IP version, or ARP."""
_NO_CONNECTION = frozenset(("UNTRACKED", "INVALID"))
WITH_PORTS = frozenset((6, 17, 33, 132, 136))  # tcp, udp, dccp, sctp, udplite
HAS_SET_PORTS = WITH_PORTS - {33}  # those whose ports ipset looks at (ip_set_getport.c)


def reached_from(source: Addresses, own: Tuple[Span, ...]) -> Tuple[Span, ...]:
    """Returns those of the host's addresses that packets from there may be for; all where it has no others."""
    low, high = LINK_LOCAL
    on_link = not isinstance(source, str) and any(first <= high and low <= last for first, last in source)
    return own if on_link else tuple(span for span in own if not low <= span[0] <= high) or own


@dataclass(frozen=True)
class Packet:
    """One packet, or rather all packets it may be: spans and tuples hold every possible value.

    Interfaces: a name, None for one that is not known but is not ``lo``, "" for none (an incoming packet has no
    outgoing interface). ``state`` holds the conntrack states it may have; DNAT is ``dnat``, None if not known;
    ``direction`` is that within its connection. ``mark`` and ``connmark`` are None if not known. ``icmp`` is type and
    code. The types are those of ``addrtype``; ``packet_type`` is empty if not known. ``dynamic_sets`` are those that
    rules may have put it into. A ``template`` is what conntrack will make its connection by. Those who look for the
    place of a rule take a stranger for ``unlisted``: in no set of which it is not known what is in it.
    """

    family: int
    protocol: int
    dport: Span = (0, 65535)
    sport: Span = (1024, 65535)
    source: Addresses = UNLISTED_SOURCE
    destination: Addresses = HOST
    in_interface: Optional[str] = None
    out_interface: Optional[str] = ""
    state: Tuple[str, ...] = ("NEW",)
    dnat: Optional[bool] = False
    tcp_flags: Tuple[int, ...] = (SYN,)
    icmp: Optional[Tuple[int, int]] = None
    mark: Optional[int] = 0
    connmark: Optional[int] = 0
    hop_limit: Span = (1, 255)
    source_type: str = "UNICAST"
    destination_type: str = "LOCAL"
    packet_type: Tuple[str, ...] = ("UNICAST",)
    direction: Optional[str] = "ORIGINAL"
    dynamic_sets: FrozenSet[str] = frozenset()
    unlisted: bool = False
    template: bool = False

    @property
    def ethertype(self) -> int:
        """The ethertype of the frame that it comes in."""
        return _ETHERTYPE_OF[ARP if self.protocol == ARP else self.family]

    @property
    def has_connection(self) -> Optional[bool]:
        """Whether conntrack knows a connection that it belongs to, None if that is not known.

        Some rules take a template for one.
        """
        if self.template:
            return None
        known = {state not in _NO_CONNECTION for state in self.state}
        return known.pop() if len(known) == 1 else None


SOLICITATION, ADVERTISEMENT = 135, 136  # RFC 4861, 4.3 and 4.4
