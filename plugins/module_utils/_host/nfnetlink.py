# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Speaks netlink with netfilter (nfnetlink): the frame of requests and answers, alike for nf_tables and ipset.

Numbers are those of include/uapi/linux/netlink.h and netfilter/nfnetlink.h.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from typing import Iterator, Tuple

NFTABLES, IPSET = 10, 6  # NFNL_SUBSYS_*
BATCH_BEGIN, BATCH_END = 0x10, 0x11
REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
NOT_RECURSIVE = 0x100  # NLM_F_NONREC, of requests that delete
_NETLINK_NETFILTER = 12
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: what is listed changed while it was listed
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
_NFGENMSG = struct.Struct("=BB")  # struct nfgenmsg, but for what comes in network order
_RESOURCE = struct.Struct(">H")
_ATTRIBUTE = struct.Struct("=HH")
_ABOUT = _NFGENMSG.size + _RESOURCE.size
_BUFFER = 1 << 18
_TIMEOUT = 10.0

Message = Tuple[int, bytes]
"""The address family and the attributes of a message."""


def pack_message(kind: int, flags: int, sequence: int, body: bytes = b"", family: int = 0, resource: int = 0) -> bytes:
    """Returns a request; ``kind`` is that of its subsystem, ``resource`` the subsystem that a batch is for."""
    about = _NFGENMSG.pack(family, 0) + _RESOURCE.pack(resource)
    return _HEADER.pack(_HEADER.size + _ABOUT + len(body), kind, flags, sequence, 0) + about + body


def kind_of(subsystem: int, command: int) -> int:
    """Returns the kind of the messages with which a subsystem is given a command."""
    return subsystem << 8 | command


def pack_string(number: int, text: str) -> bytes:
    """Returns an attribute that is a name, ended by a zero."""
    value = text.encode("utf-8", "surrogateescape") + b"\0"
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), number) + value + b"\0" * (-len(value) % 4)


class NfnlSocket:
    """A connection to netfilter in this network namespace."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, request: bytes) -> None:
        """Sends a message, or a batch of them."""
        self._connection.send(request)

    def answers(self, sequence: int, single: bool = False) -> Iterator[Message]:
        """Yields the answers to a request: many until the kernel says that it is done, or a ``single`` one.

        Raises OSError with what the kernel refuses it for; EINTR tells, as with libmnl, that a listing is torn.
        """
        while True:
            packet = self._connection.recv(_BUFFER)
            at = 0
            while at + _HEADER.size <= len(packet):
                length, kind, flags, answered, _port = _HEADER.unpack_from(packet, at)
                payload = packet[at + _HEADER.size : at + length]
                at += (length + 3) & ~3
                if answered != sequence or length < _HEADER.size:
                    continue
                if flags & _INTERRUPTED:
                    raise _error(errno.EINTR)
                if kind in (_ERROR, _DONE):
                    _check(payload)
                    return
                yield payload[0], payload[_ABOUT:]
                if single:
                    return


@contextlib.contextmanager
def connect_netfilter() -> Iterator[NfnlSocket]:
    """Opens a connection; raises OSError where the kernel has no netlink, and later where it does not answer."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as connection:
        connection.settimeout(_TIMEOUT)
        yield NfnlSocket(connection)


def _check(payload: bytes) -> None:
    """Both the end of a dump and an error carry a negative errno; 0 is success."""
    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code:
        raise _error(code)


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))
