# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf.conf as tokens, by the rules of yylex() in pfctl's parse.y."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List

PUNCTUATION = "(){}<>!=/,"
TWO = ("><", "<>", "<=", ">=", "!=", "->")


class Refused(Exception):
    """A line that pfctl refuses: what it prints after the file's name."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(words)
        self.line = line
        self.words = words


@dataclass(frozen=True)
class Token:
    """A word, a string in quotes, or punctuation; ``kind`` is word, string, mark or end (of a line)."""

    kind: str
    text: str
    line: int


class Lexer:
    """Reads one file; ``system`` decides what the end of the file is."""

    def __init__(self, text: str, system: str) -> None:
        self._text = text
        self._system = system
        self._at = 0
        self._line = 1
        self.macros: Dict[str, str] = {}

    def line_tokens(self) -> List[Token]:
        """The tokens up to the end of a line outside braces, that end included; empty at the end of the file."""
        tokens: List[Token] = []
        depth = 0
        while True:
            token = self._next()
            if token is None:
                return tokens
            tokens.append(token)
            depth += (token.text == "{") - (token.text == "}") if token.kind == "mark" else 0
            if token.kind == "end" and depth <= 0:
                return tokens

    def _next(self):
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in " \t":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
                self._line += 1
            elif char == "#":
                self._skip_comment()
            elif char == "$":
                self._expand()
            else:
                return self._token(char)
        if self._system == "OpenBSD" and self._text and not self._text.endswith("\n"):
            self._text += "\n"  # lgetc() makes up the end of the last line
            return self._next()
        return None

    def _skip_comment(self) -> None:
        while self._at < len(self._text) and self._text[self._at] != "\n":
            if self._text.startswith("\\\n", self._at):
                self._line += 1
                self._at += 1
            self._at += 1

    def _expand(self) -> None:
        name = re.compile(r"\$(\w+)", re.ASCII).match(self._text, self._at)
        if not name:
            raise Refused(self._line, "syntax error")
        if name.group(1) not in self.macros:
            raise Refused(self._line, f"macro '{name.group(1)}' not defined")
        self._text = self._text[: self._at] + self.macros[name.group(1)] + self._text[name.end() :]

    def _token(self, char: str) -> Token:
        line = self._line
        if char == "\n":
            self._at += 1
            self._line += 1
            return Token("end", "\n", line)
        if char == '"':
            end = self._text.find('"', self._at + 1)
            if end < 0:
                raise Refused(line, "syntax error")
            text = self._text[self._at + 1 : end]
            self._line += text.count("\n")
            self._at = end + 1
            return Token("string", text.replace("\n", ""), line)
        if self._text[self._at : self._at + 2] in TWO:
            self._at += 2
            return Token("mark", self._text[self._at - 2 : self._at], line)
        if char in PUNCTUATION:
            self._at += 1
            return Token("mark", char, line)
        if not (char.isascii() and (char.isalnum() or char.isprintable())):
            raise Refused(line, "syntax error")
        end = self._at
        while end < len(self._text) and self._is_in_word(self._text[end]):
            end += 1
        text = self._text[self._at : end]
        self._at = end
        return Token("word", text, line)

    def _is_in_word(self, char: str) -> bool:
        return char.isascii() and char.isprintable() and not char.isspace() and char not in PUNCTUATION + '#"'
