# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements of pf.conf(5), as each system's parse.y takes and refuses them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

from fake_pf.cursor import Cursor
from fake_pf.filters import parse_filter
from fake_pf.lexer import Lexer, Refused, Token
from fake_pf.rules import Rule

ORDER = {"options": 1, "normalization": 2, "queueing": 3, "translation": 4, "dummynet": 5, "filtering": 6}
OUT_OF_ORDER = "Rules must be in order: options, normalization, queueing, translation, filtering"
SET_WORDS = (
    *("skip", "block-policy", "timeout", "limit", "optimization", "loginterface", "state-policy", "debug"),
    *("require-order", "fingerprints", "ruleset-optimization", "hostid", "reassemble", "state-defaults"),
    *("keepcounters", "syncookies"),
)
# Statements that are kept as text, by the systems that have them and the section that they belong to.
OPAQUE = {
    "altq": ("queueing", ("FreeBSD",)),
    "queue": ("queueing", ("FreeBSD", "OpenBSD")),
    "nat": ("translation", ("FreeBSD", "Darwin")),
    "binat": ("translation", ("FreeBSD", "Darwin")),
    "dummynet": ("dummynet", ("Darwin",)),
}
ANCHORS = {
    "scrub-anchor": ("normalization", ("FreeBSD", "Darwin")),
    "nat-anchor": ("translation", ("FreeBSD", "Darwin")),
    "rdr-anchor": ("translation", ("FreeBSD", "Darwin")),
    "binat-anchor": ("translation", ("FreeBSD", "Darwin")),
    "dummynet-anchor": ("dummynet", ("Darwin",)),
}


@dataclass
class Loaded:
    """What a file comes to."""

    rules: List[Rule] = field(default_factory=list)
    skip: List[str] = field(default_factory=list)
    tables: Dict[str, List[str]] = field(default_factory=dict)
    load: List[Tuple[str, str]] = field(default_factory=list)
    said: str = ""
    errors: List[str] = field(default_factory=list)


