# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random rulesets, real connections: the verdict never claims what the kernel does not do.

PORT443_RULESETS is how many are tried, PORT443_SEED the first one's number; a failure names the number to try again.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import product

import pytest
from lab import SOURCES, TCP, UDP, Case, tool
from random_rules import make_ruleset

COUNT = int(os.environ.get("PORT443_RULESETS", "100"))
FIRST = int(os.environ.get("PORT443_SEED", "0"))
BATCH = 20
PORTS = ((TCP, 80), (TCP, 443), (TCP, 8443), (TCP, 22), (UDP, 443), (UDP, 53))
CASES = [Case(family, *port, source) for family, port, source in product((4, 6), PORTS, SOURCES)]
SETS = """create banned4 hash:ip
add banned4 203.0.113.5
create banned6 hash:ip family inet6
add banned6 2001:db8:bad::5
"""


@pytest.mark.parametrize("start", range(FIRST, FIRST + COUNT, BATCH))
def test_verdicts_of_random_rulesets_hold(lab, start):
    lab.clear()
    tool("ipset", "destroy")
    tool("ipset", "restore", stdin=SETS)
    total = Counter()
    for seed in range(start, min(start + BATCH, FIRST + COUNT)):
        rules = make_ruleset(seed)
        lab.load(rules)
        wrong, counts = lab.disagreements(CASES)
        total.update(counts)
        assert wrong == [], f"seed {seed}:\n" + "\n".join(f"# {place}\n{text}" for place, text in rules.items())
    lab.clear()
    assert total["depends"] < total["open"] + total["blocked"], f"the verdict is too shy to prove anything: {total}"
    assert min(total["open"], total["blocked"]) > 0.1 * sum(total.values()), f"too one-sided: {total}"
