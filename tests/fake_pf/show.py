# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ``pfctl -s`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List

from fake_pf import states
from fake_pf.kernel import Kernel
from fake_pf.rules import Rule, Style, print_rules

LISTINGS = {"FreeBSD": ("rules", "nat"), "OpenBSD": ("rules",), "Darwin": ("rules", "nat", "dummynet")}
NO_ANCHOR = {
    "FreeBSD": (0, "pfctl: DIOCGETRULES: Invalid argument\n"),
    "Darwin": (0, "pfctl: DIOCGETRULES: Invalid argument\n"),
    "OpenBSD": (1, "pfctl: Anchor does not exist.\n"),
}


@dataclass
class Said:
    """What is printed, and the code."""

    out: str = ""
    err: str = ""
    code: int = 0


def kind_of(rule: Rule) -> str:
    """Which listing a rule is in."""
    if rule.action.replace("no ", "").startswith(("nat", "rdr", "binat")):
        return "nat"
    return "dummynet" if rule.action.startswith("dummynet") else "rules"


def is_filter(rule: Rule) -> bool:
    """Whether a rule is one of those that the optimiser looks at."""
    return kind_of(rule) == "rules" and "scrub" not in rule.action and rule.action not in ("altq", "queue")


def print_all(rules: List[Rule], style: Style) -> str:
    """Rules as -v prints them while it loads: normalisation, each kind of translation, then filtering."""
    order = ("scrub", "nat", "rdr", "binat", "dummynet")

    def rank(rule: Rule) -> int:
        words = rule.action.replace("no ", "")
        return next((at for at, word in enumerate(order) if words.startswith(word)), len(order))

    return print_rules(sorted(rules, key=rank), style)


def show(kernel: Kernel, what: str, anchor: str, verbose: bool, numeric: bool = False) -> Said:
    """Prints one listing; refuses those that this does not play."""
    if what == "info":
        return Said(f"Status: {'Enabled' if kernel.enabled else 'Disabled'} for 0 days 01:02:03".ljust(44) + INFO)
    if what in LISTINGS[kernel.system]:
        return _show_rules(kernel, what, anchor, numeric)
    if what == "states":
        return Said(states.show(kernel))
    if what == "Anchors":
        return _show_anchors(kernel, anchor)
    if what == "Interfaces":
        names = ["all", *kernel_interfaces(kernel.system)]
        skipped = [name for name in names if name in kernel.skip or name.rstrip("0123456789") in kernel.skip]
        return Said("".join(f"{name}{' (skip)' if verbose and name in skipped else ''}\n" for name in names))
    if what == "References" and kernel.system == "Darwin":
        return _show_references(kernel)
    if what in ("nat", "dummynet"):
        return Said(err=f"pfctl: Unknown show modifier '{what}'\nusage: pfctl ...\n", code=1)
    raise AssertionError(f"-s {what} is not played")


INFO = "  Debug: Urgent\n\nState Table                          Total             Rate\n"


def kernel_interfaces(system: str) -> List[str]:
    """The interfaces of the machine."""
    return {"FreeBSD": ["em0", "lo0"], "OpenBSD": ["vio0", "lo0"], "Darwin": ["en0", "lo0"]}[system]


def _show_rules(kernel: Kernel, what: str, anchor: str, numeric: bool) -> Said:
    if anchor and anchor not in kernel.anchors():
        code, words = NO_ANCHOR[kernel.system]
        return Said(err=words, code=code)
    rules = [rule for rule in kernel.rulesets.get(anchor, []) if kind_of(rule) == what]
    return Said(print_all(rules, Style(kernel.system, False, numeric)))


def _show_anchors(kernel: Kernel, anchor: str) -> Said:
    """The anchors directly below one, each by its whole path: only -v prints those below them."""
    if anchor and anchor not in kernel.anchors():
        return Said(err=f"Anchor '{anchor}' not found.\n", code=0)
    above = f"{anchor}/" if anchor else ""
    found = [name for name in kernel.anchors() if name.startswith(above) and "/" not in name[len(above) :]]
    return Said("".join(f"  {name}\n" for name in found))


def _show_references(kernel: Kernel) -> Said:
    if not kernel.tokens:
        return Said("No pf starter references held\n")
    lines = ["TOKENS:", f"{'PID':<8} {'Process Name':<28} {'TOKEN':<24} TIMESTAMP"]
    lines += [f"{400 + at:<8} {'pfctl':<28} {token:<24} 0 days 00:00:09" for at, token in enumerate(kernel.tokens)]
    return Said("\n".join(lines) + "\n")
