# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The fields of packet and conntrack that registers of nf_tables hold, by where they are loaded from.

Names are those of nft(8); places are those of the headers in RFC 791, 8200, 9293, 768, 792 and 4443.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import MatchField
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    CtKey,
    FibFlag,
    FibResult,
    MetaKey,
    PayloadBase,
)

IPV4, IPV6, ARP = 0x0800, 0x86DD, 0x0806
LINK, NETWORK, TRANSPORT = PayloadBase.LL_HEADER, PayloadBase.NETWORK_HEADER, PayloadBase.TRANSPORT_HEADER
NUMBER, HOST_NUMBER, ADDRESS, NAME = "number", "host number", "address", "name"
_ICMP, _TCP, _UDP, _ICMPV6 = 1, 6, 17, 58
_WITH_PORTS = {_TCP: "tcp", _UDP: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}


@dataclass(frozen=True)
class Value:
    """What is in a register.

    ``kind`` is payload, meta, ct, fib, constant or unknown; ``key`` says which (payload: base and offset; meta and ct:
    their number; fib: result and flags). ``length`` are its bytes. ``mask`` and ``flip`` are what was done to it since:
    value & mask ^ flip. ``swapped`` tells that a number of the host's byte order was put into the network's.
    ``constant`` are the bytes of a constant, ``text`` is nft's spelling of what has no other.
    """

    kind: str
    key: Tuple[int, ...] = ()
    length: int = 4
    mask: Optional[bytes] = None
    flip: bytes = b""
    swapped: bool = False
    constant: bytes = b""
    text: str = ""


class Field(NamedTuple):
    """One thing that a packet has: the field of a Match, nft's name for it.

    ``width`` are its bytes, ``style`` says how it is compared, ``words`` names the table of its values' names.
    """

    match: MatchField
    text: str
    width: int
    style: str = NUMBER
    words: str = ""


Part = Tuple[Field, int]
"""A field, and how many of its first bytes are loaded."""


class Context(NamedTuple):
    """What a rule has asked so far: the ethertype and the protocol that the packet has, None where it may be any.

    ``mixed`` tells that its table is one for both IP versions.
    """

    ethertype: Optional[int] = None
    protocol: Optional[int] = None
    mixed: bool = False


