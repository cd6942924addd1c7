# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random rulesets, real connections: the verdict never claims what the kernel does not do.

PORT443_RULESETS is how many are tried, PORT443_SEED the first one's number. A failure tells the ruleset as small as it
still fails; it belongs into disagreed.yml, from where it is tried for ever.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from lab import SOURCES, TCP, TOOLS, UDP, Case, tool
from random_rules import is_certain, make_hidden, make_ruleset
from rooted import RootedHost
from shrink import show, shrink
from tally import COUNTED, complaint, words_of

COUNT = int(os.environ.get("PORT443_RULESETS", "200"))
FIRST = int(os.environ.get("PORT443_SEED", "0"))
BATCH = 20
PORTS = ((TCP, 80), (TCP, 443), (TCP, 8443), (TCP, 22), (UDP, 443), (UDP, 53))
IN = [Case(family, *port, source) for family, port, source in product((4, 6), PORTS, SOURCES)]
OUT = [Case(family, *port, source, "out") for family, port, source in product((4, 6), PORTS[::2], SOURCES)]
HIDDEN = IN[:: len(SOURCES)]  # from one source each
DISAGREED = yaml.safe_load((Path(__file__).parent / "disagreed.yml").read_text(encoding="utf-8"))


def prepare(lab):
    """Takes all rules and sets away."""
    lab.clear()
    lab.make_sets("")


def try_ruleset(lab, rules, cases):
    """Returns what was predicted wrong of a ruleset, and how often each verdict was given."""
    lab.load(rules)
    return lab.disagreements(cases)


def cases_of(seed):
    """Outgoing connections take their time, so they are tried with some; their ports are only partly known."""
    return IN if seed % 3 or is_certain(seed) else IN + OUT


def find_doubts(lab, rules, cases=IN):
    """Returns the cases of which the verdict is depends, and why.

    Whether an address that is asked about is on the link, or behind the router, is not in the rules: where the question
    does not say it either, what IPv6 neighbours need is left out.
    """
    lab.load(rules)
    verdicts = ConnectionJudge(lab.observe())
    found = []
    for case in cases:
        placed = case.family == 4 or case.source in ("stranger", "near")
        answer = verdicts.answer(replace(case.question(), neighbours=placed))
        found += [(case, answer.because)] if answer.verdict == "depends" else []
    return found


def tell_doubt(lab, rules, case):
    """Returns why the verdict on a case is depends, and the least rules for which it still is."""
    rules = shrink(rules, lambda fewer: bool(find_doubts(lab, fewer, [case])))
    return f"{find_doubts(lab, rules, [case])}:\n{show(rules)}"


def try_seed(lab, seed):
    """Returns how often each verdict was given to a ruleset and how often it was wrong, and why the seed fails."""
    rules = make_ruleset(seed)
    wrong, counts = try_ruleset(lab, rules, cases_of(seed))
    counts = {**counts, "rulesets": 1, "disagreements": len(wrong)}
    hidden = make_hidden(seed)
    if hidden:
        counts["hidden"] = 1
        told = find_lies_about(lab, rules, hidden)
        if told:
            return counts, [f"seed {seed} with {hidden}{told}:\n{show(rules)}"]
    if wrong:
        case = wrong[0][0]
        small = shrink(rules, lambda fewer: bool(try_ruleset(lab, fewer, [case])[0]))
        return counts, [f"seed {seed}, {try_ruleset(lab, small, [case])[0] or wrong}:\n{show(small)}"]
    if is_certain(seed) and counts["depends"]:
        doubts = find_doubts(lab, rules)[:1]
        return counts, [f"seed {seed} has nothing unknown, yet {tell_doubt(lab, rules, case)}" for case, _why in doubts]
    return counts, []


def find_lies_about(lab, rules, hidden):
    """Returns what is wrong where a rule that iptables-save cannot print is added to a ruleset, empty if nothing.

    A set has to be refused with nothing changed, removing one that is not there is no change, and the verdict holds.
    """
    lab.load(rules)
    tool("nft", "-f", "-", stdin=hidden)
    before = everything()
    with tempfile.TemporaryDirectory() as folder:
        host = RootedHost(folder)
        for check in (True, False):
            try:
                host.ensure(backend="iptables", check=check)
                return f"a set was made (check mode: {check})"
            except HostError as problem:
                if f"iptables-nft table {hidden.split()[2]} filter holds what" not in problem.message:
                    return f"the refusal is {problem.message}"
        if host.ensure(backend="iptables", state="absent").steps:
            return "a set was taken out that was not there"
    if everything() != before:
        return "something was changed"
    wrong, _counts = lab.disagreements(HIDDEN)
    return str(wrong[0]) if wrong else ""


def everything():
    """All rules with their handles, without what was counted."""
    legacy = [tool(name + "-save") for (frontend, _family), name in TOOLS.items() if frontend == "iptables-legacy"]
    lines = [line for text in legacy for line in text.splitlines() if line[:1] in "*-"]
    return tool("nft", "--stateless", "--handle", "list", "ruleset"), lines


@pytest.mark.parametrize("start", range(FIRST, FIRST + COUNT, BATCH))
def test_verdicts_of_random_rulesets_hold(lab, record_property, start):
    """What all batches counted is summed, told and judged at the end: they run in several processes."""
    prepare(lab)
    counted, failed = Counter(), []
    for seed in range(start, min(start + BATCH, FIRST + COUNT)):
        counts, failures = try_seed(lab, seed)
        counted.update(counts)
        failed += failures
    record_property(COUNTED, dict(counted))
    lab.clear()
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("case", DISAGREED, ids=[case["title"] for case in DISAGREED])
def test_ruleset_that_once_disagreed_holds(lab, case):
    prepare(lab)
    places = {"nft": "nft", "ipset": "ipset"}
    for frontend in ("iptables-nft", "iptables-legacy"):
        places.update({frontend: (frontend, 4), frontend.replace("iptables", "ip6tables"): (frontend, 6)})
    wrong, _counts = try_ruleset(lab, {places[name]: text for name, text in case["rules"].items()}, IN + OUT)
    assert wrong == []
    lab.clear()


ENOUGH = {"rulesets": 20, "hidden": 7, "open": 450, "blocked": 450, "depends": 100, "disagreements": 0}


@pytest.mark.parametrize(
    ("counted", "said"),
    [
        ({}, ""),
        ({"open": 400, "blocked": 400, "depends": 199}, ""),
        ({"open": 400, "blocked": 400, "depends": 200}, "the verdict is too shy to prove anything"),
        ({"open": 800, "blocked": 100}, "the rulesets are too one-sided"),
        ({"open": 50}, "the rulesets are too one-sided"),
        ({"rulesets": 19, "open": 0}, ""),
    ],
)
def test_random_rulesets_have_to_prove_something(counted, said):
    assert complaint({**ENOUGH, **counted}) == said


def test_what_random_rulesets_proved_is_told():
    assert words_of(ENOUGH) == (
        "20 rulesets, 7 of them also with a table that iptables-save cannot print: open 450, blocked 450, depends 100, "
        "disagreements 0"
    )
