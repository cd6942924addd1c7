# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the text of iptables-save and of rules files into tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._xtables.rule import RuleParser

# include/uapi/linux/netfilter_ipv4.h, NF_IP_PRI_*; the same for IPv6. Legacy and nft register at the same places.
_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_NAT_PRIORITIES = {"PREROUTING": -100, "INPUT": 100, "OUTPUT": -100, "POSTROUTING": 100}
_COUNTERS = re.compile(r"\[[0-9]+:[0-9]+\] ")
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")


@dataclass
class _Draft:
    """A table while its lines are read: each chain's policy, each chain's rule lines without counters."""

    name: str
    policies: Dict[str, Optional[str]] = field(default_factory=dict)
    lines: Dict[str, List[str]] = field(default_factory=dict)

    def declare(self, chain: str, policy: Optional[str]) -> None:
        self.policies[chain] = policy
        self.lines.setdefault(chain, [])


def parse_save(text: str, frontend: str, family: str, now: Optional[float] = None) -> Tuple[Table, ...]:
    """Returns the tables of ``iptables-save`` text, with or without counters, in the text's order.

    ``frontend`` is iptables-nft or iptables-legacy, ``family`` ip or ip6. A rule's ``text`` is its line, byte for byte,
    without counters. What is not understood becomes an ``unknown`` match or an ``opaque`` rule: this never raises.
    ``now``, in seconds of the epoch, decides about rules that hold for a time.
    """
    drafts: List[_Draft] = []
    for line in _logical_lines(text):
        if line.startswith("*"):
            drafts.append(_Draft(line[1:].strip()))
        elif drafts:
            _take(drafts[-1], line)
    return tuple(_build(draft, frontend, family, now) for draft in drafts)


def parse_rule(line: str, family: str, chains: Tuple[str, ...] = (), now: Optional[float] = None) -> Rule:
    """Returns one ``-A`` line as a rule; ``chains`` are the chains that it may jump to."""
    return RuleParser(family, frozenset(chains), now).parse(line)


def _logical_lines(text: str) -> Iterator[str]:
    """Yields lines with their counters cut off; a quoted comment may run over several lines (as of 1.8.9)."""
    if '"' not in text:
        physical = iter(text.split("\n"))
    else:
        physical = iter(_join_quoted(text.split("\n")))
    for line in physical:
        if line.startswith("["):
            line = _COUNTERS.sub("", line, count=1)
        yield line


def _join_quoted(lines: List[str]) -> Iterator[str]:
    waiting: List[str] = []
    for line in lines:
        if not waiting and ('"' not in line or line.startswith("#")):
            yield line
            continue
        waiting.append(line)
        if not _quote_is_open("\n".join(waiting)):
            yield "\n".join(waiting)
            waiting = []
    yield from waiting


def _quote_is_open(line: str) -> bool:
    if "\\" in line:
        line = re.sub(r"\\.", "", line, flags=re.DOTALL)
    return line.count('"') % 2 == 1


def _take(draft: _Draft, line: str) -> None:
    """Notes what one line does to the table."""
    if line.startswith(("-A ", "--append ")):
        draft.lines.setdefault(_word(line, 1), []).append(line)
    elif line.startswith(":"):
        policy = _word(line, 1)
        draft.declare(_word(line, 0)[1:], policy.lower() if policy not in ("-", "") else None)
    elif line.startswith(("-P ", "--policy ")):
        draft.declare(_word(line, 1), _word(line, 2).lower())
    elif line.startswith(("-N ", "--new-chain ")):
        draft.declare(_word(line, 1), None)
    elif line.startswith(("-I ", "--insert ")):
        number = _word(line, 2)
        place = int(number) - 1 if number.isdigit() and number != "0" else 0
        draft.lines.setdefault(_word(line, 1), []).insert(place, line)
    elif line.startswith(("-D ", "-R ", "--delete ", "--replace ")):
        draft.lines.setdefault(_word(line, 1), []).append(line)


def _word(line: str, index: int) -> str:
    words = line.split(None, index + 1)
    return words[index] if len(words) > index else ""


def _build(draft: _Draft, frontend: str, family: str, now: Optional[float]) -> Table:
    for chain in draft.lines:
        draft.policies.setdefault(chain, "accept" if chain in _HOOKS else None)
    names = frozenset(draft.policies)
    parser = RuleParser(family, names, now)
    chains = (
        _chain(
            draft.name, name, policy, _MEMORY.read((family, draft.name, name), draft.lines.get(name, ()), names, parser)
        )
        for name, policy in draft.policies.items()
    )
    return Table(frontend, family, draft.name, tuple(chains))


class _ChainMemory:
    """The rules of chains (family, table, name) as they were parsed last, a few versions of each.

    A run reads the same rules up to ten times: live and from the file, before and after, in the rehearsal's child.
    """

    most = 4  # versions of a chain

    def __init__(self) -> None:
        self._known: Dict[Tuple[str, str, str], List[Tuple[Tuple[str, ...], FrozenSet[str], Tuple[Rule, ...]]]] = {}

    def read(
        self, chain: Tuple[str, str, str], lines: Sequence[str], names: FrozenSet[str], parser: RuleParser
    ) -> Tuple[Rule, ...]:
        """Returns the rules of a chain, parsed anew only if they differ or may lead to other chains."""
        lines = tuple(lines)
        known = self._known.setdefault(chain, [])
        for read, those, rules in known:
            if read == lines and not _is_concerned(lines, names ^ those) and not _is_timed(lines):
                return rules
        rules = tuple(parser.parse(line) for line in lines)
        known[self.most - 1 :] = []
        known.insert(0, (lines, names, rules))
        return rules


_MEMORY = _ChainMemory()


def _is_concerned(lines: Sequence[str], names: FrozenSet[str]) -> bool:
    """Tells whether a rule may jump to a chain that came or went."""
    return len(names) > _ChainMemory.most or any(name in line for name in names for line in lines)


def _is_timed(lines: Sequence[str]) -> bool:
    """Tells whether a rule may hold no longer."""
    return any(" -m time " in line for line in lines)


def _chain(table: str, name: str, policy: Optional[str], rules: Tuple[Rule, ...]) -> Chain:
    if name not in _HOOKS:
        return Chain(name, rules)
    kind = "nat" if table == "nat" else "filter"
    priority = _NAT_PRIORITIES.get(name, -100) if table == "nat" else _PRIORITIES.get(table, 0)
    return Chain(name, rules, policy or "accept", name.lower(), priority, kind)
