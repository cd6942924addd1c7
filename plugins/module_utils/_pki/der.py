# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and writes DER: tags, lengths and the primitive values of a certificate (X.690)."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from typing import Tuple

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x02, 0x03, 0x04, 0x05, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31


class DerError(ValueError):
    """The bytes are not the DER that was expected; the text says what is wrong with them."""


@dataclass(frozen=True)
class DerElement:
    """One tag-length-value: ``content`` without and ``whole`` with its header."""

    tag: int
    content: bytes
    whole: bytes


def read_element(encoded: bytes, expected: int = 0) -> DerElement:
    """Returns the one element that ``encoded`` is, nothing after it; raises DerError otherwise.

    ``expected`` is the tag it has to have, 0 for any.
    """
    element, rest = _split(encoded)
    if rest:
        raise DerError(f"{len(rest)} bytes too many at its end")
    if expected and element.tag != expected:
        raise DerError(f"tag 0x{element.tag:02x} where 0x{expected:02x} belongs")
    return element


def read_elements(content: bytes) -> Tuple[DerElement, ...]:
    """Returns the elements a SEQUENCE, SET or explicit tag holds, in their order; raises DerError."""
    elements = []
    rest = content
    while rest:
        element, rest = _split(rest)
        elements.append(element)
    return tuple(elements)


def read_oid(content: bytes) -> str:
    """Returns an OBJECT IDENTIFIER's content as dotted numbers; raises DerError."""
    if not content or content[-1] & 0x80:
        raise DerError("an object identifier that does not end")
    arcs = []
    value = 0
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in [first, arcs[0] - 40 * first, *arcs[1:]])


def read_bits(element: DerElement) -> bytes:
    """Returns the bytes of a BIT STRING (its unused bits are zero in DER); raises DerError."""
    if element.tag != BIT_STRING or not element.content:
        raise DerError("a BIT STRING is missing")
    return element.content[1:]


def read_time(element: DerElement) -> int:
    """Returns a UTCTime or GeneralizedTime as seconds since 1970, UTC (RFC 5280, 4.1.2.5); raises DerError."""
    text = element.content.decode("ascii", "replace")
    if element.tag == UTC_TIME and len(text) == 13:
        text = ("20" if text[:2] < "50" else "19") + text
    elif element.tag != GENERALIZED_TIME or len(text) != 15:
        raise DerError(f"a date that is none: {text!r}")
    if text[-1] != "Z" or not (text[:-1].isascii() and text[:-1].isdigit()):
        raise DerError(f"a date that is none: {text!r}")
    fields = [int(text[:4])] + [int(text[at : at + 2]) for at in range(4, 14, 2)]
    if not (1 <= fields[1] <= 12 and 1 <= fields[2] <= 31 and fields[3] < 24 and fields[4] < 60 and fields[5] < 61):
        raise DerError(f"a date that is none: {text!r}")
    return calendar.timegm((fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], 0, 0, 0))


def explain(problem: Exception) -> str:
    """Returns what a failed reading means: DerErrors tell it, everything else means that fields are missing."""
    return str(problem) if isinstance(problem, DerError) else "it lacks fields"


def write_element(tag: int, *parts: bytes) -> bytes:
    """Returns the DER of one element with the given tag, its content the parts one after the other."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _split(encoded: bytes) -> Tuple[DerElement, bytes]:
    if len(encoded) < 2:
        raise DerError("it ends in the middle of an element")
    tag, length, start = encoded[0], encoded[1], 2
    if tag & 0x1F == 0x1F:
        raise DerError("a tag no certificate has")
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4 or len(encoded) < 2 + count:
            raise DerError("a length that is none")
        length, start = int.from_bytes(encoded[2 : 2 + count], "big"), 2 + count
    if len(encoded) < start + length:
        raise DerError(f"it ends {start + length - len(encoded)} bytes too early")
    whole = encoded[: start + length]
    return DerElement(tag, whole[start:], whole), encoded[start + length :]
