# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dumps nf_tables over a netlink socket: no tool needed, nothing made, fast at 10,000 rules."""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from dataclasses import replace
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.nfnetlink import (
    DUMP,
    IPSET,
    NFTABLES,
    REQUEST,
    Message,
    NfnlSocket,
    connect_netfilter,
    kind_of,
    pack_message,
    pack_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import SetElemListAttr
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

_GET_TABLE, _GET_CHAIN, _GET_RULE, _GET_SET, _GET_ELEMENTS, _GET_GENERATION = 1, 4, 7, 10, 13, 16  # NFT_MSG_GET*
_IPSET_LIST = 7  # IPSET_CMD_LIST
_IPSET_PROTOCOL = struct.pack("=HHI", 5, 1, 6)  # the version that all kernels speak (IPSET_PROTOCOL_MIN)
_TRIES = 5
# What a kernel without nf_tables answers, or one without netlink.
_ABSENT = frozenset((errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT))
# Somebody changed the rules while they were listed: a table went away, or what is listed is torn.
_CHANGED = frozenset((errno.ENOENT, errno.EINTR))


def read_nftables() -> NftView:
    """Returns what nf_tables holds in this network namespace; empty where the kernel has none.

    Raises HostError without CAP_NET_ADMIN, and where the rules change faster than they can be listed. Like any tool
    that asks, this may make the kernel load the module nf_tables; it makes no table.
    """
    return _connected(_read)


def read_nft_tables() -> NftView:
    """Returns the tables as ``read_nftables`` does, as if nothing was in them: that is known at once."""
    return _connected(lambda connection: NftView(_read_tables(connection)))


def _connected(read: Callable[[NfnlSocket], NftView]) -> NftView:
    for _try in range(_TRIES):
        try:
            with connect_netfilter() as connection:
                return read(connection)
        except OSError as error:
            if error.errno in _CHANGED:
                continue
            if error.errno in _ABSENT:
                return NftView()
            raise HostError(_explain(error)) from error
    raise HostError(f"the nftables rules changed during each of {_TRIES} attempts to read them: try again later")


def _explain(error: OSError) -> str:
    said = os.strerror(error.errno) if error.errno else str(error)
    if error.errno in (errno.EPERM, errno.EACCES):
        return f"cannot read the nftables rules: {said}; root with CAP_NET_ADMIN in this network namespace can"
    return f"cannot read the nftables rules over netlink: {said}"


def _read(connection: NfnlSocket) -> NftView:
    before = _generation(connection)
    tables = _read_tables(connection)
    if not tables:
        return NftView()
    chains = tuple(parse_chain(*message) for message in _dump(connection, _GET_CHAIN))
    reader = RuleReader()
    rules = tuple([reader.parse(*message) for message in _dump(connection, _GET_RULE)])
    sets = tuple(_read_set(connection, *message) for message in _dump(connection, _GET_SET))
    if before != _generation(connection):
        raise OSError(errno.EINTR, os.strerror(errno.EINTR))
    return NftView(tables, chains, rules, sets)


def _read_tables(connection: NfnlSocket) -> Tuple[KernelTable, ...]:
    return tuple(parse_table(*message) for message in _dump(connection, _GET_TABLE))


def _read_set(connection: NfnlSocket, family: int, payload: bytes) -> KernelSet:
    have = parse_set(family, payload)
    names = ((SetElemListAttr.TABLE, have.table), (SetElemListAttr.SET, have.name))
    messages = _dump(connection, _GET_ELEMENTS, family, names)
    return replace(have, elements=parse_elements(messages))


def read_ipsets(names: FrozenSet[str]) -> Dict[str, IpSet]:
    """Returns those of the named sets of ipset that can be read, and the sets within them."""
    found: Dict[str, IpSet] = {}
    waiting = sorted(names)
    with contextlib.suppress(OSError), connect_netfilter() as connection:
        for sequence, name in enumerate(waiting, 1):
            have = _read_ipset(connection, name, sequence)
            if have is not None:
                found[name] = have
                waiting += [member for member in have.members if member not in waiting]
    return found


def _read_ipset(connection: NfnlSocket, name: str, sequence: int) -> Optional[IpSet]:
    body = _IPSET_PROTOCOL + pack_string(SET_NAME, name)
    connection.send(pack_message(kind_of(IPSET, _IPSET_LIST), REQUEST | DUMP, sequence, body))
    try:
        messages = [payload for _family, payload in connection.answers(sequence)]
    except OSError:  # there is none of that name any more, or it is not for us to see
        return None
    return parse_ipset(messages) if messages else None


def _generation(connection: NfnlSocket) -> bytes:
    """What the kernel counts up with each change of the rules (NFT_MSG_GETGEN)."""
    connection.send(pack_message(kind_of(NFTABLES, _GET_GENERATION), REQUEST, _GET_GENERATION))
    for _family, payload in connection.answers(_GET_GENERATION, single=True):
        return payload[:8]  # the number comes first; who made the last change comes behind it
    return b""


def _dump(connection: NfnlSocket, kind: int, family: int = 0, names: Sequence[Tuple[int, str]] = ()) -> List[Message]:
    """Lists all objects of a kind; of elements, those of one set."""
    body = b"".join(pack_string(number, text) for number, text in names)
    connection.send(pack_message(kind_of(NFTABLES, kind), REQUEST | DUMP, kind, body, family))
    return list(connection.answers(kind))
