# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The form of a recorder's file: a head, then one record a packet, of which no more than the headers is there."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Tuple

ROOM = 1 << 19
"""Bytes that a file takes from the start on, so that a disk that fills up later takes no packet away."""
LONGEST = 160
LOST_AT = 4
"""Where a file says, in four bytes that are not 0, that a packet may be missing."""
_HEAD = struct.Struct("!II")
_RECORD = struct.Struct("!HdBB")


@dataclass(frozen=True)
class Heard:
    """The headers of one packet: seconds since boot, whether it left the host, by which interface."""

    at: float
    outgoing: bool
    interface: str
    headers: bytes


def pack_head(about: Dict[str, Any]) -> bytes:
    """Returns what a file begins with: what was known when the recorder began."""
    text = json.dumps(about).encode("utf-8")
    return _HEAD.pack(len(text), 0) + text


def pack_heard(heard: Heard) -> bytes:
    """Returns one packet."""
    name, headers = heard.interface.encode("utf-8", "replace")[:255], heard.headers[:LONGEST]
    return _RECORD.pack(len(headers), heard.at, heard.outgoing, len(name)) + name + headers


def unpack(content: bytes) -> Tuple[Dict[str, Any], Tuple[Heard, ...], bool]:
    """Returns what a file holds, and whether a packet may be missing; of one that was cut off, what is there."""
    length, lost = _HEAD.unpack_from(content) if len(content) >= _HEAD.size else (0, 0)
    end = _HEAD.size + length
    try:
        about = json.loads(content[_HEAD.size : end].decode("utf-8"))
    except ValueError:
        return {}, (), True
    return about, tuple(_records(content, end)), bool(lost)


def _records(content: bytes, at: int) -> Iterator[Heard]:
    while at + _RECORD.size <= len(content):
        length, moment, outgoing, named = _RECORD.unpack_from(content, at)
        at += _RECORD.size
        if not length or at + named + length > len(content):
            return
        name = content[at : at + named].decode("utf-8", "replace")
        yield Heard(moment, bool(outgoing), name, content[at + named : at + named + length])
        at += named + length
