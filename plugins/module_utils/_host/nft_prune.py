# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deletes a chain or table of nf_tables only if it is empty, which the command nft cannot be told to do.

The kernel itself refuses (NLM_F_NONREC, nf_tables_api.c) where a rule, a set or another chain came meanwhile: ``nft
delete`` would take it along.
"""

from __future__ import annotations

import errno
import os
from typing import Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.nfnetlink import (
    ACKNOWLEDGE,
    BATCH_BEGIN,
    BATCH_END,
    NFTABLES,
    NOT_RECURSIVE,
    REQUEST,
    NfnlSocket,
    connect_netfilter,
    kind_of,
    pack_message,
    pack_string,
)

# NFT_MSG_DELTABLE and so on, of include/uapi/linux/netfilter/nf_tables.h
_DELETE_TABLE, _DELETE_CHAIN = 2, 5
_TABLE_NAME, _CHAIN_TABLE, _CHAIN_NAME = 1, 1, 3
_FAMILIES = {"inet": 1, "ip": 2, "ip6": 10}
_IN_USE = (errno.EBUSY, errno.ENOENT, errno.EEXIST)
_SEQUENCE = 1

Attributes = Sequence[Tuple[int, str]]


def delete_if_empty(family: str, table: str, chain: str) -> None:
    """Deletes ``chain`` if it has no rule, and then ``table`` if nothing else is in it; raises HostError.

    ``family`` is ip, ip6 or inet. What is in use, or gone already, stays as it is.
    """
    try:
        with connect_netfilter() as netfilter:
            names = ((_CHAIN_TABLE, table), (_CHAIN_NAME, chain))
            if _delete(netfilter, _DELETE_CHAIN, _FAMILIES[family], names):
                _delete(netfilter, _DELETE_TABLE, _FAMILIES[family], ((_TABLE_NAME, table),))
    except OSError as problem:
        raise HostError(
            f"the empty chain {chain} of table {family} {table} could not be deleted: {describe_os_error(problem)}"
        ) from None


def _delete(netfilter: NfnlSocket, kind: int, family: int, names: Attributes) -> bool:
    netfilter.send(pack_deletion(kind, family, names))
    try:
        for _answer in netfilter.answers(_SEQUENCE):  # an acknowledgement holds nothing
            raise OSError(errno.EPROTO, os.strerror(errno.EPROTO))
    except OSError as problem:
        if problem.errno in _IN_USE:
            return False
        raise
    return True


def pack_deletion(kind: int, family: int, names: Attributes) -> bytes:
    """Returns the batch that deletes one object unless it is in use; ``names`` are attribute numbers and texts."""
    flags = REQUEST | ACKNOWLEDGE | NOT_RECURSIVE
    body = b"".join(pack_string(number, text) for number, text in names)
    return (
        pack_message(BATCH_BEGIN, REQUEST, _SEQUENCE, resource=NFTABLES)
        + pack_message(kind_of(NFTABLES, kind), flags, _SEQUENCE, body, family)
        + pack_message(BATCH_END, REQUEST, _SEQUENCE, resource=NFTABLES)
    )