_ADDRESSES = {
    IPV4: {12: Field("source", "ip saddr", 4, ADDRESS), 16: Field("destination", "ip daddr", 4, ADDRESS)},
    IPV6: {8: Field("source", "ip6 saddr", 16, ADDRESS), 24: Field("destination", "ip6 daddr", 16, ADDRESS)},
}
_NETWORK_FIELDS: Dict[int, Dict[int, Field]] = {
    IPV4: {
        **_ADDRESSES[IPV4],
        1: Field("unknown", "ip dscp", 1),
        2: Field("unknown", "ip length", 2),
        4: Field("unknown", "ip id", 2),
        6: Field("fragment", "ip frag-off", 2),
        8: Field("hop_limit", "ip ttl", 1),
        9: Field("protocol", "ip protocol", 1, words="protocol"),
        10: Field("unknown", "ip checksum", 2),
    },
    IPV6: {
        **_ADDRESSES[IPV6],
        4: Field("unknown", "ip6 length", 2),
        6: Field("protocol", "ip6 nexthdr", 1, words="protocol"),
        7: Field("hop_limit", "ip6 hoplimit", 1),
    },
}
_ARP_FIELDS = {6: Field("unknown", "arp operation", 2)}
_LINK_FIELDS = {
    0: Field("unknown", "ether daddr", 6),
    6: Field("unknown", "ether saddr", 6),
    12: Field("ethertype", "ether type", 2, words="ethertype"),
}
_TCP_FIELDS = {
    4: Field("unknown", "tcp sequence", 4),
    8: Field("unknown", "tcp ackseq", 4),
    13: Field("tcp_flags", "tcp flags", 1, words="tcp flags"),
    14: Field("unknown", "tcp window", 2),
}
_ICMP_FIELDS = {
    protocol: {
        0: Field("icmp_type", f"{name} type", 1, words=name),
        1: Field("icmp_code", f"{name} code", 1, words=f"{name} code"),
        2: Field("unknown", f"{name} checksum", 2),
        4: Field("unknown", f"{name} id", 2),
        6: Field("unknown", f"{name} sequence", 2),
    }
    for protocol, name in ((_ICMP, "icmp"), (_ICMPV6, "icmpv6"))
}
_META = {
    MetaKey.LEN: Field("unknown", "meta length", 4, HOST_NUMBER),
    MetaKey.PROTOCOL: Field("ethertype", "meta protocol", 2, words="ethertype"),
    MetaKey.PRIORITY: Field("unknown", "meta priority", 4, HOST_NUMBER),
    MetaKey.MARK: Field("mark", "meta mark", 4, HOST_NUMBER, "mark"),
    MetaKey.IIF: Field("in_interface", "iif", 4, HOST_NUMBER, "interface"),
    MetaKey.OIF: Field("out_interface", "oif", 4, HOST_NUMBER, "interface"),
    MetaKey.IIFNAME: Field("in_interface", "iifname", 16, NAME),
    MetaKey.OIFNAME: Field("out_interface", "oifname", 16, NAME),
    MetaKey.IFTYPE: Field("unknown", "iiftype", 2, HOST_NUMBER),
    MetaKey.OIFTYPE: Field("unknown", "oiftype", 2, HOST_NUMBER),
    MetaKey.SKUID: Field("unknown", "meta skuid", 4, HOST_NUMBER),
    MetaKey.SKGID: Field("unknown", "meta skgid", 4, HOST_NUMBER),
    MetaKey.NFTRACE: Field("unknown", "meta nftrace", 1),
    MetaKey.RTCLASSID: Field("unknown", "meta rtclassid", 4, HOST_NUMBER),
    MetaKey.SECMARK: Field("unknown", "meta secmark", 4, HOST_NUMBER),
    MetaKey.NFPROTO: Field("ethertype", "meta nfproto", 1, words="nfproto"),
    MetaKey.L4PROTO: Field("protocol", "meta l4proto", 1, words="protocol"),
    MetaKey.BRI_IIFNAME: Field("unknown", "meta ibrname", 16, NAME),
    MetaKey.BRI_OIFNAME: Field("unknown", "meta obrname", 16, NAME),
    MetaKey.PKTTYPE: Field("packet_type", "meta pkttype", 1, words="pkttype"),
    MetaKey.CPU: Field("unknown", "meta cpu", 4, HOST_NUMBER),
    MetaKey.IIFGROUP: Field("unknown", "iifgroup", 4, HOST_NUMBER),
    MetaKey.OIFGROUP: Field("unknown", "oifgroup", 4, HOST_NUMBER),
    MetaKey.CGROUP: Field("unknown", "meta cgroup", 4, HOST_NUMBER),
    MetaKey.PRANDOM: Field("unknown", "meta random", 4, HOST_NUMBER),
    MetaKey.SECPATH: Field("unknown", "meta ipsec", 1),
    MetaKey.IIFKIND: Field("unknown", "meta iifkind", 16, NAME),
    MetaKey.OIFKIND: Field("unknown", "meta oifkind", 16, NAME),
    MetaKey.TIME_NS: Field("unknown", "meta time", 8, HOST_NUMBER),
    MetaKey.TIME_DAY: Field("unknown", "meta day", 1),
    MetaKey.TIME_HOUR: Field("unknown", "meta hour", 4, HOST_NUMBER),
    MetaKey.SDIF: Field("unknown", "meta sdif", 4, HOST_NUMBER),
    MetaKey.SDIFNAME: Field("unknown", "meta sdifname", 16, NAME),
}
_CT = {
    CtKey.STATE: Field("state", "ct state", 4, HOST_NUMBER, "ct state"),
    CtKey.DIRECTION: Field("direction", "ct direction", 1, words="ct direction"),
    CtKey.STATUS: Field("status", "ct status", 4, HOST_NUMBER, "ct status"),
    CtKey.MARK: Field("connmark", "ct mark", 4, HOST_NUMBER, "mark"),
    CtKey.SECMARK: Field("unknown", "ct secmark", 4, HOST_NUMBER),
    CtKey.EXPIRATION: Field("unknown", "ct expiration", 4, HOST_NUMBER),
    CtKey.HELPER: Field("unknown", "ct helper", 16, NAME),
    CtKey.L3PROTOCOL: Field("unknown", "ct l3proto", 1, words="nfproto"),
    CtKey.SRC: Field("unknown", "ct saddr", 16),
    CtKey.DST: Field("unknown", "ct daddr", 16),
    CtKey.PROTOCOL: Field("unknown", "ct protocol", 1, words="protocol"),
    CtKey.PROTO_SRC: Field("unknown", "ct proto-src", 2),
    CtKey.PROTO_DST: Field("unknown", "ct proto-dst", 2),
    CtKey.LABELS: Field("unknown", "ct label", 16),
    CtKey.PKTS: Field("unknown", "ct packets", 8, HOST_NUMBER),
    CtKey.BYTES: Field("unknown", "ct bytes", 8, HOST_NUMBER),
    CtKey.AVGPKT: Field("unknown", "ct avgpkt", 8, HOST_NUMBER),
    CtKey.ZONE: Field("unknown", "ct zone", 2, HOST_NUMBER),
    CtKey.EVENTMASK: Field("unknown", "ct event", 4, HOST_NUMBER),
    CtKey.SRC_IP: Field("unknown", "ct ip saddr", 4, ADDRESS),
    CtKey.DST_IP: Field("unknown", "ct ip daddr", 4, ADDRESS),
    CtKey.SRC_IP6: Field("unknown", "ct ip6 saddr", 16, ADDRESS),
    CtKey.DST_IP6: Field("unknown", "ct ip6 daddr", 16, ADDRESS),
    CtKey.ID: Field("unknown", "ct id", 4),
}
_FIB_FLAGS = (
    (FibFlag.SADDR, "saddr"),
    (FibFlag.DADDR, "daddr"),
    (FibFlag.MARK, "mark"),
    (FibFlag.IIF, "iif"),
    (FibFlag.OIF, "oif"),
)
_FIB_RESULTS = {FibResult.OIF: "oif", FibResult.OIFNAME: "oifname", FibResult.ADDRTYPE: "type"}


