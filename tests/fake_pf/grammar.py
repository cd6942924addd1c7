# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The grammar of pf.conf(5): statements, and the order that FreeBSD and macOS ask for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Tuple

from fake_pf import queues, settings
from fake_pf.addresses import INTERFACES, Addresses
from fake_pf.cursor import Cursor
from fake_pf.filters import Filters
from fake_pf.lexer import Lexer, Refused
from fake_pf.names import KEYWORDS
from fake_pf.pools import Pools
from fake_pf.rules import Rule
from fake_pf.statements import Statements

ORDER = {"options": 1, "normalization": 2, "queueing": 3, "translation": 4, "dummynet": 5, "filtering": 6}
OUT_OF_ORDER = "Rules must be in order: options, normalization, queueing, translation, filtering"
OTHERS = ("FreeBSD", "Darwin")
# The section of each statement and the systems that have it; those of tables, macros and anchors' files have none.
SECTIONS: Dict[str, Tuple[str, Tuple[str, ...]]] = {
    **dict.fromkeys(("pass", "block", "anchor", "antispoof"), ("filtering", (*OTHERS, "OpenBSD"))),
    **dict.fromkeys(("nat", "rdr", "binat", "nat-anchor", "rdr-anchor", "binat-anchor"), ("translation", OTHERS)),
    "scrub": ("normalization", OTHERS),
    "scrub-anchor": ("normalization", ("Darwin",)),
    "no": ("", OTHERS),
    "dummynet": ("dummynet", ("Darwin",)),
    "dummynet-anchor": ("dummynet", ("Darwin",)),
    "match": ("filtering", ("OpenBSD",)),
    "altq": ("queueing", ("FreeBSD",)),
    "queue": ("queueing", ("FreeBSD", "OpenBSD")),
}


@dataclass
class Loaded:
    """What a file comes to."""

    rules: List[Rule] = field(default_factory=list)
    skip: List[str] = field(default_factory=list)
    tables: Dict[str, Optional[List[str]]] = field(default_factory=dict)  # None for one that keeps what it holds
    load: List[Tuple[str, str]] = field(default_factory=list)
    said: str = ""
    errors: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)
    optimised: bool = True
    queues: queues.Queues = field(default_factory=queues.Queues)


