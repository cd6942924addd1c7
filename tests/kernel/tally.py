# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What random rulesets proved, summed over all batches, whichever process tried them."""

from __future__ import annotations

from collections import Counter

COUNTED = "random rulesets"  # the property of a test, which pytest-xdist hands on
WORDS = ("rulesets", "hidden", "open", "blocked", "depends", "disagreements")
ENOUGH = 20  # rulesets; of fewer, shares say nothing


def total_of(reports):
    """The sum of what tests counted: rulesets, verdicts by kind, disagreements."""
    total = Counter()
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            total.update(value if name == COUNTED else {})
    return total


def words_of(total):
    """The sum as it is told at the end."""
    words = (
        "{rulesets} rulesets, {hidden} of them also with a table that iptables-save cannot print: open {open}, blocked "
        "{blocked}, depends {depends}, disagreements {disagreements}"
    )
    return words.format(**{name: total[name] for name in WORDS})


def complaint(total):
    """Why rulesets, though none disagreed, prove too little, or nothing."""
    tried = total["open"] + total["blocked"] + total["depends"]
    if total["rulesets"] < ENOUGH:
        return ""
    if total["depends"] >= 0.2 * tried:
        return "the verdict is too shy to prove anything"
    return "" if min(total["open"], total["blocked"]) > 0.1 * tried else "the rulesets are too one-sided"
