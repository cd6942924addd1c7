# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A ruleset that shows a fault, made small: every rule without which it still shows it is taken out."""

from __future__ import annotations

import re

# What may be left out: a rule of iptables, a statement of nft that stands on a line of its own.
_RULE = re.compile(r"-A |(?!create |table |chain |type |set |map |\}|\*|:|COMMIT).")


def shrink(rules, shows):
    """Returns the rules, by place, that are left; ``shows`` tells whether a ruleset still shows the fault."""
    for place in list(rules):
        without = {other: text for other, text in rules.items() if other != place}
        if _holds(shows, without):
            rules = without
    for place in rules:
        lines = rules[place].splitlines()
        for number in range(len(lines) - 1, -1, -1):
            fewer = lines[:number] + lines[number + 1 :]
            if _RULE.match(lines[number]) and _holds(shows, {**rules, place: "\n".join(fewer) + "\n"}):
                lines = fewer
                rules = {**rules, place: "\n".join(lines) + "\n"}
    return rules


def _holds(shows, rules):
    try:
        return shows(rules)
    except AssertionError:  # a tool refuses what is left
        return False


def show(rules):
    """Returns rules as text."""
    return "\n".join(f"# {place}\n{text}" for place, text in rules.items())
