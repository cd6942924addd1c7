# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rules change about a packet is apart from where they send it, however it is spelled."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import ChainEvaluator
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement, RulePosition
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

SHARED = """*filter
:INPUT ACCEPT
:FORWARD ACCEPT
:SINK - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p tcp --dport 22 -j ACCEPT
-A INPUT -j SINK
-A FORWARD -j SINK
{}-A SINK -j DROP
COMMIT
"""
HTTPS = Packet(4, 6, dport=(443, 443), in_interface="eth0", destination=((3221225986, 3221225986),))
EFFECTS = (
    "LOG",
    "MARK --set-xmark 0x1/0x1",
    "CONNMARK --set-xmark 0x1/0xffffffff",
    "CONNMARK --save-mark",
    "CONNMARK --restore-mark",
    "SET --add-set seen src",
    "CT --notrack",
    "CT --ctevents new",
    "TTL --ttl-set 64",
    "TRACE",
)


def filter_table(text):
    return parse_save(text, "iptables-nft", "ip")[0]


@pytest.mark.parametrize("effect", ["", *EFFECTS])
def test_chain_that_drops_all_is_a_barrier_whatever_it_does_before(effect):
    table = filter_table(SHARED.format(f"-A SINK -j {effect}\n" if effect else ""))
    assert Placement(table).find(HTTPS, "auto") == RulePosition("INPUT", 2)


@pytest.mark.parametrize("effect", EFFECTS)
def test_rule_that_only_changes_or_records_something_ends_no_way(effect):
    table = filter_table(f"*filter\n:INPUT ACCEPT\n-A INPUT -j {effect}\nCOMMIT\n")
    assert [outcome.verdict for outcome in ChainEvaluator(table).evaluate("INPUT", HTTPS)] == ["accept"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("-A INPUT -j TTL --ttl-set 64\n-A INPUT -m ttl --ttl-gt 63 -j DROP\n", [("drop", False)]),
        (
            "-A INPUT -m ttl --ttl-eq 64 -j RETURN\n-A INPUT -j TTL --ttl-set 64\n",
            [("accept", False), ("accept", True)],
        ),
        ("-A INPUT -j TTL --ttl-dec 1\n", [("accept", True), ("opaque", True)]),
        ("-A INPUT -j HMARK --hmark-mod 2\n-A INPUT -m mark --mark 1 -j DROP\n", [("accept", False), ("drop", True)]),
    ],
)
def test_later_rules_see_what_was_changed(rules, expected):
    table = filter_table(f"*filter\n:INPUT ACCEPT\n{rules}COMMIT\n")
    ends = {(outcome.verdict, bool(outcome.uncertain_at)) for outcome in ChainEvaluator(table).evaluate("INPUT", HTTPS)}
    assert sorted(ends) == expected


def test_chain_named_as_a_target_has_no_second_way_in_where_that_target_is_meant():
    banned = Rule((Match("source", ((5, 5),)),), "drop")
    ways = (Rule((), "continue", "log", text="log"), Rule((Match("protocol", ((6, 6),)),), "jump", "log"))
    chains = (Chain("input", ways, "accept", "input"), Chain("log", (banned, Rule((), "drop"))))
    assert Placement(Table("nft", "inet", "own", chains), "input").find(HTTPS, "auto") == RulePosition("log", 1)
