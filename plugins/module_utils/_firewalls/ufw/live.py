# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the changes of a running ufw's chains; no foreign rule is named.

ufw itself flushes its chains and loads the whole file anew, which takes rules away that only the kernel has.
"""

from __future__ import annotations

import difflib
from collections import Counter
from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import user_chain
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import RuleBlock, UserRules
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import XtablesJump, meaning
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import inserts

Meaning = Tuple[FrozenSet[Match], str, str]


@dataclass(frozen=True)
class LiveChange:
    """Restore input that makes ``table`` of a filter table, and the input that takes that back."""

    script: str
    undo: str
    table: Table


@dataclass(frozen=True)
class _Edit:
    """One chain: the rules that stay, and ours that go and come among them, each by the index of the one behind it."""

    chain: str
    kept: Tuple[Rule, ...]
    gone: Tuple[XtablesJump, ...]
    new: Tuple[XtablesJump, ...]


def is_live(table: Optional[Table], family: int) -> bool:
    """Tells whether a filter table holds the chains of a running ufw; a stopped one leaves others behind."""
    return table is not None and table.chain(user_chain("in", family)) is not None


def plan_live(table: Table, have: UserRules, want: UserRules, ours: FrozenSet[RuleBlock]) -> Optional[LiveChange]:
    """Returns what brings the chains of users from one content of the file to another, None where they are so.

    ``ours`` are the blocks of either that belong to the set, or did. Rules in the chains that the file does not have
    stay where they are.
    """
    edits = [
        _compare(chain, have, want, ours)
        for chain in (table.chain(user_chain(direction, have.family)) for direction in ("in", "out"))
        if chain is not None
    ]
    edits = [edit for edit in edits if edit.gone or edit.new]
    if not edits:
        return None
    after = {edit.chain: _filled(edit, have.family) for edit in edits}
    chains = tuple(replace(chain, rules=after.get(chain.name, chain.rules)) for chain in table.chains)
    forth = [line for edit in edits for line in _lines(edit, edit.gone, edit.new)]
    back = [line for edit in edits for line in _lines(edit, edit.new, edit.gone)]
    return LiveChange(_script(forth), _script(back), replace(table, chains=chains))


def _compare(chain: Chain, have: UserRules, want: UserRules, ours: FrozenSet[RuleBlock]) -> _Edit:
    """Matches the rules of the chain with those of the file, and sees which of ours are too many or missing."""
    expected = _expected(want, chain.name)
    live = [meaning(rule) for rule in chain.rules]
    pairs = _pair([what for what, _block in expected], live)
    matched = set(pairs.values())
    stale = Counter(what for what, block in _expected(have, chain.name) if block in ours)
    stale.subtract(what for index, (what, block) in enumerate(expected) if index in pairs and block in ours)
    gone: List[XtablesJump] = []
    kept: List[Rule] = []
    places: List[int] = []
    for index, rule in enumerate(chain.rules):
        places.append(len(kept))
        if index not in matched and stale[live[index]] > 0:
            stale[live[index]] -= 1
            gone.append(XtablesJump(chain.name, len(kept), rule.text))
        else:
            kept.append(rule)
    places.append(len(kept))
    new = [
        XtablesJump(chain.name, places[_next(pairs, index, len(chain.rules))], block.rule.live_line(have.family))
        for index, (_what, block) in enumerate(expected)
        if index not in pairs and block in ours and block.rule is not None
    ]
    return _Edit(chain.name, tuple(kept), tuple(gone), tuple(new))


def _expected(file: UserRules, chain: str) -> List[Tuple[Meaning, RuleBlock]]:
    """What each rule of a chain does as the file has it, and the block that it comes from."""
    made = file.table().chain(chain)
    blocks = [block for block in file.blocks for _rule in range(block.size(chain))]
    return [(meaning(rule), block) for rule, block in zip(made.rules if made else (), blocks)]


def _pair(expected: Sequence[Meaning], live: Sequence[Meaning]) -> Dict[int, int]:
    """Returns for each expected rule the live one that it is, both orders kept."""
    same = 0
    while same < min(len(expected), len(live)) and expected[same] == live[same]:
        same += 1
    matcher = difflib.SequenceMatcher(None, expected[same:], live[same:], autojunk=False)
    pairs = {index: index for index in range(same)}
    for block in matcher.get_matching_blocks():
        pairs.update({same + block.a + step: same + block.b + step for step in range(block.size)})
    return pairs


def _next(pairs: Dict[int, int], index: int, end: int) -> int:
    """The live rule before which a missing one goes."""
    return min((live for expected, live in pairs.items() if expected > index), default=end)


def _filled(edit: _Edit, family: int) -> Tuple[Rule, ...]:
    rules = list(edit.kept)
    for jump in reversed(edit.new):
        rules.insert(jump.index, parse_rule(jump.line, FAMILIES[family]))
    return tuple(rules)


def _lines(edit: _Edit, gone: Sequence[XtablesJump], new: Sequence[XtablesJump]) -> List[str]:
    """Deletes by text, so that a moved index cannot hit another rule; by number where two rules read the same."""
    texts = Counter([rule.text for rule in edit.kept] + [jump.line for jump in gone])
    lines: List[str] = []
    for before in reversed(range(len(gone))):
        jump = gone[before]
        number = jump.index + before + 1
        lines.append("-D" + jump.line[2:] if texts[jump.line] == 1 else f"-D {edit.chain} {number}")
    return lines + inserts(tuple(new))


def _script(lines: Sequence[str]) -> str:
    return "\n".join(["*filter", *lines, "COMMIT", ""])
