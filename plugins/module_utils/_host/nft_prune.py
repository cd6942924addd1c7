# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deletes a chain or table of nf_tables only if it is empty, which the command nft cannot be told to do.

The kernel itself refuses (NLM_F_NONREC, nf_tables_api.c) where a rule, a set or another chain came meanwhile: ``nft
delete`` would take it along.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

_NETLINK_NETFILTER = 12  # include/uapi/linux/netlink.h, nfnetlink.h and nf_tables.h; this and below
_SUBSYSTEM = 10
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_DELETE_TABLE, _DELETE_CHAIN = 2, 5
_TABLE_NAME, _CHAIN_TABLE, _CHAIN_NAME = 1, 1, 3
_REQUEST, _ACKNOWLEDGE, _NOT_RECURSIVE = 0x1, 0x4, 0x100
_ERROR = 2
_FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}
_HEADER = struct.Struct("=IHHII")
_TIMEOUT = 10.0
_IN_USE = (errno.EBUSY, errno.ENOENT, errno.EEXIST)

Attributes = Sequence[Tuple[int, str]]


def delete_if_empty(family: str, table: str, chain: str) -> None:
    """Deletes ``chain`` if it has no rule, and then ``table`` if nothing else is in it; raises HostError.

    ``family`` is ip, ip6 or inet. What is in use, or gone already, stays as it is.
    """
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as connection:
            connection.settimeout(_TIMEOUT)
            names = ((_CHAIN_TABLE, table), (_CHAIN_NAME, chain))
            if _delete(connection, _DELETE_CHAIN, _FAMILIES[family], names):
                _delete(connection, _DELETE_TABLE, _FAMILIES[family], ((_TABLE_NAME, table),))
    except OSError as problem:
        raise HostError(
            f"the empty chain {chain} of table {family} {table} could not be deleted: {problem.strerror}"
        ) from None


def _delete(connection: socket.socket, kind: int, family: int, names: Attributes) -> bool:
    connection.send(pack_deletion(kind, family, names))
    code = _answer(connection)
    if code and code not in _IN_USE:
        raise OSError(code, os.strerror(code))
    return not code


def pack_deletion(kind: int, family: int, names: Attributes) -> bytes:
    """Returns the batch that deletes one object unless it is in use; ``names`` are attribute numbers and texts."""
    flags = _REQUEST | _ACKNOWLEDGE | _NOT_RECURSIVE
    body = struct.pack("=BBH", family, 0, 0) + b"".join(_attribute(number, text) for number, text in names)
    marks = struct.pack("=BB", 0, 0) + struct.pack(">H", _SUBSYSTEM)
    return (
        _message(_BATCH_BEGIN, _REQUEST, marks)
        + _message(_SUBSYSTEM << 8 | kind, flags, body)
        + _message(_BATCH_END, _REQUEST, marks)
    )


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 1, 0) + body


def _attribute(number: int, text: str) -> bytes:
    value = text.encode("ascii") + b"\0"
    return struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)


def _answer(connection: socket.socket) -> int:
    """The errno of the acknowledgement, 0 for success."""
    packet = connection.recv(1 << 16)
    _length, kind, _flags, _sequence, _port = _HEADER.unpack_from(packet)
    if kind != _ERROR:
        raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
    return int(-struct.unpack_from("=i", packet, _HEADER.size)[0])
