# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Assembles programs of classic BPF, in which the kernel filters what a packet socket gets (linux/filter.h)."""

from __future__ import annotations

from typing import Dict, List, Tuple, Union

Instruction = Tuple[int, int, int, int]
"""``struct sock_filter``: code, how far to jump where it holds and where not, and a number."""

LOAD_WORD, LOAD_HALF, LOAD_BYTE = 0x20, 0x28, 0x30  # from an offset of the packet
LOAD_WORD_X, LOAD_HALF_X, LOAD_BYTE_X = 0x40, 0x48, 0x50  # from an offset behind X
LOAD, LOAD_STORED, LOAD_X, LOAD_X_STORED, LOAD_X_HEADER = 0x00, 0x60, 0x01, 0x61, 0xB1
STORE, STORE_X = 0x02, 0x03
ADD, ADD_X, AND, SHIFT_LEFT, SHIFT_RIGHT = 0x04, 0x0C, 0x54, 0x64, 0x74
JUMP, EQUAL, GREATER, AT_LEAST, ANY_BIT = 0x05, 0x15, 0x25, 0x35, 0x45
RETURN, RETURN_A = 0x06, 0x16
A_TO_X, X_TO_A = 0x07, 0x87
PROTOCOL = 0xFFFFF000  # SKF_AD_OFF + SKF_AD_PROTOCOL: the kind of packet, such as 0x800 for IPv4
MOST_INSTRUCTIONS = 4096  # BPF_MAXINSNS


class Assembler:
    """Instructions with labels. A conditional jump reaches 255 instructions, so each goes by way of a plain one."""

    def __init__(self) -> None:
        self._code: List[Tuple[int, int, int, Union[int, str]]] = []
        self._labels: Dict[str, int] = {}

    def emit(self, code: int, number: int = 0) -> None:
        """Adds an instruction that goes on to the next."""
        self._code.append((code, 0, 0, number))

    def label(self, name: str) -> None:
        """Names the place of the next instruction."""
        self._labels[name] = len(self._code)

    def jump(self, name: str) -> None:
        """Goes to a label, which has to come later."""
        self._code.append((JUMP, 0, 0, name))

    def jump_if(self, code: int, number: int, name: str) -> None:
        """Goes to a label where what is in A compares so with the number."""
        self._code.append((code, 0, 1, number))
        self.jump(name)

    def jump_unless(self, code: int, number: int, name: str) -> None:
        """Goes to a label where what is in A does not compare so with the number."""
        self._code.append((code, 1, 0, number))
        self.jump(name)

    def finish(self) -> Tuple[Instruction, ...]:
        """Returns the program; raises ValueError for one that the kernel would not take."""
        if len(self._code) > MOST_INSTRUCTIONS:
            raise ValueError(f"a filter of {len(self._code)} instructions is too long")
        found: List[Instruction] = []
        for at, (code, yes, no, number) in enumerate(self._code):
            if isinstance(number, str):  # the label that a jump leads to
                number = self._labels[number] - at - 1
                if number < 0:
                    raise ValueError("a filter cannot go back")
            found.append((code, yes, no, number))
        return tuple(found)
