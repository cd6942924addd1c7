# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy's line syntax: splits lines into words, quotes words, and walks sections."""

from __future__ import annotations

import re
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

# Keywords that open a section, docs.haproxy.org/3.2/configuration.html, 2.1 and the chapters after it.
SECTIONS = frozenset(
    (
        *("global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "mailers", "userlist"),
        *("program", "http-errors", "ring", "cache", "log-forward", "log-profile", "crt-store", "traces"),
        *("fcgi-app", "acme", "healthcheck"),
    )
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}
_VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:\[\*\])?(?:-([^}]*))?\}|([A-Za-z_][A-Za-z0-9_]*)")
_CARRIED = " \v"  # stands for a line end after a backslash; HAProxy takes both for blanks
_PLAIN = re.compile(r"[A-Za-z0-9_./:=@,+*%~^\[\]()!{}<>&?;|-]+\Z")


class Line(NamedTuple):
    """One line: its section's keyword and name (empty where it has none), words, the line as written, its number."""

    section: str
    name: str
    words: Tuple[str, ...]
    text: str
    number: int = 0


class UnclosedQuoteError(ValueError):
    """A quote that does not end in its line."""


def split_line(line: str, environment: Optional[Mapping[str, str]] = None) -> List[str]:
    """Returns the words of a line as HAProxy sees them, docs.haproxy.org/2.6/configuration.html, 2.2 and 2.3.

    Variables, which stand in double quotes alone, become their values; those that ``environment`` lacks stay as they
    are. Raises UnclosedQuoteError.
    """
    words: List[str] = []
    word, begun, quote, at = "", False, "", 0
    while at < len(line):
        char = line[at]
        if char in "\"'" and quote in ("", char):
            quote, begun, at = "" if quote else char, True, at + 1
        elif char == "\\" and quote != "'":
            value, at = _read_escape(line, at)
            word, begun = word + value, True
        elif not quote and char == "#":
            break
        elif not quote and char in " \t\r\v\f":
            if begun:
                words.append(word)
            word, begun, at = "", False, at + 1
        elif char == "$" and quote == '"':
            value, at = _read_variable(line, at, environment or {})
            word += value
        else:
            word, begun, at = word + char, True, at + 1
    if quote:
        raise UnclosedQuoteError(line)
    return [*words, word] if begun else words


def _read_escape(line: str, at: int) -> Tuple[str, int]:
    """Returns what a backslash and what follows it mean, and where the line goes on."""
    following = line[at + 1 : at + 2]
    if following in _ESCAPED and following:
        return _ESCAPED[following], at + 2
    if following == "x" and re.match("[0-9a-fA-F]{2}", line[at + 2 :]):
        return chr(int(line[at + 2 : at + 4], 16)), at + 4
    if following and following in " #\\\"'$":
        return following, at + 2
    return "\\", at + 1


def _read_variable(line: str, at: int, environment: Mapping[str, str]) -> Tuple[str, int]:
    found = _VARIABLE.match(line, at + 1)
    if found is None:
        return "$", at + 1
    default = found.group(2)
    return environment.get(found.group(1) or found.group(3), found.group() if default is None else default), found.end()


def quote(word: str) -> str:
    """Returns a word as it stands in a line; it holds no line end and no NUL, which no quoting helps."""
    if _PLAIN.match(word):
        return word
    # In single quotes nothing has a meaning, not even a backslash; a single quote stands in double ones.
    return "'" + word.replace("'", "'\"'\"'") + "'"


def quote_format(word: str) -> str:
    """Returns a word that stands for itself where HAProxy reads a log format."""
    return quote(word.replace("%", "%%"))


def read_format(word: str) -> str:
    """Returns what quote_format() was given, from the word that is read back."""
    return word.replace("%%", "%")


def walk(texts: Sequence[str]) -> Iterator[Line]:
    """Yields the lines that say something, those that open a section among them.

    All branches of conditional blocks count, whose own lines begin with a dot: which one holds depends on the machine.
    Indentation means nothing. A quote that does not end is refused by HAProxy, which says so in its test.
    """
    environment: Dict[str, str] = {}
    for text in texts:
        section, name, number = "", "", 1
        # What a backslash carries on counts as one line, which begins where its first one does.
        for line in re.sub(r"\\\n", _CARRIED, text).split("\n"):
            begin, number = number, number + 1 + line.count(_CARRIED)
            line = line.replace(_CARRIED, " ")
            try:
                words = tuple(split_line(line, environment))
            except UnclosedQuoteError:
                words = tuple(line.split())
            if not words or words[0].startswith("."):
                continue
            if words[0] in SECTIONS:
                section, name = words[0], words[1] if len(words) > 1 else ""
            if section == "global" and words[0] in ("setenv", "presetenv") and len(words) > 2:
                environment[words[1]] = words[2]
            yield Line(section, name, words, line, begin)


def find_defaults(texts: Sequence[str]) -> List[Tuple[str, ...]]:
    """Returns the lines of the defaults section that a section at the end of the texts takes, as words.

    That is the last one, with what it takes from another by ``from`` (since 2.4) before its own.
    """
    return [line.words for line in take_defaults(walk(texts))]


def take_defaults(lines: Iterable[Line]) -> List[Line]:
    """Returns of a configuration's lines those that find_defaults returns as words."""
    named: Dict[str, List[Line]] = {}
    current: List[Line] = []
    for line in lines:
        if line.section != "defaults":
            continue
        if line.words[0] != "defaults":
            current.append(line)
            continue
        words = line.words
        current = list(named.get(words[words.index("from") + 1], ())) if "from" in words[:-1] else []
        if line.name and line.name != "from":
            named[line.name] = current
    return current
