# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the kernel for routes, and for programs that take packets before netfilter: rtnetlink(7).

Numbers are those of include/uapi/linux/rtnetlink.h, if_link.h and pkt_sched.h.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from typing import Dict, Iterator, List, Tuple

_REQUEST, _DUMP = 0x1, 0x300
_ERROR, _DONE = 2, 3
_GETLINK, _GETADDR, _GETROUTE, _GETQDISC, _GETTFILTER = 18, 22, 26, 38, 46
_HEADER, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
_OWN = struct.Struct("=BBBBI")
_LINK, _ROUTE, _TRAFFIC = struct.Struct("=BxHiII"), struct.Struct("=BBBBBBBBI"), struct.Struct("=BxxxiIII")
_RTA_DST, _RTA_SRC, _RTA_OIF = 1, 2, 4
_IFA_ADDRESS, _IFA_LOCAL = 1, 2
_IFLA_XDP, _XDP_ATTACHED, _TCA_KIND = 43, 2, 1
_HOOKS = {"ingress": (0xFFFF0000,), "clsact": (0xFFFFFFF2, 0xFFFFFFF3)}  # where filters hang, in and out
_KINDS = 0x3FFF
_BUFFER = 1 << 17
_TIMEOUT = 10.0


def find_route(address: str, source: str = "") -> Tuple[str, str]:
    """Returns the interface by which the host would send to an address, or an empty one and why it cannot.

    ``source`` is the address of the host that it would send from, by which rules of routing may choose.
    """
    there = ipaddress.ip_address(address)
    family = socket.AF_INET if there.version == 4 else socket.AF_INET6
    bits = there.max_prefixlen
    body = _attribute(_RTA_DST, there.packed)
    if source:
        body += _attribute(_RTA_SRC, ipaddress.ip_address(source).packed)
    about = _ROUTE.pack(family, bits, bits if source else 0, 0, 0, 0, 0, 0, 0)
    try:
        for answer in _ask(_GETROUTE, 0, about + body):
            found = dict(_attributes(answer[_ROUTE.size :]))
            if _RTA_OIF in found:
                return socket.if_indextoname(struct.unpack("=i", found[_RTA_OIF])[0]), ""
    except OSError as problem:
        return "", problem.strerror or str(problem)
    return "", "the kernel names no route"


def find_holder(address: str) -> str:
    """Returns the interface that has an address, empty for none; raises OSError where the kernel does not say."""
    wanted = ipaddress.ip_address(address)
    family = socket.AF_INET if wanted.version == 4 else socket.AF_INET6
    for answer in _ask(_GETADDR, _DUMP, _OWN.pack(family, 0, 0, 0, 0)):
        found = dict(_attributes(answer[_OWN.size :]))
        # Of a link between two alone, the other end's is the address, and one's own is the local one.
        if found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS)) == wanted.packed:
            return socket.if_indextoname(_OWN.unpack_from(answer)[4])
    return ""


def find_xdp() -> Tuple[str, ...]:
    """Returns the interfaces with an XDP program; raises OSError where the kernel does not say."""
    found: List[str] = []
    for answer in _ask(_GETLINK, _DUMP, _LINK.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        attributes = dict(_attributes(answer[_LINK.size :]))
        attached = dict(_attributes(attributes.get(_IFLA_XDP, b""))).get(_XDP_ATTACHED, b"\0")
        if attached[0]:
            found.append(socket.if_indextoname(_LINK.unpack_from(answer)[2]))
    return tuple(found)


def find_traffic_programs() -> Tuple[str, ...]:
    """Returns the interfaces with filters of tc that see what comes in or goes out; raises OSError."""
    hooks: Dict[int, Tuple[int, ...]] = {}
    for answer in _ask(_GETQDISC, _DUMP, _TRAFFIC.pack(socket.AF_UNSPEC, 0, 0, 0, 0)):
        kind = dict(_attributes(answer[_TRAFFIC.size :])).get(_TCA_KIND, b"").rstrip(b"\0").decode("ascii", "replace")
        if kind in _HOOKS:
            hooks[_TRAFFIC.unpack_from(answer)[1]] = _HOOKS[kind]
    return tuple(
        socket.if_indextoname(index)
        for index, parents in hooks.items()
        if any(
            True
            for parent in parents
            for _filter in _ask(_GETTFILTER, _DUMP, _TRAFFIC.pack(socket.AF_UNSPEC, index, 0, parent, 0))
        )
    )


def _ask(kind: int, flags: int, body: bytes) -> Iterator[bytes]:
    """Yields the answers, each without its header; raises OSError with what the kernel refuses it for."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as connection:
        connection.settimeout(_TIMEOUT)
        connection.send(_HEADER.pack(_HEADER.size + len(body), kind, _REQUEST | flags, 1, 0) + body)
        while True:
            packet, at = connection.recv(_BUFFER), 0
            while at + _HEADER.size <= len(packet):
                length, answered, _flags, _sequence, _port = _HEADER.unpack_from(packet, at)
                payload = packet[at + _HEADER.size : at + length]
                at += max((length + 3) & ~3, _HEADER.size)
                if answered in (_ERROR, _DONE):
                    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
                    if code > 0:
                        raise OSError(code, os.strerror(code))
                    return
                yield payload
            if not flags & _DUMP:
                return


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(data: bytes) -> Iterator[Tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & _KINDS, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
