# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses user.rules and user6.rules into a block of lines for each rule, every other byte kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import TUPLE, UfwRule, parse_tuple
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, NFT
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

PATHS = {4: "/etc/ufw/user.rules", 6: "/etc/ufw/user6.rules"}
_BEGIN = "### RULES ###"
_BODY = re.compile(r"-A ufw6?-user-(?:logging-)?(?:input|output|forward) ")


@dataclass(frozen=True)
class RuleBlock:
    """Some lines of the file: a rule of ufw, or lines that ufw skips (``rule`` is None)."""

    text: str
    rule: Optional[UfwRule] = None

    def size(self, chain: str) -> int:
        """How many rules of iptables it puts into a chain."""
        return sum(line.startswith(f"-A {chain} ") for line in self.text.split("\n"))


@dataclass(frozen=True)
class UserRules:
    """The file of one IP version: what stands before the rules, the rules, and what stands behind them."""

    family: int
    head: str
    blocks: Tuple[RuleBlock, ...]
    tail: str

    @property
    def text(self) -> str:
        """The whole file."""
        return self.head + "".join(block.text for block in self.blocks) + self.tail

    def with_blocks(self, blocks: Iterable[RuleBlock]) -> UserRules:
        """The file with other rules."""
        return replace(self, blocks=tuple(blocks))

    def table(self) -> Table:
        """The filter table that the file makes; its chains are as ufw loads them."""
        tables = parse_save(self.text, NFT, FAMILIES[self.family])
        return next((one for one in tables if one.name == "filter"), Table(NFT, FAMILIES[self.family], "filter"))


def parse_user_rules(text: str, family: int) -> Optional[UserRules]:
    """Returns the file in parts, None where it has no place for rules, so that ufw would not load any.

    A file as the package brings it has rules of other chains directly behind that place; ufw adds an end mark when it
    first writes the file.
    """
    lines = re.split(r"(?<=\n)", text)
    start = next((number for number, line in enumerate(lines) if line.rstrip() == _BEGIN), None)
    if start is None:
        return None
    blocks: List[RuleBlock] = []
    waiting: List[str] = []
    number = start + 1
    while number < len(lines):
        if not lines[number].startswith(TUPLE):
            waiting.append(lines[number])
            number += 1
            continue
        end = number + 1
        while end < len(lines) and _BODY.match(lines[end]):
            end += 1
        lead = [waiting.pop()] if waiting and not waiting[-1].strip() else []
        blocks += [RuleBlock("".join(waiting))] if waiting else []
        blocks.append(RuleBlock("".join(lead + lines[number:end]), parse_tuple(lines[number])))
        waiting, number = [], end
    return UserRules(family, "".join(lines[: start + 1]), tuple(blocks), "".join(waiting))


def boundaries(blocks: Sequence[RuleBlock], chain: str) -> List[int]:
    """For each place between blocks, from before the first to behind the last: how many rules of a chain precede it."""
    counts = [0]
    for block in blocks:
        counts.append(counts[-1] + block.size(chain))
    return counts


def put(others: Sequence[RuleBlock], ours: Dict[int, List[RuleBlock]]) -> List[RuleBlock]:
    """Returns all blocks, ours before the others' block of that index; the index may be the number of the others'."""
    merged: List[RuleBlock] = []
    for index, block in enumerate(others):
        merged += [*ours.get(index, ()), block]
    return merged + ours.get(len(others), [])
