# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scans nft files into statements: where each begins and ends, nested in tables and chains.

Nothing is understood beyond braces, quotes, comments and continued lines (scanner.l and parser_bison.y of nftables):
what a statement does is asked of the kernel, which loads the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Iterator, List, NamedTuple, Optional, Tuple

# Quotes know no escapes and may hold newlines; a comment ends with its line, a backslash before that or not.
_TOKEN = re.compile(
    r"(?P<blank>[ \t\r]+|\#[^\n]*|\\\r?\n)|(?P<separator>[;\n])|(?P<opening>\{)|(?P<closing>\})"
    r'|(?P<word>"[^"]*"|[^\s{};"\#\\]+|.)',
    re.DOTALL,
)
_VERBS = ("add", "create")
BODY = "{}"
"""Stands in a statement's words for braces and all that is in them."""


class ScanError(Exception):
    """The braces of a text do not match."""


class Token(NamedTuple):
    """``kind`` is separator, opening, closing or word."""

    kind: str
    text: str
    start: int
    end: int


@dataclass(frozen=True)
class NftStatement:
    """One statement from ``start`` to ``end``, its separator left out.

    Tables and chains with braces have a ``body`` between ``opening`` and ``closing``, the offsets of the braces.
    ``words`` holds ``{}`` for any braces.
    """

    words: Tuple[str, ...]
    start: int
    end: int
    body: Tuple[NftStatement, ...] = ()
    opening: int = -1
    closing: int = -1

    @property
    def bare(self) -> Tuple[str, ...]:
        """The words without a leading ``add`` or ``create``, which say nothing."""
        return self.words[1:] if self.words[:1] and self.words[0] in _VERBS else self.words

    @property
    def has_body(self) -> bool:
        """Whether it is a table or a chain with braces."""
        return self.opening >= 0


def tokens(text: str) -> Iterator[Token]:
    """Yields what is not blank or comment."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind and kind != "blank":
            yield Token(kind, found.group(), found.start(), found.end())


@lru_cache(maxsize=8)
def scan(text: str) -> Tuple[NftStatement, ...]:
    """Returns the statements of a whole file; raises ScanError where braces do not match."""
    return _Scanner(text).statements("file")[0]


class _Scanner:
    """Reads statements, one token ahead."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._next: Optional[Token] = next(self._tokens, None)

    def statements(self, level: str) -> Tuple[Tuple[NftStatement, ...], Token]:
        """Returns the statements up to the brace that closes this level, and that brace."""
        found: List[NftStatement] = []
        while self._next is not None and self._next.kind != "closing":
            if self._next.kind == "separator":
                self._advance()
            else:
                found.append(self._statement(level))
        if (self._next is None) != (level == "file"):
            raise ScanError("the braces do not match")
        return tuple(found), self._next or Token("closing", "", -1, -1)

    def _statement(self, level: str) -> NftStatement:
        start = end = self._next.start if self._next else 0
        words: List[str] = []
        body: Tuple[NftStatement, ...] = ()
        opening = closing = -1
        while self._next is not None and self._next.kind not in ("separator", "closing"):
            token = self._advance()
            end = token.end
            if token.kind == "word":
                words.append(token.text)
                continue
            within = _level_within(level, words)
            words.append(BODY)
            if within:
                opening = token.start
                body, brace = self.statements(within)
                closing = brace.start
            else:
                brace = self._skip()
            end = self._advance().end if within else brace.end
        return NftStatement(tuple(words), start, end, body, opening, closing)

    def _skip(self) -> Token:
        """Passes braces that hold no statements of ours to tell apart."""
        depth = 1
        while self._next is not None:
            token = self._advance()
            depth += {"opening": 1, "closing": -1}.get(token.kind, 0)
            if not depth:
                return token
        raise ScanError("the braces do not match")

    def _advance(self) -> Token:
        token = self._next
        if token is None:
            raise ScanError("the braces do not match")
        self._next = next(self._tokens, None)
        return token


def _level_within(level: str, words: List[str]) -> str:
    """What the next braces are: a table, a chain, or nothing that is looked into."""
    if BODY in words or level == "chain":
        return ""
    first = words[1:2] if level == "file" and words[:1] and words[0] in _VERBS else words[:1]
    if first == ["table"] and level == "file":
        return "table"
    return "chain" if first == ["chain"] else ""
