# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates lighttpd's configuration: includes, variables, and what each block of conditions sets.

The reference is src/configparser.y, lighttpd 1.4.69. The files are read here, since ``lighttpd -p`` runs the commands
that a configuration includes, and says nothing as long as a certificate of the configuration is missing.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import FindTexts
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import (
    Assignment,
    Conditional,
    Entries,
    Include,
    JoinedValues,
    Statement,
    Text,
    Variable,
    parse,
)

INCLUDE_DEPTH = 20
# Pairs of a key, empty for none, and a value. A number is a string of digits.
Value = Union[str, Tuple[Tuple[str, "Value"], ...]]

# Commands that distributions' files include, and what they print, as far as that matters here.
_COMMANDS = (
    (re.compile(r"(?:\S*/)?use-ipv6\.pl\s+443"), '$SERVER["socket"] == "[::]:443" {{ ssl.engine = "enable" }}\n'),
    (re.compile(r"(?:\S*/)?use-ipv6\.pl(?:\s+(?P<port>[0-9]+))?"), '$SERVER["socket"] == "[::]:{port}" {{ }}\n'),
    (re.compile(r"(?:\S*/)?include-conf-enabled\.pl"), 'include "/etc/lighttpd/conf-enabled/*.conf"\n'),
    (re.compile(r"cat\s+(?P<path>[^\s|;&<>$`'\"]+)"), 'include "{path}"\n'),
)


@dataclass(frozen=True)
class BlockCondition:
    """What has to hold: ``variable`` is such as ``HTTP host``, empty where it is that nothing before held."""

    variable: str
    operator: str
    text: str


@dataclass
class Block:
    """What is set where all of its conditions hold; the one without conditions holds everywhere.

    Values that depend on what nobody here knows, such as the environment, are left out. ``places`` are file and line of
    each value, as far as it is known.
    """

    conditions: Tuple[BlockCondition, ...] = ()
    parent: Optional[Block] = None
    values: Dict[str, Value] = field(default_factory=dict)
    places: Dict[str, str] = field(default_factory=dict, compare=False)

    def find(self, key: str) -> Optional[Value]:
        """Returns a value as it was set here or in a block around it."""
        block: Optional[Block] = self
        while block is not None:
            if key in block.values:
                return block.values[key]
            block = block.parent
        return None

    def text(self, key: str) -> str:
        """Returns a string as it was set here or in a block around it, empty where it is none."""
        found = self.find(key)
        return found if isinstance(found, str) else ""


def is_enabled(value: Optional[Value]) -> Optional[bool]:
    """Returns what a switch says, None where it says nothing."""
    words = {"enable": True, "enabled": True, "true": True, "1": True}
    words.update({"disable": False, "disabled": False, "false": False, "0": False})
    return words.get(value.lower()) if isinstance(value, str) else None


def read_blocks(main: str, find: FindTexts, known: Optional[Mapping[str, Value]] = None) -> Tuple[Block, ...]:
    """Returns the blocks of a configuration in their order, the one without conditions first; raises HostError.

    ``known`` are variables that are set before.
    """
    run = _Evaluation(posixpath.dirname(main), find)
    run.everywhere.values.update(known or {})
    run.include(main, run.everywhere, 0)
    return tuple(run.blocks)


class _Evaluation:
    """One way through a configuration."""

    def __init__(self, folder: str, find: FindTexts) -> None:
        self._folder = folder
        self._find = find
        self._source = ""
        self.everywhere = Block()
        self.blocks: List[Block] = [self.everywhere]

    def include(self, pattern: str, block: Block, depth: int) -> None:
        """Evaluates files; a relative path is from the main file's folder."""
        if depth > INCLUDE_DEPTH:
            raise HostError(f"lighttpd's configuration includes itself: {pattern}")
        around = self._source
        for path, text in self._find(posixpath.join(self._folder, pattern)):
            self._source = path
            self._run(parse(text, pattern), block, depth)
        self._source = around

    def _run(self, statements: Sequence[Statement], block: Block, depth: int) -> None:
        for one in statements:
            if isinstance(one, Assignment):
                self._assign(one, block)
            elif isinstance(one, Include):
                self._include(one, block, depth)
            elif isinstance(one, Conditional):
                self._choose(one, block, depth)
            else:
                self._run(one.body, self.everywhere, depth)

    def _assign(self, one: Assignment, block: Block) -> None:
        value = self._evaluate(one.value, block)
        former = block.find(one.key) if one.operator == "+=" else None
        if former is not None and value is not None:
            value = _join(former, value)
        if value is None:
            block.values.pop(one.key, None)
        else:
            block.values[one.key] = value
            block.places[one.key] = f"{self._source} line {one.line}"

    def _include(self, one: Include, block: Block, depth: int) -> None:
        what = self._evaluate(one.what, block)
        if not isinstance(what, str):
            return
        if not one.shell:
            self.include(what, block, depth + 1)
            return
        for command, printed in _COMMANDS:
            found = command.fullmatch(what.strip())
            if found:
                words = {"port": "80", **{name: text for name, text in found.groupdict().items() if text}}
                self._run(parse(printed.format(**words), what), block, depth + 1)
                return

    def _choose(self, one: Conditional, block: Block, depth: int) -> None:
        for branch in one.branches:
            text = self._evaluate(branch.value, block) if branch.value is not None else ""
            condition = BlockCondition(branch.variable, branch.operator, text if isinstance(text, str) else "")
            self._run(branch.body, self._open((*block.conditions, condition), block), depth)

    def _open(self, conditions: Tuple[BlockCondition, ...], parent: Block) -> Block:
        """Blocks of the same conditions are one."""
        for block in self.blocks:
            if block.conditions == conditions and conditions[-1].variable:
                return block
        self.blocks.append(Block(conditions, parent))
        return self.blocks[-1]

    def _evaluate(self, expression: JoinedValues, block: Block) -> Optional[Value]:
        whole: Optional[Value] = None
        for part in expression.parts:
            if isinstance(part, Text):
                value: Optional[Value] = part.value
            elif isinstance(part, Variable):
                value = block.find(part.name)
            else:
                value = self._evaluate_entries(part, block)
            if value is None:
                return None
            whole = value if whole is None else _join(whole, value)
        return whole

    def _evaluate_entries(self, entries: Entries, block: Block) -> Value:
        found = []
        for entry in entries.entries:
            key = self._evaluate(entry.key, block) if entry.key is not None else ""
            value = self._evaluate(entry.value, block)
            if isinstance(key, str) and value is not None:
                found.append((key, value))
        return tuple(found)


def _join(one: Value, other: Value) -> Optional[Value]:
    if isinstance(one, str) and isinstance(other, str):
        return one + other
    if isinstance(one, tuple) and isinstance(other, tuple):
        return (*one, *other)
    return None
