# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""pf.conf as tokens, as yylex() of parse.y makes them: macros, comments, what goes on behind a backslash."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, List, Optional

NO_STRING = "(){}<>!=/#,"
TWO = ("><", "<>", "<=", ">=", "!=", "->")
NUMBER = re.compile(r"-?[0-9]+(?=[\s),/}=]|$)", re.ASCII)


class Refused(Exception):
    """A line that pfctl refuses: what it prints after the file's name, and before that without it (``aside``)."""

    def __init__(self, line: int, words: str, aside: str = "") -> None:
        super().__init__(words)
        self.line = line
        self.words = words
        self.aside = aside
        # expand_rule() tells what is wrong and lets yacc go on, which does not take that for an error of the grammar
        self.of_grammar = "no valid combination" not in words and "skipping rule" not in words


@dataclass(frozen=True)
class Token:
    """A word, a string in quotes, or punctuation; ``kind`` is word, number, string, mark or end (of a line)."""

    kind: str
    text: str
    line: int


class Lexer:
    """Reads one file; ``system`` decides what the end of the file is."""

    def __init__(self, text: str, system: str, line: int = 1) -> None:
        self._text = text
        self._system = system
        self._at = 0
        self.line = line
        self.macros: Dict[str, str] = {}
        self.made_up = False

    def token(self) -> Optional[Token]:
        """The next token, None at the end of the file; raises Refused."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char in " \t":
                self._at += 1
            elif self._text.startswith("\\\n", self._at):
                self._at += 2
                self.line += 1
            elif char == "#":
                self._skip_comment()
            elif char == "$":
                self._expand()
            else:
                return self._token(char)
        if self._system == "OpenBSD" and self._text and not self.made_up:
            self.made_up = True  # lgetc() makes up the end of the last line, and of the file
            self.line += 1
            return Token("end", "\n", self.line - 1)
        return None

    def skip_line(self) -> bool:
        """Leaves the line out to its end; false at the end of the file."""
        while True:
            try:
                token = self.token()
            except Refused:
                continue
            if token is None or token.kind == "end":
                return token is not None and not self.made_up

    def _skip_comment(self) -> None:
        while self._at < len(self._text) and self._text[self._at] != "\n":
            if self._text.startswith("\\\n", self._at):
                self.line += 1
                self._at += 1
            self._at += 1

    def _expand(self) -> None:
        name = re.compile(r"\$(\w+)", re.ASCII).match(self._text, self._at)
        if not name:
            raise Refused(self.line, "syntax error")
        if name.group(1) not in self.macros:
            end = self._text.find("\n", self._at)
            self._at = len(self._text) if end < 0 else end
            raise Refused(self.line, f"macro '{name.group(1)}' not defined\n syntax error")
        self._text = self._text[: self._at] + self.macros[name.group(1)] + self._text[name.end() :]

    def _token(self, char: str) -> Token:
        line = self.line
        if char == "\n":
            self._at += 1
            self.line += 1
            return Token("end", "\n", line)
        if char in "\"'":
            return self._quoted(char)
        if self._text[self._at : self._at + 2] in TWO:
            self._at += 2
            return Token("mark", self._text[self._at - 2 : self._at], line)
        number = NUMBER.match(self._text, self._at)
        if number:
            self._at = number.end()
            return Token("number", number.group(), line)
        if not (char.isascii() and (char.isalnum() or char in ":_")):
            self._at += 1
            return Token("mark", char, line)
        end = self._at
        while end < len(self._text) and self._is_in_word(self._text[end]):
            end += 1
        text = self._text[self._at : end]
        self._at = end
        return Token("word", text, line)

    def _quoted(self, quote: str) -> Token:
        line, found = self.line, []
        self._at += 1
        while self._at < len(self._text) and self._text[self._at] != quote:
            char = self._text[self._at]
            following = self._text[self._at + 1 : self._at + 2]
            if char == "\\" and following and following in f"{quote} \t":
                self._at += 1
                char = following
            elif char == "\n" or (char == "\\" and following == "\n"):
                self.line += char == "\n"
                char = ""
            found.append(char)
            self._at += 1
        if self._at >= len(self._text):
            raise Refused(line, "reached end of file while parsing quoted string\n syntax error")
        self._at += 1
        return Token("string", "".join(found), line)

    def _is_in_word(self, char: str) -> bool:
        return char.isascii() and char.isprintable() and not char.isspace() and char not in NO_STRING


def tokens_of(text: str) -> List[Token]:
    """The tokens of a text that is no file."""
    lexer = Lexer(text, "FreeBSD")
    found = []
    while True:
        token = lexer.token()
        if token is None:
            return found
        found.append(token)
