# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokens taken from left to right, one looked ahead at."""

from __future__ import annotations

from typing import Callable, List, Optional, TypeVar

from fake_pf.lexer import Lexer, Refused, Token
from fake_pf.names import KEYWORDS

Item = TypeVar("Item")


class Cursor:
    """Takes tokens; everything unexpected is a syntax error, as yacc has it."""

    def __init__(self, lexer: Lexer) -> None:
        self.lexer = lexer
        self._ahead: List[Optional[Token]] = []
        self.line = lexer.line
        self.taken = 0

    def peek(self) -> Token:
        """The next token."""
        if not self._ahead:
            self._ahead.append(self.lexer.token())
        token = self._ahead[0]
        if token is None:
            return Token("eof", "", self.lexer.line)
        return token

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.peek()
        if token.kind == "eof":
            raise Refused(token.line, "syntax error")
        self._ahead.pop()
        self.line = token.line
        self.taken += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the next token is an unquoted one of these."""
        return self.peek().kind in ("word", "mark", "number") and self.peek().text in texts

    def at_end(self) -> bool:
        """Whether the line ends here."""
        return self.peek().kind in ("end", "eof")

    def accept(self, text: str) -> bool:
        """Takes the next token if it is this one."""
        found = self.at(text)
        if found:
            self.take()
        return found

    def expect(self, *texts: str) -> str:
        """Takes a token that has to be one of these."""
        if not self.at(*texts):
            raise self.refused()
        return self.take().text

    def string(self) -> str:
        """A word that is none of the grammar, or a quoted string."""
        if self.peek().kind not in ("word", "string") or (self.peek().kind == "word" and self.peek().text in KEYWORDS):
            raise self.refused()
        return self.take().text

    def word(self) -> str:
        """A word, a number or a quoted string."""
        return self.take().text if self.peek().kind == "number" else self.string()

    def number(self) -> int:
        """A number."""
        if self.peek().kind != "number":
            raise self.refused()
        return int(self.take().text)

    def end(self) -> None:
        """Nothing may be left but the end of the line."""
        if self.peek().kind != "end":
            raise self.refused()
        self.take()

    def ends(self) -> None:
        """Ends of lines where any number of them may be."""
        while self.peek().kind == "end" and not self.lexer.made_up:
            self.take()

    def items(self, read: Callable[[], Item]) -> List[Item]:
        """One item, or a list of them in braces: ends of lines come before commas, and not behind them (optnl)."""
        if not self.at("{"):
            return [read()]
        self.take()
        found: List[Item] = []
        self.ends()
        while True:
            found.append(read())
            self.ends()
            self.accept(",")
            if self.accept("}"):
                return found

    def rest(self) -> List[Token]:
        """All to the end of the line."""
        found = []
        while not self.at_end():
            found.append(self.take())
        return found

    def skip_line(self) -> bool:
        """Leaves the line out to its end; false at the end of the file."""
        while self._ahead:
            token = self._ahead.pop()
            if token is None:
                return False
            if token.kind == "end":
                return not self.lexer.made_up
        return self.lexer.skip_line()

    def refused(self, words: str = "syntax error", aside: str = "") -> Refused:
        """The error that yacc gives here: the line is that of the token that it looked at last."""
        return Refused(self.peek().line, words, aside)

    def wrong(self, words: str, aside: str = "") -> Refused:
        """An error of a rule that is read: the line is that of the last token that was taken."""
        return Refused(self.line, words, aside)
