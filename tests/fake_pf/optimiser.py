# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What pfctl's optimiser makes of filter rules (pfctl_optimize.c): duplicates go, tables come, the order changes.

It works on runs of rules that decide alike. With ``pfctl -R`` it cannot make tables, says so at the first run of two
rules or more, and all rules of the ruleset are lost while pfctl ends with 0.
"""

from __future__ import annotations

import copy
import ipaddress
from dataclasses import fields
from typing import Dict, List, Tuple

from fake_pf.rules import Rule

THRESHOLD = 6  # TABLE_THRESHOLD
NO_TABLES = "pfctl: Must enable table loading for optimizations\n"
# Fields in which the rules of one run may differ; the first two may be made one.
COMBINED = ("source", "destination")
NOMERGE = (
    *("interface", "direction", "family", "protocol", "source_port", "destination_port"),
    *("flags", "icmp", "user", "group", "os", "tos", "tagged", "icmp_code", *COMBINED),
)
SKIPS = ("interface", "direction", "family", "protocol", "source", "source_port", "destination", "destination_port")
SKIPS_OPENBSD = (*SKIPS[:4], "source", "destination", "source_port", "destination_port")
SINGLE_STATES = ("max ", "max-src", "source-track rule")


def optimise(rules: List[Rule], system: str, unique: str, tables: Dict[str, List[str]]) -> Tuple[List[Rule], str]:
    """Returns the filter rules that are left, and what is said where that cannot be had without tables.

    ``unique`` becomes part of the names of the tables that are put into ``tables``.
    """
    done: List[Rule] = []
    skips = SKIPS_OPENBSD if system == "OpenBSD" else SKIPS
    for block in superblocks(rules):
        if len(block) > 1:
            block = reorder(_combine(_without_duplicates(block), tables, unique), skips)
        done += block
    return done, NO_TABLES if any(len(block) > 1 for block in superblocks(rules)) else ""


def superblocks(rules: List[Rule]) -> List[List[Rule]]:
    """The rules in runs that may be put into another order."""
    blocks: List[List[Rule]] = []
    for rule in rules:
        if blocks and not _stands_alone(rule) and _bare(blocks[-1][0], NOMERGE) == _bare(rule, NOMERGE):
            blocks[-1].append(rule)
        else:
            blocks.append([rule])
    return blocks


def _stands_alone(rule: Rule) -> bool:
    limits = any(word in rule.state_options for word in SINGLE_STATES)
    return bool(rule.label or rule.anchor or rule.body or rule.probability or limits)


def _bare(rule: Rule, without: Tuple[str, ...]) -> Dict[str, object]:
    return {one.name: getattr(rule, one.name) for one in fields(rule) if one.name not in without}


def _without_duplicates(block: List[Rule]) -> List[Rule]:
    kept: List[Rule] = []
    for rule in block:
        if any(_covers(rule=other, other=rule) for other in kept):
            continue
        kept = [other for other in kept if not _covers(rule, other)] + [rule]
    return kept


def _covers(rule: Rule, other: Rule) -> bool:
    """Whether all that the other matches is matched by the rule as well (exclude_supersets())."""
    moved = copy.deepcopy(other)
    for name in ("interface", "direction", "family", "protocol", "source_port", "destination_port"):
        if not getattr(rule, name):
            setattr(moved, name, getattr(rule, name))
    if not rule.flags and rule.protocol in (0, other.protocol):
        moved.flags = ""
    for name in COMBINED:
        if _contains(getattr(rule, name), getattr(other, name), rule.family == other.family):
            setattr(moved, name, getattr(rule, name))
    return moved == rule


def _contains(wide: str, narrow: str, same_family: bool) -> bool:
    if wide == "any":
        return not narrow.startswith("!")
    try:
        return same_family and ipaddress.ip_network(narrow).subnet_of(ipaddress.ip_network(wide))  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False


def _combine(block: List[Rule], tables: Dict[str, List[str]], unique: str) -> List[Rule]:
    """Six rules and more that differ in one address alone become one with a table."""
    for name in COMBINED:
        for rule in list(block):
            alike = [other for other in block if _bare(rule, (name,)) == _bare(other, (name,))]
            alike = [other for other in alike if _is_plain(getattr(other, name))]
            if rule not in alike or len(alike) < THRESHOLD or alike[0] is not rule:
                continue
            table = f"__automatic_{unique}{len(tables)}"
            tables[table] = [getattr(other, name) for other in alike]
            one = copy.deepcopy(rule)
            setattr(one, name, f"<{table}>")
            block = [one if other is rule else other for other in block if other is rule or other not in alike]
    return block


def _is_plain(address: str) -> bool:
    return address[0].isalnum() and address != "any" and address not in ("no-route", "urpf-failed")


def reorder(block: List[Rule], skips: Tuple[str, ...]) -> List[Rule]:
    """The rules of a run with those beside each other that share most, so that the kernel can skip them at once."""
    groups = {name: _grouped(block, name) for name in skips}
    if not any(1 < len(lists[0]) < len(block) for lists in groups.values()):
        return block
    for lists in groups.values():
        if len(lists[0]) == len(block):
            lists[0] = []  # what all share, or none, helps nobody
    left, done = list(block), []
    while left:
        best = ""
        for name in skips:
            if groups[name] and len(groups[name][0]) > max(1, len(groups[best][0]) if best else 0):
                best = name
        if not best:
            return done + left
        shared = groups[best].pop(0)
        groups[best] = groups[best] or [[]]
        done += reorder(shared, skips) if len(shared) > 2 else shared
        left = [rule for rule in left if not any(rule is other for other in shared)]
        for name in skips:
            if name != best:
                groups[name] = _without(groups[name], shared)
    return done


def _grouped(block: List[Rule], name: str) -> List[List[Rule]]:
    """The rules by what they have in one field, most first; what matches anything shares nothing."""
    lists: List[List[Rule]] = []
    for rule in block:
        value = getattr(rule, name)
        found = next((one for one in lists if getattr(one[0], name) == value and value not in ("", 0, "any")), None)
        if found is None:
            lists.append([rule])
            continue
        found.append(rule)
        at = next(at for at, one in enumerate(lists) if one is found)
        while at and len(lists[at - 1]) < len(found):
            lists[at - 1], lists[at] = lists[at], lists[at - 1]
            at -= 1
    return lists


def _without(lists: List[List[Rule]], gone: List[Rule]) -> List[List[Rule]]:
    """The lists without some rules; one that became shorter moves behind those that are longer now."""
    kept = [[rule for rule in one if not any(rule is other for other in gone)] for one in lists]
    return sorted(kept, key=len, reverse=True) or [[]]
