# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Edits our statements in nft files: puts them in, finds them, takes them out, every other byte kept.

What stands on lines of its own is put on lines of its own, what shares a line gets ours into that line; so the form
that is found tells which bytes came with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.insert import Insertions, cut
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import PROTOCOLS, set_name
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.outline import (
    ChainName,
    Outline,
    TableName,
    Written,
    name_of,
    outline,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import (
    NftStatement,
    ScanError,
    scan,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import (
    NftSources,
    Whole,
    assemble,
)


@dataclass(frozen=True)
class JumpText:
    """A jump to our chain: ``text`` before the ``ordinal``-th rule of ``chain``, or behind the last."""

    chain: str
    ordinal: int
    text: str


@dataclass(frozen=True)
class TableText:
    """What is ours in one table: the rules of our chain and the jumps to it."""

    table: TableName
    rules: Tuple[str, ...]
    jumps: Tuple[JumpText, ...]


def without_ours(sources: NftSources, chain: str, tables: Optional[Sequence[TableName]] = None) -> NftSources:
    """Returns the files without our chain and what leads to it; raises HostError where braces do not match.

    ``tables`` are those that are looked at, None for all.
    """
    if not sources.mention(chain):
        return sources
    whole = assemble(sources)
    found = _ours(_scan(whole, sources.path), chain)
    return _cut(sources, whole, [one for table, one in found if tables is None or table in tables])


def without_rules(sources: NftSources, table: TableName, rules: Dict[str, List[int]]) -> NftSources:
    """Returns the files without some rules of a table, named by chain and place among the chain's rules."""
    whole = assemble(sources)
    made = outline(_scan(whole, sources.path))
    named = [made.rules[(*table, chain)][ordinal] for chain, ordinals in rules.items() for ordinal in ordinals]
    return _cut(sources, whole, [written.statement for written in named])


def count_rules(sources: NftSources, chain: ChainName) -> int:
    """Returns how many statements make rules of a chain; raises HostError where their order cannot be told."""
    made = outline(_scan(assemble(sources), sources.path))
    if made.unclear:
        raise HostError(f"{made.unclear!r} in it changes rules in a way that is not understood")
    return len(made.rules.get(chain, ()))


def _cut(sources: NftSources, whole: Whole, statements: Sequence[NftStatement]) -> NftSources:
    spans: Dict[str, Set[Tuple[int, int]]] = {}
    for statement in statements:
        path, start = whole.locate(statement.start)
        spans.setdefault(path, set()).add((start, start + statement.end - statement.start))
    texts: Dict[str, str] = {}
    for path, found in spans.items():
        text = sources.text(path)
        for start, end in sorted(found, reverse=True):
            text = cut(text, start, end)
        texts[path] = text
    return sources.replaced(texts)


def with_ours(stripped: NftSources, chain: str, tables: Sequence[TableText]) -> NftSources:
    """Returns the files with the sets of some tables put in; raises HostError where there is no place for them."""
    whole = assemble(stripped)
    made = outline(_scan(whole, stripped.path))
    insertions = Insertions(stripped, whole)
    for table in tables:
        _insert_table(insertions, made, chain, table)
    return stripped.replaced(insertions.texts())


def _scan(whole: Whole, path: str) -> Tuple[NftStatement, ...]:
    try:
        return scan(whole.text)
    except ScanError as problem:
        raise HostError(f"{path} is no file that nft reads: {problem}") from None


def _ours(statements: Sequence[NftStatement], chain: str) -> Iterator[Tuple[TableName, NftStatement]]:
    """Our statements, each with the table that it is about."""
    for statement in statements:
        words = statement.bare
        kind = words[0] if words else ""
        if kind == "table":
            table = _table_name(name_of(words[1:], 1))
            for inner in statement.body:
                if inner.bare[:2] == ("chain", chain) or _is_own_set(inner.bare[:1], inner.bare[1:2], chain):
                    yield table, inner
                elif inner.bare[:1] == ("chain",):
                    yield from ((table, rule) for rule in inner.body if _leads_to(rule, chain))
            continue
        spec = name_of(words[1:] if kind in ("chain", "rule", "set", "element") else words, 2)
        own = spec[2:] == (chain,) or _is_own_set(words[:1], spec[2:], chain)
        if len(spec) == 3 and (own or _leads_to(statement, chain)):
            yield _table_name(spec), statement
        elif kind == "chain":
            yield from ((_table_name(spec), rule) for rule in statement.body if _leads_to(rule, chain))


def _is_own_set(kind: Tuple[str, ...], name: Tuple[str, ...], chain: str) -> bool:
    """Whether it is a set that holds our ports for a time: none of ours is put here, but a saved ruleset has it."""
    return kind in (("set",), ("element",)) and name[:1] in [(set_name(chain, one),) for one in PROTOCOLS]


def _table_name(spec: Sequence[str]) -> TableName:
    return spec[0], spec[1] if len(spec) > 1 else ""


def _leads_to(statement: NftStatement, chain: str) -> bool:
    pairs = zip(statement.words, statement.words[1:])
    return any(first in ("jump", "goto") and second == chain for first, second in pairs)


def _insert_table(insertions: Insertions, made: Outline, chain: str, table: TableText) -> None:
    anchors = [(_anchor(made, table.table, jump), jump) for jump in table.jumps]
    if not anchors:
        return
    first = min((anchor for anchor, _jump in anchors), key=lambda anchor: anchor.position)
    home = first.written
    if home.table is not None:
        around = home.parent if home.parent is not None and home.parent is not home.table else home.statement
        insertions.define(around, chain, table.rules)
    else:
        spec = " ".join((*table.table, chain))
        lines = [f"add chain {spec}", *(f"add rule {spec} {rule}" for rule in table.rules)]
        around = home.parent or home.statement
        if first.after:
            insertions.after(home.statement, lines)
        else:
            insertions.before(around.start, lines)
    for anchor, jump in anchors:
        _insert_jump(insertions, anchor, jump, table.table)


@dataclass(frozen=True)
class _Anchor:
    """Where a jump goes: before a rule, at the end of a chain's braces, or behind a statement that stands alone.

    What is to come before a rule that was inserted has to be inserted itself, ``after`` that.
    """

    written: Written
    after: bool = False
    verb: str = "add"
    within: Optional[NftStatement] = None

    @property
    def position(self) -> int:
        """What comes first in the text is first."""
        return self.within.closing if self.within else self.written.statement.start


def _anchor(made: Outline, table: TableName, jump: JumpText) -> _Anchor:
    name = (*table, jump.chain)
    rules, chains = made.rules.get(name, []), made.chains.get(name, [])
    if jump.ordinal < len(rules):
        written = rules[jump.ordinal]
        inserted = written.statement.words[:1] == ("insert",)
        return _Anchor(written, after=True, verb="insert") if inserted else _Anchor(written)
    if rules:
        last = rules[-1]
        return _Anchor(last, within=last.parent) if last.parent else _Anchor(last, after=True)
    if not chains:
        raise HostError(f"chain {jump.chain} of table {' '.join(table)} is made in a way that is not understood")
    last = chains[-1]
    return _Anchor(last, within=last.statement) if last.table and last.statement.has_body else _Anchor(last, after=True)


def _insert_jump(insertions: Insertions, anchor: _Anchor, jump: JumpText, table: TableName) -> None:
    statement = anchor.written.statement
    alone = "{} rule {} {}".format(anchor.verb, " ".join((*table, jump.chain)), jump.text)
    if anchor.within is not None:
        insertions.at_end(anchor.within, jump.text)
    elif anchor.after:
        insertions.after(statement, [alone])
    else:
        insertions.before(statement.start, [alone if anchor.written.parent is None else jump.text])
