# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What takes packets before the rules do: an XDP program of two instructions, and a table of connections that is full.

Numbers are those of include/uapi/linux/bpf.h, if_link.h and netfilter/nfnetlink_conntrack.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import ipaddress
import os
import platform
import socket
import struct

_BPF = {"x86_64": 321, "aarch64": 280}
_PROG_LOAD, _TYPE_XDP, _DROP = 5, 6, 1
_SETLINK, _REQUEST_ACK = 19, 0x5
_IFLA_XDP, _XDP_FD, _XDP_FLAGS, _SKB_MODE, _NESTED = 43, 1, 3, 1 << 1, 1 << 15
_libc = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def dropping_early(interface):
    """Has an XDP program drop all that comes in by an interface; raises OSError where the kernel lets nobody."""
    program = _load_program()
    try:
        _attach(interface, program)
        yield
    finally:
        with contextlib.suppress(OSError):
            _attach(interface, -1)
        os.close(program)


def _load_program():
    """Loads ``r0 = XDP_DROP; exit``."""
    number = _BPF.get(platform.machine())
    if number is None:
        raise OSError(0, f"the number of bpf(2) on {platform.machine()} is not known here")
    code = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, _DROP) + struct.pack("=BBhi", 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQ", _TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence))
    given = ctypes.create_string_buffer(attributes.ljust(72, b"\0"), 72)
    program = _libc.syscall(number, _PROG_LOAD, given, 72)
    if program < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return program


def _attach(interface, program):
    inner = _attribute(_XDP_FD, struct.pack("=i", program)) + _attribute(_XDP_FLAGS, struct.pack("=I", _SKB_MODE))
    about = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(interface), 0, 0)
    body = about + _attribute(_IFLA_XDP | _NESTED, inner)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as connection:
        connection.send(struct.pack("=IHHII", 16 + len(body), _SETLINK, _REQUEST_ACK, 1, 0) + body)
        code = -struct.unpack_from("=i", connection.recv(4096), 16)[0]
    if code:
        raise OSError(code, os.strerror(code))


def _attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


_NEW, _CREATE = 1 << 8, 0x401  # the subsystem ctnetlink; NLM_F_REQUEST and NLM_F_CREATE
_ORIG, _REPLY, _STATUS, _TIMEOUT = 1, 2, 3, 7
_IP, _PROTO = 1 | _NESTED, 2 | _NESTED
_KEPT = 0x2 | 0x4 | 0x8  # seen a reply, assured, confirmed: nothing makes room for another one
_PORTS = 60000


def fill_connections(most):
    """Has the kernel track so many connections of nobody, none of which it gives up for a new one."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as connection:  # NETLINK_NETFILTER
        for begin in range(0, most, 500):
            connection.send(b"".join(map(_make_connection, range(begin, min(begin + 500, most)))))


def _make_connection(number):
    there = ipaddress.ip_address("10.200.0.0") + number // _PORTS
    ends = ((there.packed, number % _PORTS + 1), (bytes((10, 201, 0, 1)), 9))
    body = struct.pack("=BBH", socket.AF_INET, 0, 0)
    for kind, (source, target) in ((_ORIG, ends), (_REPLY, ends[::-1])):
        addresses = _attribute(1, source[0]) + _attribute(2, target[0])
        ports = (
            _attribute(1, b"\x11")
            + _attribute(2, struct.pack(">H", source[1]))
            + _attribute(3, struct.pack(">H", target[1]))
        )
        body += _attribute(kind | _NESTED, _attribute(_IP, addresses) + _attribute(_PROTO, ports))
    body += _attribute(_STATUS, struct.pack(">I", _KEPT)) + _attribute(_TIMEOUT, struct.pack(">I", 600))
    return struct.pack("=IHHII", 16 + len(body), _NEW, _CREATE, 1, 0) + body