class Parser:
    """Parses one file and what it includes."""

    def __init__(self, system: str, read: Callable[[str], Optional[str]]) -> None:
        self._system = system
        self._read = read
        self._state = 0
        self._order = system != "OpenBSD"
        self._macros: Dict[str, str] = {}
        self._policy = "drop"
        self.found = Loaded()

    def parse(self, text: str, name: str) -> Loaded:
        """Returns what the file comes to; ``errors`` says what pfctl would print of it."""
        lexer = Lexer(text, self._system)
        lexer.macros = self._macros
        while True:
            tokens: List[Token] = []
            try:
                tokens = lexer.line_tokens()
                if not tokens:
                    return self.found
                if tokens[-1].kind != "end":
                    raise Refused(tokens[-1].line, "syntax error")
                self._statement(Cursor(tokens))
            except Refused as refused:
                self.found.errors.append(f"{name}:{refused.line}: {refused.words}")
                if not tokens:
                    return self.found

    def _statement(self, cursor: Cursor) -> None:
        if cursor.peek().kind == "end":
            return
        if cursor.peek().kind == "string":
            raise cursor.refused()
        word = cursor.take().text
        if cursor.at("="):
            self._macro(word, cursor)
        elif word in ("pass", "block", "match", "anchor", "antispoof"):
            self._filter(word, cursor)
        elif word == "set":
            self._option(cursor)
        elif word == "table":
            self._table(cursor)
        elif word == "load":
            cursor.expect("anchor")
            name = cursor.string()
            cursor.expect("from")
            self.found.load.append((name, cursor.string()))
        elif word == "include":
            self._include(cursor)
        elif word == "scrub" and self._system != "OpenBSD":
            self._section("normalization", cursor)
            self._scrub(cursor)
        elif word in ("rdr", "no") and self._system != "OpenBSD":
            self._section("translation", cursor)
            self._redirect(word, cursor)
        elif word in ANCHORS and self._system in ANCHORS[word][1]:
            self._section(ANCHORS[word][0], cursor)
            cursor_name = cursor.string()
            self.found.rules.append(Rule(word, anchor=cursor_name))
        elif word in OPAQUE and self._system in OPAQUE[word][1]:
            self._section(OPAQUE[word][0], cursor)
            self.found.rules.append(Rule(word, options=cursor.rest()))
        else:
            raise Refused(cursor.line, "syntax error")
        cursor.end()

    def _section(self, name: str, cursor: Cursor) -> None:
        if self._order and self._state > ORDER[name]:
            raise Refused(cursor.line, OUT_OF_ORDER)
        self._state = max(self._state, ORDER[name])

    def _macro(self, name: str, cursor: Cursor) -> None:
        cursor.expect("=")
        words = []
        while cursor.peek().kind in ("word", "string"):
            words.append(cursor.take().text)
        if not words:
            raise cursor.refused()
        self._macros[name] = " ".join(words)
        self.found.said += f'{name} = "{self._macros[name]}"\n'

    def _option(self, cursor: Cursor) -> None:
        self._section("options", cursor)
        word = cursor.string()
        if word not in SET_WORDS:
            raise cursor.refused()
        if word == "skip":
            cursor.expect("on")
            names = cursor.items(cursor.string)
            self.found.skip += names
            self.found.said += "set skip on { " + " ".join(names) + " }\n"
            return
        if word == "require-order" and self._system == "OpenBSD":
            raise cursor.refused()
        value = cursor.rest()
        if not value:
            raise cursor.refused()
        if word == "block-policy":
            if value not in ("drop", "return"):
                raise cursor.refused()
            self._policy = value
        if word == "require-order":
            self._order = value == "yes"
        self.found.said += f"set {word} {value}\n"

    def _table(self, cursor: Cursor) -> None:
        cursor.expect("<")
        name = cursor.string()
        cursor.expect(">")
        addresses: List[str] = []
        words = []
        while cursor.peek().kind != "end":
            if cursor.at("persist", "const", "counters"):
                words.append(cursor.take().text)
            elif cursor.accept("file"):
                path = cursor.string()
                text = self._read(path)
                if text is None:
                    raise Refused(cursor.line, f'cannot load "{path}": No such file or directory')
                addresses += [line for line in text.split("\n") if line and not line.startswith("#")]
            else:
                addresses += self._addresses(cursor)
        self.found.tables[name] = addresses
        body = " { " + " ".join(addresses) + " }" if addresses else ""
        self.found.said += " ".join([f"table <{name}>", *words]) + body + "\n"

    def _addresses(self, cursor: Cursor) -> List[str]:
        if not cursor.at("{"):
            raise cursor.refused()
        if cursor._tokens[cursor._at + 1].text == "}":
            cursor.take(), cursor.take()
            return []

        def read() -> str:
            sign = "!" if cursor.accept("!") else ""
            address = cursor.string()
            return sign + address + (f"/{cursor.number(128)}" if cursor.accept("/") else "")

        return cursor.items(read)

    def _include(self, cursor: Cursor) -> None:
        path = cursor.string()
        text = self._read(path)
        if text is None:
            raise Refused(cursor.line, f"failed to include file {path}")
        self.parse(text, path)

    def _scrub(self, cursor: Cursor) -> None:
        direction = cursor.take().text if cursor.at("in", "out") else ""
        interface = cursor.string() if cursor.accept("on") else ""
        cursor.accept("all")
        self.found.rules.append(
            Rule(
                "scrub",
                direction=direction,
                interface=interface,
                options=cursor.rest().replace("fragment reassemble", ""),
            )
        )

    def _redirect(self, word: str, cursor: Cursor) -> None:
        if word == "no":
            cursor.expect("rdr")
        action = ("no rdr" if word == "no" else "rdr") + (" pass" if cursor.accept("pass") else "")
        rules = parse_filter(cursor, action, self._system, {})
        target = ""
        if cursor.accept("->"):
            target = "-> " + cursor.string() + (f" port {cursor.string()}" if cursor.accept("port") else "")
        elif word != "no":
            raise cursor.refused()
        for rule in rules:
            rule.redirect = target
            self.found.rules.append(rule)

    def _filter(self, word: str, cursor: Cursor) -> None:
        self._section("filtering", cursor)
        self.found.rules += parse_filter(cursor, word, self._system, {"block-policy": self._policy})
