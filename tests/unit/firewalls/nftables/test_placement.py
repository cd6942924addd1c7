# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Places in base chains of any name and of both directions."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import HOST, UNLISTED_SOURCE, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement, RulePosition
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match
from tables import BANNED, dport, rule, table

PACKET = Packet(4, 6, dport=(443, 443), in_interface="eth0")
LEAVING = Packet(
    4,
    6,
    dport=(443, 443),
    source=HOST,
    destination=UNLISTED_SOURCE,
    in_interface="",
    out_interface="eth0",
    source_type="LOCAL",
    destination_type="UNICAST",
    packet_type=(),
)
FAR = Match("destination", ((0xCB007105, 0xCB007105),))


def test_the_base_chain_may_have_any_name():
    found = Placement(table(rule(1, "accept", *dport(22)), rule(2, "drop"), chain="wan-in"), "wan-in")
    assert found.find(PACKET, "auto") == RulePosition("wan-in", 1)
    assert found.find(PACKET, "first") == RulePosition("wan-in", 0)
    assert found.find(PACKET, "last") == RulePosition("wan-in", 2)


def test_on_the_way_out_destinations_are_the_administrators_will_and_sources_are_not():
    own = Match("source", ((0, 0xFFFFFFFF),))
    out = table(rule(1, "drop", FAR), rule(2, "drop", own), hook="output", chain="out")
    assert Placement(out, "out").find(LEAVING, "auto") == RulePosition("out", 1)
    assert not Placement(table(rule(1, "drop", FAR), hook="output", chain="out"), "out").blocks(LEAVING)
    banned = table(rule(1, "return", FAR), rule(2, "drop"), hook="output", chain="out")
    assert Placement(banned, "out").find(LEAVING, "auto") == RulePosition("out", 2)  # a policy about destinations


TWO_WAYS = [rule(at, "jump", target="guard") for at in (1, 2)]
ONWARD, HARMLESS = rule(2, "jump", target="other"), Chain("other", (rule(3, "accept", *dport(22)),))
BLOCKING = [
    ("nothing", table(), False),
    ("the policy", table(policy="drop"), True),
    ("a rule", table(rule(1, "reject")), True),
    ("a ban", table(rule(1, "drop", *BANNED)), False),
    ("the port by number", table(rule(1, "drop", *dport(443))), True),
    ("another port", table(rule(1, "drop", *dport(25))), False),
    ("a rule behind one that accepts", table(rule(1, "accept", *dport(443)), rule(2, "drop")), True),
    ("the port by number before a chain", table(rule(1, "drop", *dport(443)), ONWARD, chains=(HARMLESS,)), True),
    ("a chain", table(rule(1, "jump", target="guard"), chains=(Chain("guard", (rule(2, "drop"),)),)), True),
    ("a chain with two ways in", table(*TWO_WAYS, chains=(Chain("guard", (rule(3, "accept"),)),)), True),  # to be sure
    ("a return to a policy that accepts", table(rule(1, "return")), False),
]


@pytest.mark.parametrize(("_title", "found", "blocks"), BLOCKING, ids=[title for title, _found, _blocks in BLOCKING])
def test_whether_a_base_chain_blocks(_title, found, blocks):
    assert Placement(found, "input").blocks(PACKET) is blocks


LIMIT = Match("unknown", names=("limit rate 5/second",))


def test_what_is_rejected_at_a_rate_before_all_is_dropped_is_part_of_the_barrier():
    found = table(rule(1, "accept", *dport(22)), rule(2, "reject", LIMIT), rule(3, "continue"), policy="drop")
    assert Placement(found, "input").find(PACKET, "auto") == RulePosition("input", 3)
    assert Placement(table(*found.chain("input").rules[:2], policy="drop"), "input").find(PACKET, "auto").index == 1
    on_link = table(rule(1, "reject", LIMIT, Match("in_interface", names=("eth0",))), policy="drop")
    assert Placement(on_link, "input").find(PACKET, "auto").index == 0
    for other in ((LIMIT, *BANNED), (LIMIT, *dport(443)), (Match("unknown", names=("recent",)),), (LIMIT, *dport(25))):
        last = table(rule(1, "accept", *dport(22)), rule(2, "reject", *other), policy="drop")
        assert Placement(last, "input").find(PACKET, "auto").index == 2


def test_nothing_is_put_into_a_chain_within_a_rule():
    within = Chain("__chain0", (rule(2, "accept", *dport(22)), rule(3, "drop")))
    found = table(rule(1, "jump", target="__chain0"), rule(4, "accept"), chains=(within,), policy="accept")
    assert Placement(found, "input").find(PACKET, "auto").chain == "input"


def test_the_parts_of_a_map_are_one_way_into_a_chain():
    guard = Chain("guard", (rule(2, "accept", *dport(22)), rule(3, "drop")))
    parts = [rule(1, "jump", Match("in_interface", names=(name,)), target="guard") for name in ("eth0", "eth1")]
    assert Placement(table(*parts, chains=(guard,)), "input").find(PACKET, "auto") == RulePosition("guard", 1)
    two = (parts[0], rule(4, "jump", Match("in_interface", names=("eth1",)), target="guard"))
    assert Placement(table(*two, chains=(guard,)), "input").find(PACKET, "auto") == RulePosition("input", 2)


def test_logs_and_counters_of_nft_belong_to_their_barrier():
    rules = [rule(number, "continue", target=target) for number, target in enumerate(("", "counter", "log"), 1)]
    assert Placement(table(*rules, rule(4, "drop")), "input").find(PACKET, "auto") == RulePosition("input", 1)
