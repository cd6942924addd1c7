# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where our jump goes among other programs' rules, case by case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.desired import (
    Terms,
    parse_lines,
    settle,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import (
    XtablesLayout,
    find_layout,
    put,
    strip,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.restore import script
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

CASES = yaml.safe_load((Path(__file__).parent / "placement.yml").read_text(encoding="utf-8"))
ADDRESSES = {4: 0xC0000202, 6: 0x20010DB8 << 96 | 2}


def table_of(save, family=4):
    return parse_save(save, "iptables-nft", {4: "ip", 6: "ip6"}[family])[0]


def terms_of(case):
    return Terms(request_of(case).directions)


def link_of(family):
    return Link(family, True, "eth0", ((ADDRESSES[family], ADDRESSES[family]),))


def request_of(case):
    given = {key: case[key] for key in ("ports", "source", "position", "direction") if key in case}
    return parse_request({"ports": ["80/tcp", "443/tcp"], **given})


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_jump_goes_before_the_barrier_and_behind_the_bans(case):
    family = case.get("family", 4)
    layout = wanted_layout(table_of(case["save"], family), request_of(case), link_of(family), terms_of(case))
    inserts = [line for line in script("port443-https", XtablesLayout(), layout).splitlines() if line.startswith("-I")]
    assert inserts == case["inserts"]
    assert list(layout.rules) == case.get("rules", list(layout.rules))


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_what_was_placed_is_found_again_and_stays(case):
    family = case.get("family", 4)
    table, request, link = table_of(case["save"], family), request_of(case), link_of(family)
    want = wanted_layout(table, request, link, terms_of(case))
    parsed = parse_lines(want, request.chain, table.family, [chain.name for chain in table.chains])
    after = put(table, request.chain, want, parsed)
    assert find_layout(after, request.chain) == want
    assert strip(after, request.chain) == table
    assert (
        settle(
            strip(after, request.chain),
            want,
            wanted_layout(table, request, link, terms_of(case)),
            request,
            link,
            terms_of(case),
        )
        == want
    )


def settled(save, **options):
    """The layout after another run over a table that holds our set."""
    request, link = parse_request({"ports": ["80/tcp", "443/tcp"], **options}), link_of(4)
    table = table_of(save)
    have, stripped = find_layout(table, request.chain), strip(table, request.chain)
    return have, settle(stripped, have, wanted_layout(stripped, request, link, Terms()), request, link, Terms())


HEAD = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:port443-https - [0:0]\n"
OURS = "-A port443-https -p tcp -m multiport --dports 80,443 -j ACCEPT\nCOMMIT\n"


def test_another_sets_jump_between_ours_and_the_barrier_moves_nothing():
    have, want = settled(
        HEAD + ":port443-other - [0:0]\n-A INPUT -j port443-https\n-A INPUT -j port443-other\n-A INPUT -j DROP\n" + OURS
    )
    assert want == have


def test_a_new_ban_between_ours_and_the_barrier_moves_ours_behind_it():
    have, want = settled(
        HEAD + "-A INPUT -j port443-https\n-A INPUT -s 203.0.113.9/32 -j DROP\n-A INPUT -j DROP\n" + OURS
    )
    assert [jump.index for jump in have.jumps] == [0]
    assert [jump.index for jump in want.jumps] == [1]


NEW = [
    ("a chain of bans", "-j bans", 1),
    ("a goto to bans", "-s 203.0.113.0/24 -g bans", 1),
    ("a queue", "-j NFQUEUE --queue-num 0", 1),
    ("a way to nowhere", "-j empty", 0),
    ("a return from the bans", "-j spared", 0),
]


@pytest.mark.parametrize(("_title", "rule", "index"), NEW, ids=[title for title, _rule, _index in NEW])
def test_ours_moves_behind_what_came_and_may_block(_title, rule, index):
    chains = ":bans - [0:0]\n:empty - [0:0]\n:spared - [0:0]\n"
    bans = "-A bans -s 203.0.113.9/32 -j DROP\n-A spared -s 203.0.113.9/32 -j RETURN\n"
    _have, want = settled(
        HEAD + chains + f"-A INPUT -j port443-https\n-A INPUT {rule}\n-A INPUT -j DROP\n" + bans + OURS
    )
    assert [jump.index for jump in want.jumps] == [index]


def test_a_barrier_that_came_in_another_chain_takes_ours_there():
    chains = ":FW - [0:0]\n-A INPUT -j FW\n-A INPUT -j port443-https\n-A FW -p tcp -m tcp --dport 22 -j ACCEPT\n"
    _have, want = settled(HEAD + chains + "-A FW -j DROP\n" + OURS)
    assert [(jump.chain, jump.index) for jump in want.jumps] == [("FW", 1)]


def test_a_ban_of_another_port_moves_nothing():
    have, want = settled(
        HEAD + "-A INPUT -j port443-https\n-A INPUT -p tcp -m tcp --dport 25 -j DROP\n-A INPUT -j DROP\n" + OURS
    )
    assert want == have


def test_a_barrier_that_came_before_ours_moves_ours_up():
    have, want = settled(HEAD + "-A INPUT -j DROP\n-A INPUT -j port443-https\n" + OURS)
    assert [jump.index for jump in want.jumps] == [0]
    assert want.rules == have.rules


def test_a_duplicate_of_our_jump_goes():
    have, want = settled(HEAD + "-A INPUT -j port443-https\n-A INPUT -j port443-https\n-A INPUT -j DROP\n" + OURS)
    assert len(have.jumps) == 2
    assert [jump.line for jump in want.jumps] == ["-A INPUT -j port443-https"]


def test_a_rule_of_ours_that_somebody_changed_is_made_again():
    changed = OURS.replace("80,443", "80,8443")
    have, want = settled(HEAD + "-A INPUT -j port443-https\n-A INPUT -j DROP\n" + changed)
    assert want == replace(have, rules=("-A port443-https -p tcp -m multiport --dports 80,443 -j ACCEPT",))
