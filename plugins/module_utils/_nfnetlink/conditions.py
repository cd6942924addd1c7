# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders comparisons, ranges and set lookups of nf_tables as conditions, and in nft's words."""

from __future__ import annotations

import sys
from typing import List, NamedTuple, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Span
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import CmpOp
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import (
    ADDRESS,
    HOST_NUMBER,
    NAME,
    Context,
    Part,
    Value,
    find_parts,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.match import (
    host_number,
    match_part,
    unmasked,
    widened,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import (
    BITS,
    HEADERS,
    spell,
    spell_bits,
    spell_span,
)

_SIGNS = {CmpOp.EQ: "", CmpOp.NEQ: "!= ", CmpOp.LT: "< ", CmpOp.LTE: "<= ", CmpOp.GT: "> ", CmpOp.GTE: ">= "}

Matches = Tuple[Match, ...]

NEVER = Match("either")
"""A condition that no packet meets: none of no rows."""


class Condition(NamedTuple):
    """What a rule asks: all ``matches`` together, ``text`` in nft's words."""

    matches: Matches
    text: str


def unknown(text: str) -> Condition:
    """Returns a condition of which only the words are known."""
    return Condition((Match("unknown", names=(text,)),), text)


def name_of(value: Value, context: Context) -> str:
    """Returns nft's name for what a register holds."""
    parts = find_parts(value, context)
    if parts:
        return " . ".join(field.text for field, _taken in parts)
    if value.kind == "payload":
        base, offset = value.key
        return f"@{HEADERS.get(base, base)},{offset * 8},{value.length * 8}"
    return value.text or " ".join((value.kind, *map(str, value.key)))


def compare(value: Value, context: Context, operation: int, raw: bytes) -> Condition:
    """Returns the condition that a register is equal to bytes, less, or greater; they are compared as memcmp does."""
    number, top = int.from_bytes(raw, "big"), (1 << 8 * len(raw)) - 1
    span = (number, number)
    if operation in (CmpOp.LT, CmpOp.LTE):
        span = (0, number - (operation == CmpOp.LT))
    elif operation in (CmpOp.GT, CmpOp.GTE):
        span = (number + (operation == CmpOp.GT), top)
    return _ask(value, context, span, operation, raw)


def compare_constant(value: bytes, operation: int, raw: bytes) -> bool:
    """Returns whether a comparison holds that asks nothing of the packet."""
    have = value[: len(raw)]
    return (have == raw, have != raw, have < raw, have <= raw, have > raw, have >= raw)[operation]


def compare_range(value: Value, context: Context, low: bytes, high: bytes, negated: bool) -> Condition:
    """Returns the condition that a register is between two values, both included, or outside."""
    span = (int.from_bytes(low, "big"), int.from_bytes(high, "big"))
    return _ask(value, context, span, CmpOp.NEQ if negated else CmpOp.EQ, low)


def _ask(value: Value, context: Context, span: Span, operation: int, raw: bytes) -> Condition:
    parts = find_parts(value, context)
    negated = operation == CmpOp.NEQ
    if not parts:
        return unknown(f"{name_of(value, context)} {_SIGNS[operation]}{spell_unknown(raw)}")
    if len(parts) > 1:
        return _ask_several(value, parts, span, negated)
    field = parts[0][0]
    if field.style == NAME:  # a name without a zero at its end is how others begin
        low, high = widened(span, 8 * (field.width - len(raw)))
        span = (low, low if raw.endswith(b"\0") else high)
    text = _text(value, parts[0], span, operation, raw)
    match = match_part(parts[0], value, [span], negated)
    return unknown(text) if match is None else Condition((match,), text)


def _ask_several(value: Value, parts: Tuple[Part, ...], span: Span, negated: bool) -> Condition:
    """Neighbours in a header that nft compares at once."""
    plain = span[0] == span[1] and value.mask is None
    spans = [(one, one) for one in _split(parts, span[0])]
    matches = [match_part(part, value, [one]) for part, one in zip(parts, spans)]
    sign = _SIGNS[CmpOp.NEQ if negated else CmpOp.EQ]
    text = " ".join(f"{part[0].text} {sign}{spell_part(part, value, one)}" for part, one in zip(parts, spans))
    found = tuple(match for match in matches if match is not None)
    if not plain or len(found) < len(matches):
        return unknown(text)
    return Condition((Match("either", rows=(found,), negated=True),) if negated else found, text)


def _split(parts: Tuple[Part, ...], number: int) -> List[int]:
    found: List[int] = []
    left = sum(taken for _field, taken in parts)
    for _field, taken in parts:
        left -= taken
        found.append(number >> 8 * left & ((1 << 8 * taken) - 1))
    return found


def spell_unknown(raw: bytes) -> str:
    """Returns bytes of which is not known what they stand for: of 4 bytes mostly a number of the host."""
    return str(int.from_bytes(raw, sys.byteorder)) if len(raw) == 4 else "0x" + raw.hex()


def spell_part(part: Part, value: Value, span: Span) -> str:
    """The bytes from low to high, read as numbers, as nft writes what they stand for."""
    field, taken = part
    low, high = span
    if field.style == HOST_NUMBER:
        low, high = host_number(value, low), host_number(value, high)
    elif taken < field.width and field.style == ADDRESS:
        low, high = widened(span, 8 * (field.width - taken))
    return spell_span(field, low, high)


def _text(value: Value, part: Part, span: Span, operation: int, raw: bytes) -> str:
    """A comparison as nft writes it."""
    field, taken = part
    if operation not in (CmpOp.EQ, CmpOp.NEQ):
        number = int.from_bytes(raw, "big")
        return f"{field.text} {_SIGNS[operation]}{spell_part(part, value, (number, number))}"
    sign = _SIGNS[operation] or ("== " if field.words == "tcp flags" else "")
    if value.mask is None:
        return f"{field.text} {sign}{spell_part(part, value, span)}"
    order = sys.byteorder if field.style == HOST_NUMBER and not value.swapped else "big"
    mask = int.from_bytes(value.mask, "little" if order == "little" else "big")
    if field.words in BITS and span == (0, 0):
        return f"{field.text} {'! ' if operation == CmpOp.EQ else ''}{spell_bits(field.words, mask)}"
    known = unmasked(value, taken, [span]) if field.style == ADDRESS else None
    if known:
        return f"{field.text} {sign}{spell_part(part, value, known[0])}"
    if field.words == "tcp flags" and operation == CmpOp.EQ:
        return f"{field.text} {spell_bits(field.words, span[0])} / {spell_bits(field.words, mask)}"
    spelled = spell_span(field, mask, mask) if field.style == ADDRESS else spell(field, mask)
    spelled = "({})".format(spell_bits(field.words, mask, " | ")) if field.words in BITS else spelled
    return f"{field.text} & {spelled} {sign or '== '}{spell_part(part, value, span)}"
