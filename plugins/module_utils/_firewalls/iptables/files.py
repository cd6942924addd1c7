# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts our chain and its jumps into the text of a rules file, and takes them out."""

from __future__ import annotations

from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import (
    Takes,
    XtablesLayout,
    takes_nothing,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import XtablesJump
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import (
    _find_section,
    _lines,
    without_counters,
)


def without_ours(text: str, chain: str, takes: Takes = takes_nothing, family: str = "ip") -> str:
    """Returns a rules file without our chain, the jumps to it and the rules to take over, all else byte for byte."""
    kept: List[str] = []
    in_filter = False
    for line in _lines(text):
        bare = without_counters(line.strip())
        if bare.startswith("*"):
            in_filter = bare == "*filter"
        if not (in_filter and (_is_ours(bare, chain) or _is_taken(bare, takes, family))):
            kept.append(line)
    return "".join(kept)


def _is_taken(line: str, takes: Takes, family: str) -> bool:
    if takes is takes_nothing or not line.startswith("-A "):
        return False
    return takes(line.split()[1], parse_rule(line, family))


def _is_ours(line: str, chain: str) -> bool:
    """Whether a line belongs to our chain or leads to it, however it is spelled."""
    if chain not in line:
        return False
    words = line.split()
    if words[0] == ":" + chain or words[:2] == ["-A", chain]:
        return True
    return words[0] == "-A" and parse_rule(line, "ip", (chain,)).target == chain


def with_ours(stripped: str, chain: str, layout: XtablesLayout) -> str:
    """Returns a stripped rules file with the layout put into its filter table."""
    lines = _lines(stripped)
    start, end = _filter_section(lines)
    newline = "\r\n" if lines[start].endswith("\r\n") else "\n"
    inserts: Dict[int, List[str]] = {}
    for jump in sorted(layout.jumps, key=lambda jump: jump.index):
        inserts.setdefault(_line_of(lines, start, end, jump), []).append(jump.line)
    inserts.setdefault(_after_declarations(lines, start, end), []).insert(0, f":{chain} - [0:0]")
    inserts.setdefault(end, []).extend(layout.rules)
    whole: List[str] = []
    for number, line in enumerate(lines):
        whole += [ours + newline for ours in inserts.get(number, ())] + [line]
    return "".join(whole)


def _filter_section(lines: Sequence[str]) -> Tuple[int, int]:
    section = _find_section(lines)
    if section is None:
        raise ValueError("a rules file without filter table has no place for a set")
    return section


def _after_declarations(lines: Sequence[str], start: int, end: int) -> int:
    """Behind the first block of declarations: later ones may stand behind rules that lead to our chain."""
    number = start + 1
    while number < end and lines[number].lstrip().startswith((":", "#")):
        number += 1
    return number


def _line_of(lines: Sequence[str], start: int, end: int, jump: XtablesJump) -> int:
    """The line before which a jump goes; behind the chain's last rule if it goes last, else before COMMIT."""
    prefix = f"-A {jump.chain} "
    rules = [n for n in range(start, end) if (without_counters(lines[n].strip()) + " ").startswith(prefix)]
    if jump.index < len(rules):
        return rules[jump.index]
    return rules[-1] + 1 if rules else end