@lru_cache(maxsize=1024)
def find_parts(value: Value, context: Context) -> Tuple[Part, ...]:
    """Returns the fields that a value is made of; nothing if that cannot be said."""
    if value.kind == "meta":
        return ((_META[value.key[0]], value.length),) if value.key[0] in _META else ()
    if value.kind == "ct":
        return ((_CT[value.key[0]], value.length),) if value.key[0] in _CT else ()
    if value.kind == "fib":
        return ((_fib_field(*value.key), value.length),)
    return _header_fields(value, context) if value.kind == "payload" else ()


def _fib_field(result: int, flags: int) -> Field:
    asked = " . ".join(name for flag, name in _FIB_FLAGS if flags & flag)
    text = "fib {} {}".format(asked, _FIB_RESULTS.get(result, "type"))
    if result == FibResult.ADDRTYPE:
        match: MatchField = "source_fib_type" if flags & FibFlag.SADDR else "destination_fib_type"
        return Field(match, text, 4, HOST_NUMBER, "fib type")
    back = flags & FibFlag.SADDR and flags & FibFlag.IIF
    if flags & FibFlag.PRESENT:
        return Field("reverse_path" if back else "unknown", text, 1, words="boolean")
    return Field("reverse_path" if back and result == FibResult.OIF else "unknown", text, 4, HOST_NUMBER)


def _header_fields(value: Value, context: Context) -> Tuple[Part, ...]:
    """The fields that bytes of a header cover: nft loads neighbours at once, and of a prefix the first bytes alone."""
    base, offset = value.key
    fields = _fields_at(base, context)
    left = value.length
    parts = []
    while left > 0:
        field = fields.get(offset)
        if field is None:
            return ()
        taken = min(left, field.width)
        parts.append((field, taken))
        offset, left = offset + taken, left - taken
    return tuple(parts)


def _fields_at(base: int, context: Context) -> Dict[int, Field]:
    if base == NETWORK:
        return _ARP_FIELDS if context.ethertype == ARP else _NETWORK_FIELDS.get(context.ethertype or 0, {})
    if base == TRANSPORT:
        return _transport_fields(context.protocol)
    return _LINK_FIELDS if base == LINK else {}


@lru_cache(maxsize=256)
def _transport_fields(protocol: Optional[int]) -> Dict[int, Field]:
    """Ports are at the same place in every protocol that has them; where any may come, nft says th for it."""
    if protocol in _ICMP_FIELDS:
        return _ICMP_FIELDS[protocol]
    if protocol is not None and protocol not in _WITH_PORTS:
        return {}
    name = _WITH_PORTS.get(protocol or 0, "th")
    ports = {0: Field("sport", f"{name} sport", 2), 2: Field("dport", f"{name} dport", 2)}
    if protocol == _TCP:
        return {**ports, **_TCP_FIELDS}
    return {**ports, 4: Field("unknown", "udp length", 2)} if protocol == _UDP else ports
