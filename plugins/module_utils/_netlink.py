# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the kernel for its nf_tables chains over netlink: no tool needed, nothing made, fast at 10,000 rules."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Iterator, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._nft_kernel import (
    IPTABLES_TABLES,
    NftView,
    RuleReader,
    parse_chain,
    parse_table,
)

_NETLINK_NETFILTER = 12  # include/uapi/linux/netlink.h; this and below
_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_GET_TABLE, _GET_CHAIN, _GET_RULE = 1, 4, 7
_REQUEST_DUMP = 0x0301
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: the rules changed while they were listed
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_NFGENMSG = struct.Struct("=BBH")
_RULE_TABLE = 1
_FAMILIES = {"ip": 2, "ip6": 10}
_BUFFER = 1 << 18
_TRIES = 5
_TIMEOUT = 10.0
# What a kernel without nf_tables answers, or one without netlink.
_ABSENT = frozenset((errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT))

Message = Tuple[int, bytes]
"""The address family and the attributes of a message."""


class _Changed(Exception):
    """The listing is torn: somebody changed the rules meanwhile."""


def read_nftables() -> NftView:
    """Returns what nf_tables holds in this network namespace; empty where the kernel has none.

    Raises HostError without CAP_NET_ADMIN, and where the rules change faster than they can be listed. Like any tool
    that asks, this may make the kernel load the module nf_tables; it makes no table.
    """
    for _try in range(_TRIES):
        try:
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as connection:
                connection.settimeout(_TIMEOUT)
                return _read(connection)
        except _Changed:
            continue
        except OSError as error:
            if error.errno in _ABSENT:
                return NftView()
            raise HostError(_explain(error)) from error
    raise HostError(f"the nftables rules changed during each of {_TRIES} attempts to read them: try again later")


def _explain(error: OSError) -> str:
    said = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"cannot read the nftables rules: {said}; root with CAP_NET_ADMIN in this network namespace can"
    return f"cannot read the nftables rules over netlink: {said}"


def _read(connection: socket.socket) -> NftView:
    tables = tuple(parse_table(*message) for message in _dump(connection, _GET_TABLE))
    chains = tuple(parse_chain(*message) for message in _dump(connection, _GET_CHAIN))
    reader = RuleReader()
    rules = tuple(
        reader.parse(*message)
        for table in tables
        if table.family in _FAMILIES and table.name in IPTABLES_TABLES
        for message in _dump(connection, _GET_RULE, _FAMILIES[table.family], table.name)
    )
    return NftView(tables, chains, rules)


def _dump(connection: socket.socket, kind: int, family: int = 0, table: str = "") -> List[Message]:
    """Lists all objects of a kind; of rules, those of one table."""
    body = _NFGENMSG.pack(family, 0, 0)
    if table:
        name = table.encode("ascii") + b"\0"
        body += struct.pack("=HH", 4 + len(name), _RULE_TABLE) + name + b"\0" * (-len(name) % 4)
    connection.send(_HEADER.pack(_HEADER.size + len(body), _SUBSYSTEM | kind, _REQUEST_DUMP, kind, 0) + body)
    return list(_messages(connection, kind))


def _messages(connection: socket.socket, sequence: int) -> Iterator[Message]:
    while True:
        packet = connection.recv(_BUFFER)
        at = 0
        while at + _HEADER.size <= len(packet):
            length, kind, flags, answered, _port = _HEADER.unpack_from(packet, at)
            payload = packet[at + _HEADER.size : at + length]
            at += (length + 3) & ~3
            if answered != sequence or length < _HEADER.size:
                continue
            if flags & _INTERRUPTED:
                raise _Changed
            if kind in (_ERROR, _DONE):
                _check(payload)
                return
            yield payload[0], payload[_NFGENMSG.size :]


def _check(payload: bytes) -> None:
    """Both the end of a dump and an error carry a negative errno; 0 is success."""
    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code == errno.ENOENT:
        raise _Changed  # the table went away
    if code:
        raise OSError(code, os.strerror(code))
