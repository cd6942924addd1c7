# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of pf.conf(5): what ``set`` takes, and what is printed of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from fake_pf.cursor import Cursor
from fake_pf.names import LIMITS, TIMEOUTS

if TYPE_CHECKING:
    from fake_pf.grammar import Parser

VALUES = {
    "block-policy": ("drop", "return"),
    "state-policy": ("if-bound", "floating"),
    "optimization": ("normal", "default", "high-latency", "satellite", "aggressive", "conservative"),
    "ruleset-optimization": ("none", "basic", "profile"),
    "require-order": ("yes", "no"),
}
DEBUG = {
    "OpenBSD": ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"),
    "FreeBSD": ("none", "urgent", "misc", "loud"),
}
SILENT = ("ruleset-optimization", "state-defaults")
ANYWHERE = ("skip", "limit", "timeout", "require-order")  # parse.y asks for no order of these


def read(parser: Parser, cursor: Cursor) -> None:
    """Reads what follows ``set``."""
    openbsd = parser.system == "OpenBSD"
    word = cursor.peek().text
    own = ("reassemble", "syncookies", "state-defaults") if openbsd else ("require-order", "fingerprints")
    cursor.expect(
        *("skip", "limit", "timeout", "optimization", "ruleset-optimization", "block-policy", "state-policy", "debug"),
        *("loginterface", "hostid", *own, "fingerprints"),
    )
    if word not in ANYWHERE:
        parser.section("options", cursor)
    if word == "skip":
        cursor.expect("on")
        names = cursor.items(cursor.string)
        parser.found.skip += names
        _say(parser, f"skip on {{ {' '.join(names)} }}")
    elif word in ("limit", "timeout"):
        cursor.items(lambda: _numbered(parser, word, cursor))
    elif word == "hostid":
        number = int(cursor.word(), 0)
        if number == 0:
            raise cursor.wrong("hostid must be non-zero")
        _say(parser, f"hostid 0x{number:08x}")
    elif word == "fingerprints":
        _fingerprints(parser, cursor)
    elif word == "reassemble":
        _say(parser, f"reassemble {cursor.expect('yes', 'no')}{' no-df' if cursor.accept('no-df') else ''}")
    elif word in ("syncookies", "state-defaults"):
        _free(parser, word, cursor)
    else:
        _valued(parser, word, cursor)


def _say(parser: Parser, words: str) -> None:
    parser.found.said += f"set {words}\n"


def _numbered(parser: Parser, word: str, cursor: Cursor) -> None:
    name = cursor.string()
    number = cursor.number()
    if word == "timeout" and name not in TIMEOUTS:
        raise cursor.wrong(f"unknown timeout {name}", "pfctl: Bad timeout name.")
    if word == "limit" and name not in LIMITS:
        raise cursor.wrong(f"unable to set limit {name} {number}", "pfctl: Bad pool name.")
    _say(parser, f"{word} {name} {number}")


def _fingerprints(parser: Parser, cursor: Cursor) -> None:
    path = cursor.string()
    text = parser.read(path)
    if text is None:
        raise cursor.wrong(f"error loading fingerprints {path}")
    parser.filters.fingerprints = systems_of(text)
    _say(parser, f'fingerprints "{path}"')


def systems_of(text: str) -> tuple:
    """The operating systems that a file of fingerprints names: the class, the fifth field from behind."""
    lines = [line for line in text.split("\n") if line and not line.startswith("#")]
    return tuple(re.split(r":", line)[-4].strip() for line in lines)


def _free(parser: Parser, word: str, cursor: Cursor) -> None:
    words = [token.text for token in cursor.rest()]
    text = re.sub(r" ([,)])", r"\1", " ".join(words)).replace("( ", "(")
    if not words:
        raise cursor.refused()
    if word not in SILENT:
        _say(parser, f"{word} {text}")


def _valued(parser: Parser, word: str, cursor: Cursor) -> None:
    debug = DEBUG["OpenBSD" if parser.system == "OpenBSD" else "FreeBSD"]
    allowed = debug if word == "debug" else VALUES.get(word, ())
    value = cursor.expect(*allowed) if allowed else cursor.string()
    if word == "block-policy":
        parser.policy = value
    if word == "require-order":
        parser.ordered = value == "yes"
    if word == "ruleset-optimization":
        parser.found.optimised = value != "none"
    if word not in SILENT:
        _say(parser, f"{word} {value}")
