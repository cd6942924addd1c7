# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Maps the statements of an nft file to rules: those of each chain in the order that the kernel gets them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.scan import NftStatement

FAMILIES = ("ip", "ip6", "inet", "arp", "bridge", "netdev")
_NO_RULES = ("type", "policy", "flags", "comment", "device", "devices", "include", "define", "undefine", "redefine")
_OBJECTS = ("set", "map", "element", "flowtable", "counter", "quota", "ct", "limit", "secmark", "synproxy", "tunnel")
_HARMLESS = (*_OBJECTS, "define", "undefine", "redefine", "error", "list", "reset", "describe", "include", "print")
_PLACED = ("handle", "position", "index")

TableName = Tuple[str, str]
ChainName = Tuple[str, str, str]
"""Family, table, chain."""


@dataclass(frozen=True)
class Written:
    """A rule or a chain as it stands in the file.

    ``parent`` is the statement of the chain around a rule, or of the table around a chain; None for one that stands
    alone and so names its table itself.
    """

    statement: NftStatement
    chain: ChainName
    parent: Optional[NftStatement] = None
    table: Optional[NftStatement] = None


@dataclass
class Outline:
    """What a file makes.

    ``rules`` are each chain's in the kernel's order, ``chains`` the statements that declare each chain, and ``unclear``
    says of a statement that no order can be told after.
    """

    rules: Dict[ChainName, List[Written]] = field(default_factory=dict)
    chains: Dict[ChainName, List[Written]] = field(default_factory=dict)
    flushes: bool = False
    unclear: str = ""


def outline(statements: Sequence[NftStatement]) -> Outline:
    """Returns what the statements of a file make, those that take something away counted in."""
    made = Outline()
    for statement in statements:
        _note(made, statement)
    return made


def _note(made: Outline, statement: NftStatement) -> None:
    words = statement.bare
    kind = words[0] if words else ""
    if kind == "table":
        _note_table(made, statement)
    elif kind == "chain":
        _note_chain(made, statement, name_of(words[1:], 2), None)
    elif kind == "insert":
        rest = words[2:] if words[1:2] == ("rule",) else words[1:]
        _note_rule(made, statement, rest, 0)
    elif kind == "rule" or kind in FAMILIES:
        _note_rule(made, statement, words[1:] if kind == "rule" else words, None)
    elif kind in ("flush", "delete", "destroy"):
        _take_away(made, statement)
    elif kind not in _HARMLESS:
        made.unclear = made.unclear or " ".join(statement.words)


def name_of(words: Sequence[str], parts: int) -> Tuple[str, ...]:
    """Returns family and ``parts`` names from the beginning of a statement's words; the family may be left out."""
    if words[:1] and words[0] in FAMILIES and len(words) > parts:
        return tuple(words[: parts + 1])
    return ("ip", *words[:parts])


def spec_of(words: Sequence[str], parts: int) -> Tuple[Tuple[str, ...], Sequence[str]]:
    """Returns family and names from the beginning of a statement's words, and the words behind them."""
    given = bool(words[:1]) and words[0] in FAMILIES
    return name_of(words, parts), words[parts + given :]


def _note_table(made: Outline, statement: NftStatement) -> None:
    family, *names = name_of(statement.bare[1:], 1)
    for inner in statement.body:
        if inner.bare[:1] == ("chain",) and names and inner.bare[1:]:
            _note_chain(made, inner, (family, names[0], inner.bare[1]), statement)


def _note_chain(made: Outline, statement: NftStatement, name: Sequence[str], table: Optional[NftStatement]) -> None:
    if len(name) != 3:
        return
    chain = (name[0], name[1], name[2])
    made.chains.setdefault(chain, []).append(Written(statement, chain, table, table))
    for inner in statement.body:
        if inner.words and inner.words[0] not in _NO_RULES:
            made.rules.setdefault(chain, []).append(Written(inner, chain, statement, table))


def _note_rule(made: Outline, statement: NftStatement, words: Sequence[str], index: Optional[int]) -> None:
    name, rest = spec_of(words, 2)
    if len(name) != 3 or (rest[:1] and rest[0] in _PLACED):
        made.unclear = made.unclear or " ".join(statement.words)
        return
    chain = (name[0], name[1], name[2])
    rules = made.rules.setdefault(chain, [])
    rules.insert(len(rules) if index is None else index, Written(statement, chain))


def _take_away(made: Outline, statement: NftStatement) -> None:
    """Forgets what a flush or a deletion takes; what is left keeps its order."""
    verb = statement.bare[0]
    kind, *words = statement.bare[1:] or ("",)
    if kind == "ruleset":
        made.flushes = True
        gone = tuple(words[:1])
    elif kind == "table":
        gone = name_of(words, 1)
    elif kind == "chain" and len(name_of(words, 2)) == 3:
        gone = name_of(words, 2)
    else:
        if kind not in _OBJECTS:
            made.unclear = made.unclear or " ".join(statement.words)
        return
    _forget(made.rules, gone)
    if verb != "flush" or kind == "ruleset":
        _forget(made.chains, gone)


def _forget(names: Dict[ChainName, List[Written]], gone: Tuple[str, ...]) -> None:
    for chain in [chain for chain in names if chain[: len(gone)] == gone]:
        del names[chain]
