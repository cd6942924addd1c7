# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes the elements of nf_tables' sets and maps: intervals of keys, and the data of each."""

from __future__ import annotations

import re
import struct
from functools import lru_cache
from typing import List, NamedTuple, Optional, Pattern, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    DataAttr,
    ListAttr,
    SetElemAttr,
    SetElemFlag,
    SetFlag,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelSet

_NESTED = 0x8000  # NLA_F_NESTED of include/uapi/linux/netlink.h


class SetElement(NamedTuple):
    """One element: keys from ``low`` to ``high`` as bytes, both included.

    ``data`` are the attributes of what a map has for them, None in a set. The catch-all element of a map has no keys:
    ``low`` is None. ``left`` are the milliseconds until it runs out, None for never.
    """

    low: Optional[bytes]
    high: bytes
    data: Optional[bytes] = None
    left: Optional[int] = None


_Listed = Tuple[bytes, bool, SetElement]
"""A key, whether the interval before it ends there, the element."""


def read_elements(kernel_set: KernelSet) -> Tuple[SetElement, ...]:
    """Returns the elements by rising key, the catch-all one last."""
    listed: List[_Listed] = []
    for payload in kernel_set.elements:
        plain = _read_plain(payload, kernel_set.key_length)
        listed += _read_each(payload) if plain is None else plain
    catch_all = [one[2] for one in listed if one[2].low is None]
    found = [one for one in listed if one[2].low is not None] if catch_all else listed
    found.sort(key=_by_key)
    if kernel_set.flags & SetFlag.INTERVAL and not kernel_set.flags & SetFlag.CONCAT:
        return (*_joined(found, kernel_set.key_length), *catch_all)
    return (*[one[2] for one in found], *catch_all)


def _by_key(listed: _Listed) -> Tuple[bytes, bool]:
    """An interval ends before the next begins at the same key."""
    return listed[0], not listed[1]


def _joined(found: Sequence[_Listed], key_length: int) -> List[SetElement]:
    """Intervals are listed as the key that they begin with and the first key behind them, with a flag."""
    joined: List[SetElement] = []
    highest = b"\xff" * key_length
    for at, (_key, is_end, element) in enumerate(found):
        if is_end:
            continue
        high = highest
        if at + 1 < len(found):
            high = (int.from_bytes(found[at + 1][0], "big") - 1).to_bytes(key_length, "big")
        joined.append(element._replace(high=high))
    return joined


def _read_plain(payload: bytes, key_length: int) -> Optional[List[_Listed]]:
    """Elements that are a key alone, or the end of an interval, all at once; None if there are others."""
    found = _pattern(key_length).findall(payload)
    length = key_length + -key_length % 4
    ends = sum([1 for _begin, end, _flag in found if end])
    if len(found) * (12 + length) + ends * 8 != len(payload) or not key_length:
        return None
    return [(begin or end, bool(end), SetElement(begin or end, begin or end)) for begin, end, _flag in found]


@lru_cache(maxsize=32)
def _pattern(key_length: int) -> Pattern[bytes]:
    padding = -key_length % 4
    size = 12 + key_length + padding
    value = b"%s(.{%d}).{%d}" % (_head(4 + key_length, DataAttr.VALUE), key_length, padding)
    key = _head(size - 4, SetElemAttr.KEY) + value
    end = _head(8, SetElemAttr.FLAGS) + re.escape(struct.pack(">I", SetElemFlag.INTERVAL_END))
    return re.compile(
        b"%s%s|%s%s(%s)" % (_head(size, ListAttr.ELEM), key, _head(size + 8, ListAttr.ELEM), key, end), re.DOTALL
    )


def _head(length: int, number: int) -> bytes:
    """An attribute's length and number, with or without the flag that others are within."""
    heads = (struct.pack("=HH", length, kind) for kind in (number, number | _NESTED))
    return b"(?:%s)" % b"|".join(re.escape(head) for head in heads)


def _read_each(payload: bytes) -> List[_Listed]:
    found: List[_Listed] = []
    for _number, inner in read_attributes(payload):
        attributes = dict(read_attributes(inner))
        flags = read_number(attributes.get(SetElemAttr.FLAGS))
        low = read_nested(attributes, SetElemAttr.KEY).get(DataAttr.VALUE, b"")
        high = read_nested(attributes, SetElemAttr.KEY_END).get(DataAttr.VALUE, low)
        left = read_number(attributes[SetElemAttr.EXPIRATION]) if SetElemAttr.EXPIRATION in attributes else None
        element = SetElement(
            None if flags & SetElemFlag.CATCHALL else low, high, attributes.get(SetElemAttr.DATA), left
        )
        found.append((low, bool(flags & SetElemFlag.INTERVAL_END), element))
    return found
