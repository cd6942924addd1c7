# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lighttpd's grammar: the statements of a configuration, and a value written as one of its strings.

The reference is config_tokenizer in src/configfile.c and src/configparser.y, lighttpd 1.4.69.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, List, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

_TOKEN = re.compile(
    r"""(?P<space>[ \t\u00a0]+|\#[^\n\r]*)|(?P<line>[\n\r]+)|"(?P<string>(?:\\"|[^"\0])*)\""""
    r"""|(?P<mark>=>|==|=~|=\^|=\$|!=|!~|\+=|:=|[=+(){}\[\],$])|(?P<number>[0-9]+)|(?P<key>[A-Za-z._-][A-Za-z0-9._-]*)"""
)
_COMPARISONS = ("==", "=~", "=^", "=$", "!=", "!~")
_ASSIGNMENTS = ("=", "+=", ":=")
_DEPTH = 50  # of blocks and lists in one another; lighttpd's parser has a stack of 100

# One token: its kind, as the groups of _TOKEN are called, its text, and its line for messages.
Token = Tuple[str, str, int]


@dataclass(frozen=True)
class Text:
    """A string or a number as it is written."""

    value: str
    is_number: bool = False


@dataclass(frozen=True)
class Variable:
    """The name of a variable, or of an option that was set before, in the place of a value."""

    name: str


@dataclass(frozen=True)
class Entry:
    """One of the values of a list; ``key`` is None where it has none."""

    key: Optional[JoinedValues]
    value: JoinedValues


@dataclass(frozen=True)
class Entries:
    """A list, which may have keys."""

    entries: Tuple[Entry, ...]


@dataclass(frozen=True)
class JoinedValues:
    """Values that are joined with a plus, one or more."""

    parts: Tuple[Union[Text, Variable, Entries], ...]


@dataclass(frozen=True)
class Assignment:
    """``key = value`` in a line; ``operator`` is ``=``, ``+=``, which appends, or ``:=``, which may replace."""

    key: str
    operator: str
    value: JoinedValues
    line: int = 0


@dataclass(frozen=True)
class Include:
    """What the name of a file, a pattern, or with ``shell`` a command brings."""

    what: JoinedValues
    shell: bool


@dataclass(frozen=True)
class Branch:
    """A part of ``$HTTP["host"] == "x" { } else { }``; ``variable`` is such as ``HTTP host``, empty for a bare else."""

    variable: str
    operator: str
    value: Optional[JoinedValues]
    body: Tuple[Statement, ...]


@dataclass(frozen=True)
class Conditional:
    """Branches of which the first one counts that holds."""

    branches: Tuple[Branch, ...]


@dataclass(frozen=True)
class GlobalBlock:
    """What stands in ``global { }``."""

    body: Tuple[Statement, ...]


Statement = Union[Assignment, Include, Conditional, GlobalBlock]


def parse(text: str, source: str) -> Tuple[Statement, ...]:
    """Returns the statements of a text; raises HostError, with ``source`` as its place, where it is torn."""
    reader = _Reader(tuple(_tokens(text, source)), source)
    found = tuple(reader.statements(0))
    if not reader.is_done():
        raise reader.error("a brace is closed that was not opened")
    return found


def quote(value: str) -> str:
    """Returns a value as a string of lighttpd's; see find_unquotable for what none holds."""
    return '"' + value.replace('"', '\\"') + '"'


def find_unquotable(value: str) -> str:
    """Returns what of a value no string of lighttpd's can hold, empty if it can hold it all.

    A backslash means itself, but before a quote, so that it cannot be the last letter.
    """
    if any(letter < " " or letter == "\x7f" for letter in value):
        return "a line end or another control character"
    if value.endswith("\\"):
        return "a backslash at its end"
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return "bytes that are no UTF-8"
    return ""


def _tokens(text: str, source: str) -> Iterator[Token]:
    """Within a list the ends of lines mean nothing, and outside of lists commas."""
    at, line, lists = 0, 1, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise HostError(f"lighttpd's configuration {source} cannot be read, line {line}")
        kind, written = found.lastgroup or "", found.group()
        lists = max(0, lists + {"(": 1, ")": -1}.get(written, 0))
        if kind == "string":
            yield kind, found.group("string").replace('\\"', '"'), line
        elif kind != "space" and not (kind == "line" and lists) and not (written == "," and not lists):
            yield kind, written, line
        line += written.count("\n")
        at = found.end()


