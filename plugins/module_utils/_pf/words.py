# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Splits a line of pfctl's into words, and takes them one after the other."""

from __future__ import annotations

import re
from typing import List

# A quoted string; a parenthesis with all in it, ``set (prio(3, 4), tos 0x10)`` included, and what stands against it; or
# whatever has no space in it.
_WORD = re.compile(r'"[^"]*"|[^\s"(]*\((?:[^()]|\([^()]*\))*\)\S*|\S+')


def split_words(line: str) -> List[str]:
    """Returns the words of a line; quoted strings keep their quotes, parentheses stay whole."""
    return _WORD.findall(line)


class PfWords:
    """Words that are read from left to right; past the end there are empty ones."""

    def __init__(self, words: List[str]) -> None:
        self._words = words
        self._at = 0

    def left(self) -> bool:
        """Tells whether there is another word."""
        return self._at < len(self._words)

    def peek(self) -> str:
        """The next word."""
        return self._words[self._at] if self.left() else ""

    def take(self) -> str:
        """The next word, which is then behind us."""
        word = self.peek()
        self._at += 1
        return word

    def taken(self) -> str:
        """The word that was taken last."""
        return self._words[self._at - 1]
