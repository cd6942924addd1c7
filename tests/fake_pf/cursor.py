# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tokens of one statement, taken from left to right."""

from __future__ import annotations

from typing import Callable, List, TypeVar

from fake_pf.lexer import Refused, Token

Item = TypeVar("Item")
END = Token("end", "\n", 0)


class Cursor:
    """Takes tokens; everything unexpected is a syntax error, as yacc has it."""

    def __init__(self, tokens: List[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def line(self) -> int:
        """The line that the next token is on, or the one before it was."""
        return self._tokens[min(self._at, len(self._tokens) - 1)].line

    def peek(self) -> Token:
        """The next token."""
        return self._tokens[self._at] if self._at < len(self._tokens) else END

    def take(self) -> Token:
        """The next token, which is then behind us."""
        token = self.peek()
        self._at += 1
        return token

    def at(self, *texts: str) -> bool:
        """Whether the next token is an unquoted one of these."""
        return self.peek().kind in ("word", "mark") and self.peek().text in texts

    def accept(self, text: str) -> bool:
        """Takes the next token if it is this one."""
        found = self.at(text)
        self._at += found
        return found

    def expect(self, text: str) -> None:
        """Takes a token that has to be this one."""
        if not self.accept(text):
            raise self.refused()

    def string(self) -> str:
        """A word or a quoted string."""
        if self.peek().kind not in ("word", "string"):
            raise self.refused()
        return self.take().text

    def number(self, highest: int) -> int:
        """A number up to ``highest``."""
        word = self.string()
        if not word.isdigit() or int(word) > highest:
            raise self.refused()
        return int(word)

    def end(self) -> None:
        """Nothing may be left but the end of the line."""
        if self.peek().kind != "end" or self._at >= len(self._tokens):
            raise self.refused()

    def items(self, read: Callable[[], Item]) -> List[Item]:
        """One item, or a list of them in braces, where commas and ends of lines may stand between them."""
        if not self.accept("{"):
            return [read()]
        found: List[Item] = []
        while True:
            while self.peek().kind == "end" and self._at < len(self._tokens):
                self._at += 1
            if self.accept("}"):
                break
            found.append(read())
            self.accept(",")
        if not found:
            raise self.refused()
        return found

    def parenthesis(self) -> str:
        """A parenthesis and all in it as text."""
        self.expect("(")
        words = []
        while not self.accept(")"):
            if self.peek().kind == "end":
                raise self.refused()
            token = self.take()
            words.append(token.text)
        return " ".join(words).replace(" ,", ",")

    def rest(self) -> str:
        """All to the end of the line as text, for statements that are kept as they are."""
        words = []
        while self.peek().kind != "end":
            words.append(self.take().text)
        return " ".join(words)

    def refused(self) -> Refused:
        """The error that yacc gives here."""
        return Refused(self.line, "syntax error")
