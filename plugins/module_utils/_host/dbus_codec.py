# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Marshals values of D-Bus to bytes and back, after the section Marshaling of the D-Bus specification."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any, Sequence, Tuple

_NUMBERS = {"y": "B", "b": "I", "n": "h", "q": "H", "i": "i", "u": "I", "x": "q", "t": "Q", "d": "d", "h": "I"}
_ALIGNMENT = {"y": 1, "n": 2, "q": 2, "x": 8, "t": 8, "d": 8, "g": 1, "v": 1, "(": 8, "{": 8}  # the others: 4
_CLOSING = {"(": ")", "{": "}"}


@lru_cache(maxsize=256)
def split_types(signature: str) -> Tuple[str, ...]:
    """Returns the complete types of a signature: ``sa{sv}i`` is ``s``, ``a{sv}`` and ``i``."""
    types = []
    at = 0
    while at < len(signature):
        end = _end_of_type(signature, at)
        types.append(signature[at:end])
        at = end
    return tuple(types)


def _end_of_type(signature: str, at: int) -> int:
    code = signature[at]
    if code == "a":
        return _end_of_type(signature, at + 1)
    if code not in _CLOSING:
        return at + 1
    at += 1
    while signature[at] != _CLOSING[code]:
        at = _end_of_type(signature, at)
    return at + 1


def _alignment(kind: str) -> int:
    return _ALIGNMENT.get(kind[0], 4)


class Writer:
    """Collects values as little-endian bytes in ``content``."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write_all(self, signature: str, values: Sequence[Any]) -> None:
        """Appends one value for each type of a signature."""
        for kind, value in zip(split_types(signature), values):
            self._write(kind, value)

    def align(self, boundary: int) -> None:
        """Appends zeroes up to a multiple of ``boundary``."""
        self.content += bytes(-len(self.content) % boundary)

    def _write(self, kind: str, value: Any) -> None:
        code = kind[0]
        self.align(_alignment(kind))
        if code in _NUMBERS:
            self.content += struct.pack("<" + _NUMBERS[code], value)
        elif code in "sog":
            self._write_text(code, value)
        elif code == "v":
            self._write("g", value[0])
            self._write(value[0], value[1])
        elif code == "a":
            self._write_array(kind[1:], value)
        else:
            self.write_all(kind[1:-1], value)

    def _write_text(self, code: str, value: str) -> None:
        encoded = value.encode("utf-8", "surrogateescape")
        self.content += struct.pack("<B" if code == "g" else "<I", len(encoded)) + encoded + b"\0"

    def _write_array(self, kind: str, values: Any) -> None:
        """The length in front leaves out what aligns the first element."""
        at = len(self.content)
        self.content += bytes(4)
        self.align(_alignment(kind))
        start = len(self.content)
        for value in values.items() if isinstance(values, dict) else values:
            self._write(kind, value)
        struct.pack_into("<I", self.content, at, len(self.content) - start)


class Reader:
    """Takes values from a message; its first byte tells the byte order."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._order = "<" if message[:1] == b"l" else ">"
        self._at = 0

    def read_all(self, signature: str) -> Tuple[Any, ...]:
        """Returns one value for each type of a signature; arrays are lists or dictionaries, variants their value."""
        return tuple(self._read(kind) for kind in split_types(signature))

    def align(self, boundary: int) -> None:
        """Goes on to a multiple of ``boundary``."""
        self._at += -self._at % boundary

    def _read(self, kind: str) -> Any:
        code = kind[0]
        self.align(_alignment(kind))
        if code in _NUMBERS:
            number = self._number(_NUMBERS[code])
            return bool(number) if code == "b" else number
        if code in "sog":
            return self._text(code)
        if code == "v":
            return self._read(self._text("g"))
        if code == "a":
            return self._array(kind[1:])
        return self.read_all(kind[1:-1])

    def _number(self, form: str) -> Any:
        (value,) = struct.unpack_from(self._order + form, self._message, self._at)
        self._at += struct.calcsize("=" + form)
        return value

    def _text(self, code: str) -> str:
        length = self._number("B" if code == "g" else "I")
        start, self._at = self._at, self._at + length + 1
        return self._message[start : start + length].decode("utf-8", "surrogateescape")

    def _array(self, kind: str) -> Any:
        length = self._number("I")
        self.align(_alignment(kind))
        end = self._at + length
        values = []
        while self._at < end:
            values.append(self._read(kind))
        return dict(values) if kind[0] == "{" else values
