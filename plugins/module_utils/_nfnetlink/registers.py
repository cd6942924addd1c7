# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registers of one rule of nf_tables while its expressions are decoded."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Optional

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import Value

_HTON = 1  # NFT_BYTEORDER_HTON
UNKNOWN = Value("unknown", text="register")


class Registers:
    """What is where, counted in units of 4 bytes."""

    def __init__(self, values: Optional[Dict[int, Value]] = None) -> None:
        self._values: Dict[int, Value] = dict(values or {})

    def copy(self) -> Registers:
        """Returns registers that hold the same, for another way through the rule."""
        return Registers(self._values)

    def put(self, slot: int, value: Value) -> None:
        """Loads a register."""
        for covered in range(slot + 1, slot + (value.length + 3) // 4):
            self._values.pop(covered, None)
        self._values[slot] = value

    def value(self, slot: int) -> Value:
        """Returns what a register holds."""
        return self._values.get(slot, UNKNOWN)

    def constant(self, slot: int, length: int) -> Optional[bytes]:
        """Returns bytes at a register, which may be in the midst of a longer constant; None if they are none."""
        for back in range(4):
            value = self._values.get(slot - back)
            if value is not None:
                found = value.constant[4 * back : 4 * back + length]
                return found if value.kind == "constant" and len(found) == length else None
        return None

    def key(self, slot: int, length: int) -> List[Value]:
        """Returns the values that make a key of so many bytes."""
        found: List[Value] = []
        while length > 0:
            value = self.value(slot)
            found.append(value)
            units = max((value.length + 3) // 4, 1)
            slot, length = slot + units, length - 4 * units
        return found


def mask(value: Value, bits: bytes, flip: bytes) -> Value:
    """Returns a value & bits ^ flip."""
    if value.kind == "constant":
        changed = bytes(one & bit ^ turn for one, bit, turn in zip(value.constant, bits, flip))
        return replace(value, constant=changed)
    if value.mask is not None or any(value.flip) or value.swapped or len(bits) != value.length:
        return replace(UNKNOWN, length=value.length, text=value.text or value.kind)
    if all(bit == 0xFF for bit in bits):
        return replace(value, flip=flip) if any(flip) else value
    return replace(value, mask=bits, flip=flip)


def swap(value: Value, operation: int, size: int) -> Value:
    """Returns a number put into the network's byte order, or back."""
    if value.kind == "constant" and size == value.length:
        return replace(value, constant=value.constant[::-1])
    if value.swapped == (operation == _HTON):
        return replace(UNKNOWN, length=value.length, text=value.text or value.kind)
    return replace(value, swapped=operation == _HTON)
