# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets of ipset are read as the kernel has them: of random ones of every type, ``ipset test`` tells who is in."""

from __future__ import annotations

import random
import subprocess
import time

import pytest
from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import rule_matches
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_ipsets
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from lab import tool
from random_sets import KINDS, RandomSet


def matches(name, directions, family, packet):
    """Whether a packet is in a set, by what netlink tells of the set."""
    line = f"-A INPUT -m set --match-set {name} {directions} -j DROP"
    ruleset = parse_save(f"*filter\n{line}\nCOMMIT\n", "iptables-nft", {4: "ip", 6: "ip6"}[family])
    (table,) = bind(ruleset, read_ipsets(frozenset((name,))))
    return rule_matches(table.chains[0].rules[0], packet)


def is_in(made, word):
    """Whether the kernel has it in a set."""
    return subprocess.run(("ipset", "test", made.name, word), capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("family", [4, 6])
def test_sets_hold_whom_ipset_says_they_hold(host, family, seed):
    tried, wrong = set(), []
    for kind in KINDS:
        made = RandomSet(random.Random(f"{kind} {family} {seed}"), kind, family)
        if subprocess.run(
            ("ipset", "restore"), input=made.script, text=True, capture_output=True, check=False
        ).returncode:
            continue
        tried.add(kind)
        for word, packet in made.probes(12):
            found = matches(made.name, made.directions, made.family, packet)
            if found is not is_in(made, word) and not (found is None and made.vague):
                wrong.append((word, found, made.script))
    assert wrong == []
    # Not every kernel has the other types: the decoder's own tests have those.
    assert tried >= {kind for kind in KINDS if kind.count(",") < 2 and "net,net" not in kind and "mark" not in kind}


def test_set_of_sixty_thousand_addresses_is_read_in_no_time(host):
    addresses = "".join(f"add big 10.{n >> 8}.{n & 255}.0/24\n" for n in range(60_000))
    tool("ipset", "restore", stdin=f"create big hash:net counters maxelem 100000\n{addresses}")
    started = time.process_time()
    packet = Packet(4, 6, source=((0x0A010203, 0x0A010203),))
    assert matches("big", "src", 4, packet) is True
    assert time.process_time() - started < 2  # 0.2 s when nothing else runs


def test_set_that_is_not_there_is_left_out(host):
    tool("ipset", "restore", stdin="create have hash:ip\ncreate all list:set\nadd all have\n")
    assert sorted(read_ipsets(frozenset(("nix", "all")))) == ["all", "have"]