class Parser:
    """Parses one file and what it includes; ``dry`` is under -n, where pf.os is not read."""

    def __init__(
        self,
        system: str,
        read: Callable[[str], Optional[str]],
        interfaces: Optional[Dict[str, Tuple[str, ...]]] = None,
        dry: bool = True,
        fingerprints: Tuple[str, ...] = (),
    ) -> None:
        self.system, self.read, self.dry = system, read, dry
        self._state = 0
        self.ordered = system != "OpenBSD"
        self.macros: Dict[str, str] = {}
        self.policy = "drop"
        self.found = Loaded()
        self.addresses = Addresses(system, interfaces or INTERFACES[system])
        self.filters = Filters(system, self.addresses)
        self.filters.fingerprints = fingerprints
        self.pools = Pools(system, self.addresses)
        self._statements = Statements(self)

    def parse(self, text: str, name: str, line: int = 1) -> Loaded:
        """Returns what the file comes to; ``errors`` says what pfctl would print of it."""
        lexer = Lexer(text, self.system, line)
        lexer.macros = self.macros
        cursor = Cursor(lexer)
        quiet = False
        while True:
            cursor.taken = int(quiet)
            try:
                if cursor.peek().kind == "eof":
                    return self.found
                self.statement(cursor)
                quiet = False
                self._tell(name)
            except Refused as refused:
                self._tell(name)
                # yacc tells of no error within three tokens behind the one before it
                words = refused.words.split("\n ")
                words = [] if quiet and cursor.taken < 3 and words == ["syntax error"] else words
                self.found.errors += refused.aside.splitlines() + [f"{name}:{refused.line}: {word}" for word in words]
                quiet = refused.of_grammar
                if not cursor.skip_line():
                    return self.found

    def _tell(self, name: str) -> None:
        self.found.errors += [f"{name}:{line}: {words}" for line, words in self.filters.told]
        self.filters.told.clear()

    def statement(self, cursor: Cursor) -> None:
        """Reads one statement and the end of its line."""
        if cursor.peek().kind == "end":
            cursor.take()
            return
        if cursor.peek().kind != "word":
            raise cursor.refused()
        word = cursor.peek().text
        if word in SECTIONS and self.system in SECTIONS[word][1]:
            cursor.take()
            self.section(SECTIONS[word][0], cursor)
            self._statements.read(word, cursor)
        elif word in ("set", "table", "load", "include"):
            cursor.take()
            {"set": settings.read, "table": self._table, "load": self._load, "include": self._include}[word](
                *((self, cursor) if word == "set" else (cursor,))
            )
        elif word in KEYWORDS:
            self._refuse_keyword(word, cursor)
        else:
            self._macro(cursor.take().text, cursor)
        cursor.end()

    def section(self, name: str, cursor: Cursor) -> None:
        """Refuses a statement of a section behind those of later ones."""
        if not name:
            return
        if self.ordered and self._state > ORDER[name]:
            raise cursor.wrong(OUT_OF_ORDER)
        self._state = max(self._state, ORDER[name])

    def _refuse_keyword(self, word: str, cursor: Cursor) -> None:
        """A word of the grammar names no macro; those that use it are not told of a second time."""
        refused = cursor.refused()
        cursor.take()
        if cursor.accept("=") and cursor.peek().kind in ("word", "string", "number"):
            self.macros[word] = cursor.peek().text
        raise refused

    def _macro(self, name: str, cursor: Cursor) -> None:
        cursor.expect("=")
        words = [cursor.word()]
        while cursor.peek().kind in ("word", "string", "number"):
            words.append(cursor.take().text)
        if not cursor.at_end():
            raise cursor.refused()
        self.macros[name] = " ".join(words)
        self.found.said += f'{name} = "{self.macros[name]}"\n'

    def _load(self, cursor: Cursor) -> None:
        cursor.expect("anchor")
        name = cursor.string()
        cursor.expect("from")
        self.found.load.append((name, cursor.string()))

    def _table(self, cursor: Cursor) -> None:
        cursor.expect("<")
        name = cursor.string()
        cursor.expect(">")
        if len(name) > 31:
            raise cursor.wrong("table name too long, max 31 chars")
        addresses: List[str] = []
        words, shown = set(), []
        while not cursor.at_end():
            if cursor.at("persist", "const", "counters"):
                words.add(cursor.take().text)
            elif cursor.accept("file"):
                path = cursor.string()
                text = self.read(path)
                if text is None:
                    raise cursor.wrong(f'cannot load "{path}": No such file or directory')
                addresses += [line.split("#")[0].strip() for line in text.split("\n") if line.split("#")[0].strip()]
                shown.append(f'file "{path}"')
            else:
                found = self._members(cursor)
                addresses += found
                shown.append("{ " + "".join(f"{one} " for one in found) + "}")
        self.found.tables[name] = addresses if shown else None
        flags = [word for word in ("const", "persist", "counters") if word in words]
        self.found.said += " ".join([f"table <{name}>", *flags, *shown]) + "\n"
        if self.system == "OpenBSD" and self.dry:
            self.found.notes.append(f"{cursor.line}: skipping duplicate table checks for <{name}>")

    def _members(self, cursor: Cursor) -> List[str]:
        cursor.expect("{")
        cursor.ends()
        found: List[str] = []
        while not cursor.accept("}"):
            found += self.addresses.table_items(cursor)
            cursor.ends()
            if cursor.accept(",") and cursor.at("}"):
                continue
        return found

    def _include(self, cursor: Cursor) -> None:
        path = cursor.string()
        text = self.read(path)
        if text is None:
            push = "pushfile: " if self.system == "OpenBSD" else ""
            raise cursor.wrong(f"failed to include file {path}", f"pfctl: {push}{path}: No such file or directory")
        self.parse(text, path, 1 if self.system == "OpenBSD" else 2)
