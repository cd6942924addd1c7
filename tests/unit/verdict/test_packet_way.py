# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of the packet that decides a verdict: base chains in order, jumps, and what decides."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.packet_way import PacketWays
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import explain
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

ADDRESSES = ((0xC0000202, 0xC0000202),)
PLAIN = frozenset(("eth0",))
LINK = Link(4, True, "eth0", ADDRESSES, None, PLAIN, PLAIN)
SAVED = parse_save(
    """*raw
:PREROUTING ACCEPT
-A PREROUTING -p udp -j ACCEPT
COMMIT
*filter
:INPUT ACCEPT
:OUTPUT ACCEPT
:shop -
:late -
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -p tcp -j shop
-A shop -p tcp --dport 22 -j ACCEPT
-A shop -g late
-A late -p tcp --dport 443 -j DROP
COMMIT
""",
    "iptables-nft",
    "ip",
)


def way(rules, link=LINK, **options):
    request = parse_request({"ports": ["443/tcp"], **options})
    ways = PacketWays(rules, (link,), request.interface)
    ((line, verdict),) = explain(rules, (link,), request)
    return line.verdict, ways.of(line.family, verdict)


def names(found):
    return [(one["hook"], one["table"], one["chain"]) for one in found]


def test_the_base_chains_are_in_the_order_of_the_kernel_and_the_jumps_lead_to_the_rule():
    verdict, (raw, filtering) = way(SAVED)
    assert verdict == "blocked"
    assert raw == {
        "hook": "prerouting",
        "table": "iptables-nft ip raw",
        "chain": "PREROUTING",
        "kind": "filter",
        "priority": -300,
        "policy": "accept",
        "steps": [],
    }
    assert filtering["steps"] == [
        {"chain": "INPUT", "number": 2, "rule": "-A INPUT -p tcp -j shop", "handle": 0},
        {"chain": "shop", "number": 2, "rule": "-A shop -g late", "handle": 0},
        {"chain": "late", "number": 1, "rule": "-A late -p tcp --dport 443 -j DROP", "handle": 0},
    ]


def test_a_policy_decides_without_a_rule():
    _verdict, found = way(parse_save("*filter\n:INPUT DROP\nCOMMIT\n", "iptables-nft", "ip"))
    assert [one["steps"] for one in found] == [[{"chain": "INPUT", "number": 0, "rule": "", "handle": 0}]]


def test_an_answer_that_is_blocked_has_its_way_out():
    rules = parse_save("*filter\n:INPUT ACCEPT\n:OUTPUT DROP\n-A INPUT -j ACCEPT\nCOMMIT\n", "iptables-nft", "ip")
    verdict, found = way(rules)
    assert (verdict, names(found)) == ("blocked", [("output", "iptables-nft ip filter", "OUTPUT")])


def test_where_nothing_filters_there_is_no_way():
    assert way(()) == ("open", [])


def test_where_no_rule_decides_all_chains_are_passed():
    early = Chain("early", (Rule((Match("protocol", ((17, 17),)),), "drop", handle=3),), "accept", "prerouting", -300)
    verdict, found = way((Table("nft", "inet", "t", (early,)),))
    assert (verdict, names(found), found[0]["steps"]) == ("open", [("prerouting", "nft inet t", "early")], [])


@pytest.mark.parametrize(("device", "passed"), [("eth0", True), ("eth+", True), ("eth7", False)])
def test_chains_of_other_devices_are_not_on_the_way(device, passed):
    rule = Rule((Match("protocol", ((17, 17),)),), "drop", handle=3)
    chain = Chain("early", (rule,), "accept", "ingress", devices=(device,))
    assert (names(way((Table("nft", "netdev", "t", (chain,)),))[1]) != []) is passed


def test_the_hooks_of_a_bridge_are_on_the_way_of_an_interface_that_may_be_one():
    rule = Rule((Match("protocol", ((17, 17),)),), "drop", handle=3)
    rules = (Table("nft", "bridge", "t", (Chain("in", (rule,), "accept", "input"),)),)
    assert names(way(rules)[1]) == []
    assert names(way(rules, interface=["br0"])[1]) == [("bridge input", "nft bridge t", "in")]


def test_neighbours_that_cannot_ask_have_the_way_of_arp():
    near = Link(4, True, "eth0", ADDRESSES, None, PLAIN, frozenset())
    rules = (Table("nft", "arp", "t", (Chain("in", (), "drop", "input"),)),)
    verdict, found = way(rules, near)
    assert (verdict, names(found)) == ("blocked", [("arp input", "nft arp t", "in")])


def test_what_foreign_rules_hold_may_be_shown():
    chain = Chain("a\x1bb", (Rule((), "drop", text='comment "\x1b[2J"', handle=3),), "accept", "input")
    _verdict, (found,) = way((Table("nft", "inet", "t", (chain,)),))
    assert (found["chain"], found["steps"][0]["rule"]) == ("a\\x1bb", 'comment "\\x1b[2J"')
