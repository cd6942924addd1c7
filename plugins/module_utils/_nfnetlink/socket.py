# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dumps nf_tables over a netlink socket: no tool needed, nothing made, fast at 10,000 rules."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
from dataclasses import replace
from typing import Callable, Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.ipset import SET_NAME, IpSet, parse_ipset
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import (
    KernelSet,
    KernelTable,
    RuleReader,
    parse_chain,
    parse_elements,
    parse_set,
    parse_table,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView

_NETLINK_NETFILTER = 12  # include/uapi/linux/netlink.h; this and below
_SUBSYSTEM = 10 << 8  # NFNL_SUBSYS_NFTABLES
_IPSET_LIST = 6 << 8 | 7  # NFNL_SUBSYS_IPSET, IPSET_CMD_LIST
_IPSET_PROTOCOL = struct.pack("=HHI", 5, 1, 6)  # the version that all kernels speak (IPSET_PROTOCOL_MIN)
_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_SET, _GET_ELEMENTS, _GET_GENERATION = 1, 4, 7, 10, 13, 16
_REQUEST, _REQUEST_DUMP = 0x0001, 0x0301
_INTERRUPTED = 0x10  # NLM_F_DUMP_INTR: the rules changed while they were listed
_ERROR, _DONE = 2, 3
_HEADER = struct.Struct("=IHHII")
_NFGENMSG = struct.Struct("=BBH")
_ELEMENTS_TABLE, _ELEMENTS_SET = 1, 2
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
    return _connected(_read)


def read_nft_tables() -> NftView:
    """Returns the tables as ``read_nftables`` does, as if nothing was in them: that is known at once."""
    return _connected(lambda connection: NftView(_read_tables(connection)))


def _connected(read: Callable[[socket.socket], NftView]) -> NftView:
    for _try in range(_TRIES):
        try:
            with _open_socket() as connection:
                return read(connection)
        except _Changed:
            continue
        except OSError as error:
            if error.errno in _ABSENT:
                return NftView()
            raise HostError(_explain(error)) from error
    raise HostError(f"the nftables rules changed during each of {_TRIES} attempts to read them: try again later")


def _open_socket() -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER)
    opened.settimeout(_TIMEOUT)
    return opened


def _explain(error: OSError) -> str:
    said = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"cannot read the nftables rules: {said}; root with CAP_NET_ADMIN in this network namespace can"
    return f"cannot read the nftables rules over netlink: {said}"


def _read(connection: socket.socket) -> NftView:
    before = _generation(connection)
    tables = _read_tables(connection)
    if not tables:
        return NftView()
    chains = tuple(parse_chain(*message) for message in _dump(connection, _GET_CHAIN))
    reader = RuleReader()
    rules = tuple([reader.parse(*message) for message in _dump(connection, _GET_RULE)])
    sets = tuple(_read_set(connection, *message) for message in _dump(connection, _GET_SET))
    if before != _generation(connection):
        raise _Changed
    return NftView(tables, chains, rules, sets)


def _read_tables(connection: socket.socket) -> Tuple[KernelTable, ...]:
    return tuple(parse_table(*message) for message in _dump(connection, _GET_TABLE))


def _read_set(connection: socket.socket, family: int, payload: bytes) -> KernelSet:
    have = parse_set(family, payload)
    messages = _dump(connection, _GET_ELEMENTS, family, ((_ELEMENTS_TABLE, have.table), (_ELEMENTS_SET, have.name)))
    return replace(have, elements=parse_elements(messages))


def read_ipsets(names: FrozenSet[str]) -> Dict[str, IpSet]:
    """Returns those of the named sets of ipset that can be read, and the sets within them."""
    found: Dict[str, IpSet] = {}
    waiting = sorted(names)
    with contextlib.suppress(OSError), _open_socket() as connection:
        for sequence, name in enumerate(waiting, 1):
            have = _read_ipset(connection, name, sequence)
            if have is not None:
                found[name] = have
                waiting += [member for member in have.members if member not in waiting]
    return found


def _read_ipset(connection: socket.socket, name: str, sequence: int) -> Optional[IpSet]:
    body = _NFGENMSG.pack(0, 0, 0) + _IPSET_PROTOCOL + _string(SET_NAME, name)
    connection.send(_HEADER.pack(_HEADER.size + len(body), _IPSET_LIST, _REQUEST_DUMP, sequence, 0) + body)
    try:
        messages = [payload for _family, payload in _messages(connection, sequence)]
    except (_Changed, OSError):  # there is none of that name any more, or it is not for us to see
        return None
    return parse_ipset(messages) if messages else None


def _generation(connection: socket.socket) -> bytes:
    """What the kernel counts up with each change of the rules (NFT_MSG_GETGEN)."""
    _ask(connection, _GET_GENERATION, _REQUEST)
    for _family, payload in _messages(connection, _GET_GENERATION, single=True):
        return payload[:8]  # the number comes first; who made the last change comes behind it
    return b""


def _dump(
    connection: socket.socket, kind: int, family: int = 0, names: Sequence[Tuple[int, str]] = ()
) -> List[Message]:
    """Lists all objects of a kind; of elements, those of one set."""
    _ask(connection, kind, _REQUEST_DUMP, family, names)
    return list(_messages(connection, kind))


def _ask(
    connection: socket.socket, kind: int, flags: int, family: int = 0, names: Sequence[Tuple[int, str]] = ()
) -> None:
    body = _NFGENMSG.pack(family, 0, 0)
    for number, text in names:
        body += _string(number, text)
    connection.send(_HEADER.pack(_HEADER.size + len(body), _SUBSYSTEM | kind, flags, kind, 0) + body)


def _string(number: int, text: str) -> bytes:
    name = text.encode("utf-8", "surrogateescape") + b"\0"
    return struct.pack("=HH", 4 + len(name), number) + name + b"\0" * (-len(name) % 4)


def _messages(connection: socket.socket, sequence: int, single: bool = False) -> Iterator[Message]:
    """The answers to a question: many until the kernel says that it is done, or a ``single`` one."""
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
            if single:
                return


def _check(payload: bytes) -> None:
    """Both the end of a dump and an error carry a negative errno; 0 is success."""
    code = -struct.unpack_from("=i", payload)[0] if len(payload) >= 4 else 0
    if code == errno.ENOENT:
        raise _Changed  # the table went away
    if code:
        raise OSError(code, os.strerror(code))
