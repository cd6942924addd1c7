# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads netlink attributes: numbered, padded to 4 bytes, some nested."""

from __future__ import annotations

from struct import Struct
from typing import Dict, List, Optional, Tuple

HEADER = Struct("=HH")
TYPE_MASK = 0x3FFF  # the upper two bits of a type are flags: include/uapi/linux/netlink.h
_BE32 = Struct(">I")
_BE64 = Struct(">Q")


def read_attributes(payload: bytes) -> List[Tuple[int, bytes]]:
    """Returns number and value of each attribute, in order; what is cut off is left out."""
    found: List[Tuple[int, bytes]] = []
    at, end, unpack = 0, len(payload) - 3, HEADER.unpack_from
    while at < end:
        length, kind = unpack(payload, at)
        if length < 4:
            break
        found.append((kind & TYPE_MASK, payload[at + 4 : at + length]))
        at += (length + 3) & ~3
    return found


def read_nested(attributes: Dict[int, bytes], number: int) -> Dict[int, bytes]:
    """Returns the attributes within one of the attributes, none where it is missing."""
    return dict(read_attributes(attributes.get(number, b"")))


def read_string(value: bytes) -> str:
    """Returns a name, without the zeros behind it."""
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")


def read_number(value: Optional[bytes]) -> int:
    """Returns an unsigned number of 4 or 8 bytes in network order, 0 where there is none."""
    if not value:
        return 0
    if len(value) == 4:
        return int(_BE32.unpack(value)[0])
    return int(_BE64.unpack(value)[0]) if len(value) == 8 else 0