class _Reader:
    """The tokens of one text, and how far they are read."""

    def __init__(self, tokens: Tuple[Token, ...], source: str) -> None:
        self._tokens = tokens
        self._source = source
        self._at = 0

    def is_done(self) -> bool:
        return self._at >= len(self._tokens)

    def error(self, what: str) -> HostError:
        lines = [line for _kind, _text, line in self._tokens]
        where = f"line {lines[self._at]}" if self._at < len(lines) else "at its end"
        return HostError(f"lighttpd's configuration {self._source} cannot be read, {where}: {what}")

    def statements(self, depth: int) -> Iterator[Statement]:
        """Yields statements up to the end of a block, whose brace is not read, or of the text."""
        if depth > _DEPTH:
            raise self.error(f"more than {_DEPTH} blocks are in one another")
        while not self.is_done() and self._peek() != ("mark", "}"):
            if self._peek()[0] == "line":
                self._at += 1
            elif self._peek() == ("mark", "$"):
                yield self._conditional(depth)
            else:
                yield self._simple(depth)

    def _peek(self) -> Tuple[str, str]:
        return self._tokens[self._at][:2] if self._at < len(self._tokens) else ("end", "")

    def _take(self, kind: str, *texts: str) -> str:
        found = self._peek()
        if found[0] != kind or (texts and found[1] not in texts):
            raise self.error(
                f"expected {' or '.join(map(repr, texts)) or kind}, found {found[1].strip() or 'the end of a line'!r}"
            )
        self._at += 1
        return found[1]

    def _simple(self, depth: int) -> Statement:
        line = self._tokens[self._at][2]
        key = self._take("key")
        if key in ("include", "include_shell"):
            return Include(self._expression(depth), key == "include_shell")
        if key == "global":
            return GlobalBlock(self._block(depth))
        operator = self._take("mark", *_ASSIGNMENTS)
        return Assignment(key if "." in key else f"var.{key}", operator, self._expression(depth), line)

    def _conditional(self, depth: int) -> Conditional:
        branches = [self._condition(depth)]
        while True:
            before = self._at
            self._skip_lines()
            if self._peek() != ("key", "else"):
                self._at = before
                return Conditional(tuple(branches))
            self._at += 1
            if self._peek() == ("mark", "$"):
                branches.append(self._condition(depth))
            else:
                branches.append(Branch("", "", None, self._block(depth)))

    def _condition(self, depth: int) -> Branch:
        self._take("mark", "$")
        kind = self._take("key")
        self._take("mark", "[")
        what = self._take("string")
        self._take("mark", "]")
        operator = self._take("mark", *_COMPARISONS)
        value = self._expression(depth)
        return Branch(f"{kind} {what}", operator, value, self._block(depth))

    def _block(self, depth: int) -> Tuple[Statement, ...]:
        self._take("mark", "{")
        found = tuple(self.statements(depth + 1))
        self._take("mark", "}")
        return found

    def _expression(self, depth: int) -> JoinedValues:
        parts = [self._value(depth)]
        while self._peek() == ("mark", "+"):
            self._at += 1
            parts.append(self._value(depth))
        return JoinedValues(tuple(parts))

    def _value(self, depth: int) -> Union[Text, Variable, Entries]:
        kind, text = self._peek()
        if (kind, text) == ("mark", "("):
            return self._entries(depth + 1)
        if kind not in ("string", "number", "key"):
            raise self.error(f"expected a value, found {text.strip() or 'the end of a line'!r}")
        self._at += 1
        if kind == "key":
            return Variable(text if "." in text else f"var.{text}")
        return Text(text, kind == "number")

    def _entries(self, depth: int) -> Entries:
        if depth > _DEPTH:
            raise self.error(f"more than {_DEPTH} lists are in one another")
        self._take("mark", "(")
        found: List[Entry] = []
        while self._peek() != ("mark", ")"):
            key, value = None, self._expression(depth)
            if self._peek() == ("mark", "=>"):
                self._at += 1
                key, value = value, self._expression(depth)
            found.append(Entry(key, value))
            if self._peek() != ("mark", ")"):
                self._take("mark", ",")
        self._take("mark", ")")
        return Entries(tuple(found))

    def _skip_lines(self) -> None:
        while self._peek()[0] == "line":
            self._at += 1
