# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Spells the values of fields as nft does, after nft(8)."""

from __future__ import annotations

import ipaddress
import socket
from typing import Dict, List

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import DataType, NfProto, PayloadBase
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import ADDRESS, NAME, Field

HEADERS = {
    PayloadBase.LL_HEADER: "ll",
    PayloadBase.NETWORK_HEADER: "nh",
    PayloadBase.TRANSPORT_HEADER: "th",
    PayloadBase.INNER_HEADER: "ih",
}
"""Headers of a packet, for what is told of them by its bits alone."""
CT_STATES = {1: "invalid", 2: "established", 4: "related", 8: "new", 64: "untracked"}
CT_STATUSES = {1: "expected", 2: "seen-reply", 4: "assured", 8: "confirmed", 16: "snat", 32: "dnat", 512: "dying"}
TCP_FLAGS = {1: "fin", 2: "syn", 4: "rst", 8: "psh", 16: "ack", 32: "urg", 64: "ecn", 128: "cwr"}
PACKET_TYPES = {0: "host", 1: "broadcast", 2: "multicast", 3: "other"}
DIRECTIONS = {0: "original", 1: "reply"}
FIB_TYPES = {
    0: "unspec",
    1: "unicast",
    2: "local",
    3: "broadcast",
    4: "anycast",
    5: "multicast",
    6: "blackhole",
    7: "unreachable",
    8: "prohibit",
}
_WORDS: Dict[str, Dict[int, str]] = {
    "protocol": {
        1: "icmp",
        2: "igmp",
        6: "tcp",
        17: "udp",
        33: "dccp",
        47: "gre",
        50: "esp",
        51: "ah",
        58: "ipv6-icmp",
        89: "ospf",
        108: "comp",
        112: "vrrp",
        132: "sctp",
        136: "udplite",
    },
    "ethertype": {0x0800: "ip", 0x0806: "arp", 0x86DD: "ip6", 0x8100: "8021q", 0x88A8: "8021ad"},
    "nfproto": {NfProto.IPV4: "ipv4", NfProto.IPV6: "ipv6"},
    "pkttype": PACKET_TYPES,
    "ct direction": DIRECTIONS,
    "ct state": CT_STATES,
    "ct status": CT_STATUSES,
    "tcp flags": TCP_FLAGS,
    "fib type": FIB_TYPES,
    "boolean": {0: "missing", 1: "exists"},
    "icmp code": {
        0: "net-unreachable",
        1: "host-unreachable",
        2: "prot-unreachable",
        3: "port-unreachable",
        4: "frag-needed",
        9: "net-prohibited",
        10: "host-prohibited",
        13: "admin-prohibited",
    },
    "icmpv6 code": {
        0: "no-route",
        1: "admin-prohibited",
        3: "addr-unreachable",
        4: "port-unreachable",
        5: "policy-fail",
        6: "reject-route",
    },
    "icmp": {
        0: "echo-reply",
        3: "destination-unreachable",
        4: "source-quench",
        5: "redirect",
        8: "echo-request",
        9: "router-advertisement",
        10: "router-solicitation",
        11: "time-exceeded",
        12: "parameter-problem",
        13: "timestamp-request",
        14: "timestamp-reply",
    },
    "icmpv6": {
        1: "destination-unreachable",
        2: "packet-too-big",
        3: "time-exceeded",
        4: "parameter-problem",
        128: "echo-request",
        129: "echo-reply",
        130: "mld-listener-query",
        131: "mld-listener-report",
        132: "mld-listener-done",
        133: "nd-router-solicit",
        134: "nd-router-advert",
        135: "nd-neighbor-solicit",
        136: "nd-neighbor-advert",
        137: "nd-redirect",
        143: "mld2-listener-report",
    },
}
BITS = frozenset(("ct state", "ct status", "tcp flags"))


def spell_span(field: Field, low: int, high: int) -> str:
    """Returns the numbers of a field from ``low`` to ``high`` as nft writes them."""
    if field.style == ADDRESS:
        return _addresses(low, high, field.width)
    if field.style == NAME:
        return _name(low, high, field.width)
    if low == high:
        return spell(field, low)
    if field.words == "protocol":
        return f"{low}-{high}"
    return f"{spell(field, low)}-{spell(field, high)}"


def spell(field: Field, number: int) -> str:
    """Returns one number of a field as nft writes it."""
    if field.words in BITS:
        return spell_bits(field.words, number, " | " if field.words == "tcp flags" else ",")
    if field.words == "mark":
        return f"0x{number:08x}"
    if field.words == "interface":
        return f'"{name_of_interface(number)}"'
    return _WORDS.get(field.words, {}).get(number) or str(number)


def spell_bits(words: str, number: int, between: str = ",") -> str:
    """Returns the names of the bits of a number."""
    names: List[str] = [name for bit, name in _WORDS[words].items() if number & bit]
    left = number & ~sum(_WORDS[words])
    return between.join(names + ([f"0x{left:x}"] if left or not number else []))


def name_of_interface(index: int) -> str:
    """Returns the name that an interface's index has now; the number itself where there is none."""
    try:
        return socket.if_indextoname(index)
    except (OSError, OverflowError):
        return str(index)


def quote(text: str) -> str:
    """Returns a text as nft writes it in quotes."""
    return f'"{text}"'


def spell_data(kind: int, raw: bytes) -> str:
    """Returns what a map has for a key, by nftables' number of its type; 6 bits for each part of a concatenation."""
    kinds: List[int] = []
    while kind:
        kinds.insert(0, kind & 0x3F)
        kind >>= 6
    spelled: List[str] = []
    for number in kinds:
        width, is_port = 16 if number == DataType.IP6ADDR else 4, number == DataType.INET_SERVICE
        value = int.from_bytes(raw[: 2 if is_port else width], "big")
        is_address = number in (DataType.IPADDR, DataType.IP6ADDR)
        spelled.append(_addresses(value, value, width) if is_address else str(value) if is_port else hex(value))
        raw = raw[width:]
    return " . ".join(spelled)


def _addresses(low: int, high: int, width: int) -> str:
    make = ipaddress.IPv6Address if width == 16 else ipaddress.IPv4Address
    if low == high:
        return str(make(low))
    size = high - low + 1
    if size & (size - 1) == 0 and low % size == 0:
        return f"{make(low)}/{8 * width - size.bit_length() + 1}"
    return f"{make(low)}-{make(high)}"


def _name(low: int, high: int, width: int) -> str:
    name = low.to_bytes(width, "big").rstrip(b"\0").decode("utf-8", "surrogateescape")
    return quote(name if low == high else name + "*")
