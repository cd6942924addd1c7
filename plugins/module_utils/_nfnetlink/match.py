# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Turns comparisons of a field into matches of the common ruleset."""

from __future__ import annotations

import sys
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import ALL_BITS, Match, Span
from ansible_collections.port443.https.plugins.module_utils._nfnetlink import spelling as words
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import NfProto
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import (
    HOST_NUMBER,
    IPV4,
    IPV6,
    NAME,
    Field,
    Part,
    Value,
)

_DONT_FRAGMENT = 0x4000  # RFC 791: the one bit that a whole packet may have where fragments have their offset
_NAMES = {"host": "UNICAST", "other": "OTHERHOST"}  # as iptables' -m pkttype has them
_MOST_NAMES = 64
_ETHERTYPES = {NfProto.IPV4: IPV4, NfProto.IPV6: IPV6}

Spans = Sequence[Span]
"""What is compared with: the bytes, read as numbers in network order."""


def match_part(part: Part, value: Value, spans: Spans, negated: bool = False) -> Optional[Match]:
    """Returns the condition that a field is in spans, or None if that cannot be said."""
    field, taken = part
    if field.match == "unknown":
        return None
    if field.style == HOST_NUMBER:
        return _match_host_number(field, value, spans, negated)
    if field.style == NAME:
        return _match_names(field, spans, negated)
    if field.match in _SPECIAL:
        return _SPECIAL[field.match](field, value, spans, negated)
    known = unmasked(value, taken, spans)
    if known is None:
        return None
    bits = 8 * (field.width - taken)
    if bits:
        known = [widened(span, bits) for span in known]
    return Match(field.match, _as_spans(known), negated=negated)


def widened(span: Span, bits: int) -> Span:
    """Returns the span of all numbers that begin as those of a span, with so many bits behind."""
    return span[0] << bits, (span[1] << bits) | ((1 << bits) - 1)


def unmasked(value: Value, length: int, spans: Spans) -> Optional[Spans]:
    """Returns the numbers that are in the spans once masked; None unless the mask is that of a prefix."""
    if value.mask is None:
        return spans
    free = ~int.from_bytes(value.mask, "big") & ((1 << 8 * length) - 1)
    if free & (free + 1) or any(value.flip) or any(low != high for low, high in spans):
        return None
    return [(low, low | free) for low, _high in spans if not low & free]


def host_number(value: Value, number: int) -> int:
    """Returns the number that bytes stand for which were read in network order."""
    if value.swapped:
        return number
    return int.from_bytes(number.to_bytes(value.length, "big"), sys.byteorder)


def _as_spans(spans: Spans) -> Tuple[Span, ...]:
    return (spans[0],) if len(spans) == 1 else merge_spans(spans)


def _is_single(spans: Spans) -> bool:
    return len(spans) == 1 and spans[0][0] == spans[0][1]


def _numbers(spans: Spans) -> Optional[List[int]]:
    """Each number of short spans; None if they are too many to be names of something."""
    if sum(high - low + 1 for low, high in spans) > _MOST_NAMES:
        return None
    return [number for low, high in spans for number in range(low, high + 1)]


