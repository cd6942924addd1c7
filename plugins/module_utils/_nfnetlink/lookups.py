# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes lookups in sets and maps: which keys they ask for, and what a map has for each."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Dict, List, Literal, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import Spans, merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import MATCH_FIELDS
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, NamedSet, Span
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import read_attributes
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.conditions import (
    NEVER,
    Matches,
    name_of,
    spell_part,
    spell_unknown,
    unknown,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import DataAttr, DataType, SetFlag
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import Context, Part, Value, find_parts
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.match import match_part
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import KernelSet
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.sets import SetElement, read_elements
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import spell_data
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.statements import verdict_of

# The keys that are numbers.
_NUMBERS = frozenset((DataType.IPADDR, DataType.IP6ADDR, DataType.INET_PROTOCOL, DataType.INET_SERVICE))
# The fields of a Match whose spans may be those of a set, and whose names then are the set's name.
_NUMERIC = frozenset(field for field, known in MATCH_FIELDS.items() if known.set_key)


class SetBook:
    """The sets of one table; the elements of each are read once, when somebody asks for them."""

    def __init__(self, sets: Sequence[KernelSet] = ()) -> None:
        self._sets = {one.name: one for one in sets}
        self._elements: Dict[str, Tuple[SetElement, ...]] = {}
        self._spans: Dict[str, Spans] = {}

    def find(self, name: str) -> Optional[KernelSet]:
        """Returns the set of that name."""
        return self._sets.get(name)

    def elements(self, name: str) -> Tuple[SetElement, ...]:
        """Returns the elements of a set that there is."""
        if name not in self._elements:
            self._elements[name] = read_elements(self._sets[name])
        return self._elements[name]

    def spans(self, name: str) -> Spans:
        """Returns the keys of a set that there is, as numbers; the catch-all element has none."""
        if name not in self._spans:
            number = int.from_bytes
            keys = [(one[0], one[1]) for one in self.elements(name)]
            spans = [(number(low, "big"), number(high, "big")) for low, high in keys if low is not None]
            self._spans[name] = merge_spans(spans)
        return self._spans[name]

    def named(self) -> Tuple[NamedSet, ...]:
        """Returns the sets that have names as those see them who want to know what is in them."""
        return tuple(self._named(one) for one in self._sets.values() if not one.flags & SetFlag.ANONYMOUS)

    def _named(self, have: KernelSet) -> NamedSet:
        if have.key_type not in _NUMBERS:
            return NamedSet(have.name)
        timeouts = tuple(
            (int.from_bytes(one.low, "big"), int.from_bytes(one.high, "big"), one.left)
            for one in self.elements(have.name)
            if one.left is not None and one.low is not None
        )
        return NamedSet(have.name, self.spans(have.name), timeouts)

    def shown(self, name: str, lookup: Lookup, is_map: bool = False) -> str:
        """Returns a set as it stands in a rule: by name, or with its elements where it has none."""
        if not self._sets[name].flags & SetFlag.ANONYMOUS:
            return f"@{name}"
        elements = self.elements(name)
        if not is_map:
            return _braced([lookup.spell(element) for element in elements])
        kind = self._sets[name].data_type
        return _braced([f"{lookup.spell(element)} : {_spell_data(kind, element.data)}" for element in elements])


def constant_of(data: Optional[bytes]) -> bytes:
    """Returns the bytes that a map has for a key."""
    return dict(read_attributes(data or b"")).get(DataAttr.VALUE, b"")


def _braced(words: Sequence[str]) -> str:
    return "{ " + ", ".join(words) + " }"


def _spell_data(kind: int, data: Optional[bytes]) -> str:
    raw = constant_of(data)
    return spell_data(kind, raw) if raw else verdict_of(data or b"").text


class Lookup:
    """Asks whether registers are among the keys of a set; ``values`` are the parts of a concatenated key."""

    def __init__(self, values: Sequence[Value], context: Context) -> None:
        self._keys = values
        self.name = " . ".join(name_of(value, context) for value in values)
        self._values: List[Tuple[Part, Value, int]] = []  # a part, and where it begins in the key
        self._known: Dict[Tuple[int, bytes, bytes], Match] = {}
        self._complete = True
        at = 0
        for value in values:
            inner = at
            for part in find_parts(value, context):
                self._values.append((part, value, inner))
                inner += part[1]
            self._complete = self._complete and inner > at
            at += (value.length + 3) & ~3

    def find(self, have: KernelSet, sets: SetBook, negated: bool) -> Matches:
        """Returns the condition that the key is among the elements of a set."""
        elements = sets.elements(have.name)
        if elements and elements[-1].low is None:
            return (NEVER,) if negated else ()
        names = () if have.flags & SetFlag.ANONYMOUS else (have.name,)
        if self._complete and len(self._values) > 1:
            rows = tuple([self.row(element) for element in elements])
            return (Match("either", names=names, rows=rows, negated=negated),)
        match = self._find_number(have, sets, negated) if self._complete else None
        if match is None or (names and have.flags & SetFlag.EVAL and match.field not in _NUMERIC):
            return unknown(self.name).matches
        return (replace(match, names=names) if names and match.field in _NUMERIC else match,)

    def _find_number(self, have: KernelSet, sets: SetBook, negated: bool) -> Optional[Match]:
        part, value, _at = self._values[0]
        field, taken = part
        if field.match in _NUMERIC and value.mask is None and taken == field.width == have.key_length:
            return Match(field.match, sets.spans(have.name), negated=negated)
        spans = [
            (int.from_bytes(low[:taken], "big"), int.from_bytes(high[:taken], "big"))
            for low, high, *_rest in sets.elements(have.name)
            if low is not None
        ]
        return match_part(part, value, spans, negated)

    def row(self, element: SetElement) -> Matches:
        """Returns the conditions that the key is that of one element."""
        if element.low is None:
            return ()
        counter = self._counter()
        if counter is not None and not (
            counter[0] <= self._counted(element)[1] and self._counted(element)[0] <= counter[1]
        ):
            return (NEVER,)
        if not self._complete:
            return unknown(self.name).matches
        found: List[Match] = []
        for number, (part, value, at) in enumerate(self._values):
            end = at + part[1]
            key = (number, element.low[at:end], element.high[at:end])
            match = self._known.get(key)
            if match is None:
                span = (int.from_bytes(key[1], "big"), int.from_bytes(key[2], "big"))
                match = match_part(part, value, [span]) or Match("unknown", names=(part[0].text,))
                self._known[key] = match
            found.append(match)
        return tuple(found)

    def is_always_found(self, elements: Sequence[SetElement]) -> bool:
        """Tells whether a number that counts round, or is drawn, is sure to be a key of a map, which has no other."""
        counter = self._counter()
        if counter is None:
            return False
        first, last = counter
        return tuple(merge_spans(self._counted(one) for one in elements)) == ((first, last),)

    def _counter(self) -> Optional[Span]:
        """The numbers that the key may be, where it is one that counts round or is drawn, alone."""
        if len(self._keys) != 1 or not self._keys[0].text.startswith("numgen") or len(self._keys[0].key) != 2:
            return None
        modulus, offset = self._keys[0].key
        return offset, offset + modulus - 1

    def _counted(self, element: SetElement) -> Span:
        """Such numbers are in the host's byte order, but for those of ranges."""
        order: Literal["big", "little"] = "big" if self._keys[0].swapped else sys.byteorder
        low = int.from_bytes(element.low or b"", order)
        return low, max(low, int.from_bytes(element.high, order))

    def later(self, set_name: str) -> Matches:
        """Returns the condition of keys that the named map has not now and may have soon."""
        if len(self._values) == 1 and self._complete and self._values[0][0][0].match in _NUMERIC:
            return (Match(self._values[0][0][0].match, names=(set_name,)),)
        return (Match("either", names=(set_name,)),)

    def spell(self, element: SetElement) -> str:
        """Returns a key in nft's words."""
        if element.low is None:
            return "*"
        if not self._complete:
            return spell_unknown(element.low)
        spelled: List[str] = []
        for part, value, at in self._values:
            low, high = element.low[at : at + part[1]], element.high[at : at + part[1]]
            spelled.append(spell_part(part, value, (int.from_bytes(low, "big"), int.from_bytes(high, "big"))))
        return " . ".join(spelled)
