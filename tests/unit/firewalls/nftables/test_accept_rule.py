# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What our rules ask of a packet, and whether rules that are written otherwise ask the same."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.accept_rule import (
    AcceptRule,
    covers,
    packet_space,
    touches,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match, Rule
from ansible_collections.port443.https.plugins.module_utils._spec.ports import parse_ports
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_sources

FOUR, SIX = Match("ethertype", ((0x0800, 0x0800),)), Match("ethertype", ((0x86DD, 0x86DD),))
TCP = Match("protocol", ((6, 6),))
WEB = Match("dport", ((80, 80), (443, 443)))
PORTS = parse_ports(["80/tcp", "443/tcp"])


def accept(*matches, **more):
    return Rule(matches, "accept", **more)


TEXTS = [
    (AcceptRule("tcp", parse_ports(["443/tcp"])), "tcp dport 443"),
    (AcceptRule("udp", parse_ports(["53/udp", "8000-8010/udp"])), "udp dport { 53, 8000-8010 }"),
    (AcceptRule("tcp", PORTS, 6), "meta nfproto ipv6 tcp dport { 80, 443 }"),
    (AcceptRule("tcp", PORTS, 4, parse_sources(["192.0.2.7"])), "ip saddr 192.0.2.7 tcp dport { 80, 443 }"),
    (
        AcceptRule("tcp", PORTS, 6, parse_sources(["2001:db8::1", "2001:db8:1::/48"]), ("eth0",)),
        'iifname "eth0" ip6 saddr { 2001:db8::1, 2001:db8:1::/48 } tcp dport { 80, 443 }',
    ),
    (AcceptRule("icmpv6"), "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"),
    (AcceptRule("icmpv6", lookup="a-icmpv6"), "icmpv6 type @a-icmpv6"),
    (AcceptRule("tcp", PORTS, lookup="a-tcp", interfaces=("a", "b:1")), 'iifname { "a", "b:1" } tcp dport @a-tcp'),
]


@pytest.mark.parametrize(("clause", "text"), TEXTS, ids=[text for _clause, text in TEXTS])
def test_a_clause_is_written_as_nft_prints_it(clause, text):
    assert clause.text("inet") == text
    assert clause.rule("inet", "jump", "there").text == f"{text} jump there"
    assert packet_space([clause.rule("inet", "accept")], "inet")


def test_the_ip_version_of_a_table_needs_no_word():
    assert AcceptRule("tcp", PORTS, 6).text("ip6") == "tcp dport { 80, 443 }"
    assert AcceptRule("tcp", PORTS, 6).matches("ip6") == (TCP, WEB)
    for family, version in (("ip", FOUR), ("ip6", SIX)):
        assert packet_space([accept(TCP, WEB)], family) == packet_space([accept(version, TCP, WEB)], "inet")


SAME = [
    [accept(TCP, WEB)],
    [accept(TCP, Match("dport", ((443, 443),))), accept(TCP, Match("dport", ((80, 80),)))],
    [accept(FOUR, TCP, WEB), accept(SIX, TCP, WEB)],
    [accept(TCP, Match("dport", ((80, 443),)), Match("dport", ((0, 80), (443, 65535))))],
    [accept(TCP, WEB), accept(FOUR, TCP, Match("dport", ((80, 80),)))],
    [accept(TCP, WEB, Match("dport", ((0, 100), (400, 65535))))],
]


@pytest.mark.parametrize("rules", SAME)
def test_the_same_in_other_words_is_the_same(rules):
    assert packet_space(rules, "inet") == packet_space([AcceptRule("tcp", PORTS).rule("inet", "accept")], "inet")


OTHERS = [
    accept(TCP, Match("dport", ((80, 80),))),
    accept(FOUR, TCP, WEB),
    accept(TCP, WEB, Match("in_interface", names=("eth0",))),
    accept(FOUR, TCP, WEB, Match("source", ((1, 5),))),
    accept(Match("protocol", ((6, 6), (17, 17))), WEB),
]


@pytest.mark.parametrize("rule", OTHERS)
def test_something_else_is_something_else(rule):
    assert packet_space([rule], "inet") not in (None, packet_space([accept(TCP, WEB)], "inet"))


UNKNOWN = [
    accept(WEB),
    accept(TCP),
    accept(TCP, WEB, Match("state", names=("NEW",))),
    accept(TCP, WEB, Match("unknown", names=("limit",))),
    accept(TCP, Match("dport", ((80, 80),), negated=True)),
    accept(TCP, WEB, Match("source", ((1, 5),))),
    accept(TCP, WEB, effects=(Effect("mark", (1, 1)),)),
    accept(TCP, WEB, Match("in_interface", names=("a",)), Match("in_interface", names=("b",))),
    accept(Match("protocol", ((58, 58),)), Match("icmp_type", ((135, 135),), argument=(0, 0))),
]


@pytest.mark.parametrize("rule", UNKNOWN)
def test_what_our_rules_never_ask_is_not_understood(rule):
    assert packet_space([rule], "inet") is None


def test_less_is_covered_and_more_is_not():
    asked = packet_space([accept(TCP, WEB)], "inet")
    for less in SAME[1] + [accept(FOUR, TCP, WEB, Match("source", ((1, 5),)), Match("in_interface", names=("lo",)))]:
        assert covers(asked, packet_space([less], "inet"))
    for more in (accept(TCP, Match("dport", ((80, 81),))), accept(Match("protocol", ((6, 6), (17, 17))), WEB)):
        assert touches(asked, packet_space([more], "inet"))
        assert not covers(asked, packet_space([more], "inet"))
    assert not touches(asked, packet_space([accept(TCP, Match("dport", ((22, 22),)))], "inet"))