def _named(field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    """Numbers that have names in a Match."""
    numbers = _numbers(spans)
    if numbers is None or value.mask is not None:
        return None
    tables = {"packet_type": words.PACKET_TYPES, "direction": words.DIRECTIONS}
    table = tables.get(field.match, words.FIB_TYPES)
    spelled = (table.get(number, str(number)) for number in numbers)
    return Match(field.match, names=tuple(sorted({_NAMES.get(one, one.upper()) for one in spelled})), negated=negated)


def _ethertype(field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    if value.mask is not None:
        return None
    if field.words == "nfproto":
        spans = [(found, found) for number, found in _ETHERTYPES.items() if any(a <= number <= b for a, b in spans)]
    return Match("ethertype", _as_spans(spans), negated=negated)


def _tcp_flags(_field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    if any(value.flip):
        return None
    mask = value.mask[0] if value.mask else 0xFF
    if _is_single(spans):
        return Match("tcp_flags", argument=(mask, spans[0][0]), negated=negated)
    return Match("tcp_flags", _as_spans(spans), argument=(mask,), negated=negated)


def _fragment(_field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    """A whole packet has the offset 0."""
    if value.mask is None or any(value.flip) or int.from_bytes(value.mask, "big") & _DONT_FRAGMENT:
        return None
    whole = any(low == 0 for low, _high in spans)
    return Match("fragment", negated=whole != negated)


def _reverse_path(_field: Field, _value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    """``missing`` is 0, whether presence alone was asked for or the interface."""
    if list(spans) not in ([(0, 0)], [(1, 1)]):
        return None
    return Match("reverse_path", negated=(spans[0][0] == 0) != negated)


_SPECIAL: Dict[str, Callable[[Field, Value, Spans, bool], Optional[Match]]] = {
    "packet_type": _named,
    "direction": _named,
    "ethertype": _ethertype,
    "tcp_flags": _tcp_flags,
    "fragment": _fragment,
    "reverse_path": _reverse_path,
}


def _match_host_number(field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    """Ranges of numbers that are not in network order are ranges of bytes, which say nothing."""
    if not value.swapped and any(low != high for low, high in spans) and sys.byteorder == "little":
        return None
    spans = [(host_number(value, low), host_number(value, high)) for low, high in spans]
    if field.match in ("mark", "connmark"):
        return _marks(field, value, spans, negated)
    if field.match == "reverse_path":
        return _reverse_path(field, value, spans, negated) if spans == [(0, 0)] else None
    numbers = _numbers(spans)
    if numbers is None:
        return None
    if field.match in ("state", "status"):
        return _bits(field, value, numbers, negated)
    if field.words == "interface" and value.mask is None:
        return Match(field.match, names=tuple(words.name_of_interface(one) for one in numbers), negated=negated)
    return _named(field, value, spans, negated) if field.words == "fib type" else None


def _marks(field: Field, value: Value, spans: Spans, negated: bool) -> Optional[Match]:
    mask = int.from_bytes(value.mask, sys.byteorder) if value.mask else ALL_BITS
    flip = int.from_bytes(value.flip, sys.byteorder)
    if _is_single(spans):
        return Match(field.match, argument=(mask, spans[0][0] ^ flip), negated=negated)
    return None if flip else Match(field.match, _as_spans(spans), argument=(mask,), negated=negated)


def _bits(field: Field, value: Value, numbers: List[int], negated: bool) -> Optional[Match]:
    """A packet has one state, and any of the status bits; ``& mask != 0`` asks for any of several."""
    table = words.CT_STATES if field.match == "state" else words.CT_STATUSES
    mask = int.from_bytes(value.mask, sys.byteorder) if value.mask else None
    if any(value.flip) or (mask is None and field.match == "status"):
        return None
    if mask is not None and numbers == [0]:
        return Match(field.match, names=_bit_names(table, mask), negated=not negated)
    single = {number for number in numbers if number in table and (mask is None or number & mask)}
    if field.match == "status" and (sorted(single) != numbers or numbers != [mask]):
        return None
    if mask is not None and 0 in numbers:
        return None
    return Match(field.match, names=_bit_names(table, sum(single)), negated=negated)


def _bit_names(table: Dict[int, str], mask: int) -> Tuple[str, ...]:
    return tuple(sorted(name.upper().replace("-", "_") for bit, name in table.items() if mask & bit))


def _match_names(field: Field, spans: Spans, negated: bool) -> Optional[Match]:
    names: List[str] = []
    for low, high in spans:
        name = low.to_bytes(field.width, "big").rstrip(b"\0")
        free = 8 * (field.width - len(name))
        if low != high and (low, high) != widened((low >> free, low >> free), free):
            return None
        names.append(name.decode("utf-8", "surrogateescape") + ("" if low == high else "+"))
    return Match(field.match, names=tuple(names), negated=negated)
