# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Yes, no or unknown: what one condition says about a packet that is only partly known."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import match_holds, rule_matches
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ANY_SOURCE, ARP, HOST, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_rule

ICMP = {"protocol": 58, "icmp": (135, 0), "hop_limit": (255, 255)}


def span(text):
    network = ipaddress.ip_network(text)
    return (int(network[0]), int(network[-1]))


@pytest.mark.parametrize(
    ("conditions", "fields", "expected"),
    [
        ("-s 10.0.0.0/8", {}, False),
        ("! -s 10.0.0.0/8", {}, True),
        ("-s 0.0.0.0/0", {}, True),
        ("-s 128.0.0.0/1", {}, None),
        ("! -s 128.0.0.0/1", {}, None),
        ("-s 10.0.0.0/8", {"source": ANY_SOURCE}, None),
        ("-s 0.0.0.0/0", {"source": ANY_SOURCE}, True),
        ("-s 10.0.0.0/8", {"source": (span("10.1.0.0/16"),)}, True),
        ("-s 10.1.0.0/16", {"source": (span("10.0.0.0/8"),)}, None),
        ("-s 10.1.0.0/16", {"source": (span("10.1.0.0/24"), span("10.2.0.0/24"))}, None),
        ("-s 10.1.0.0/16", {"source": (span("10.2.0.0/24"), span("10.3.0.0/24"))}, False),
        ("-d 192.0.2.2", {"destination": (span("192.0.2.2/32"),)}, True),
        ("-d 192.0.2.2", {"destination": HOST}, None),
        ("-d 127.0.0.0/8", {"destination": HOST}, False),
        ("-d 224.0.0.251", {"destination": HOST}, False),
        ("-p tcp --dport 443", {}, True),
        ("-p udp --dport 443", {}, False),
        ("-p tcp --dport 400:500", {"dport": (443, 600)}, None),
        ("-p tcp ! --dport 22", {"dport": (443, 600)}, True),
        ("-p tcp --sport 1024:65535", {}, True),
        ("-p tcp --sport 40000", {}, None),
        ("-p tcp -m multiport --ports 443,444", {}, True),
        ("-p tcp -m multiport ! --ports 22", {}, True),
        ("-p tcp -m multiport --ports 5000", {}, None),
        ("-m conntrack --ctstate NEW,UNTRACKED", {}, True),
        ("-m conntrack ! --ctstate NEW", {}, False),
        ("-m conntrack --ctstate INVALID", {"state": ("NEW", "INVALID")}, None),
        ("-m conntrack --ctstate DNAT", {}, False),
        ("-m conntrack --ctstate DNAT", {"dnat": True}, True),
        ("-m conntrack --ctstate DNAT", {"dnat": None}, None),
        ("-m conntrack --ctstate DNAT", {"dnat": True, "state": ("UNTRACKED",)}, False),
        ("-m conntrack --ctstate SNAT", {}, None),
        ("-p tcp --syn", {}, True),
        ("-p tcp ! --syn", {}, False),
        ("-p tcp --tcp-flags PSH PSH", {"tcp_flags": (16, 24)}, None),
        ("-m mark --mark 0", {}, True),
        ("-m mark --mark 0x4000/0x4000", {}, False),
        ("-m mark --mark 0x4000/0x4000", {"mark": None}, None),
        ("-m connmark ! --mark 1", {}, True),
        ("-m connmark ! --mark 1", {"state": ("UNTRACKED",)}, False),
        ("-i lo", {}, False),
        ("-i lo", {"in_interface": None}, False),
        ("-i eth1", {"in_interface": None}, None),
        ("-i +", {"in_interface": None}, True),
        ("! -i eth+", {}, False),
        ("-o eth0", {}, False),
        ("-f", {}, False),
        ("! -f", {}, True),
        ("-m set --match-set banned src", {}, None),
        ("-m set ! --match-set welcome src", {}, None),
        ("-m set --match-set banned src", {"unlisted": True}, False),
        ("-m set ! --match-set welcome src", {"unlisted": True}, True),
        ("-m set --match-set banned src", {"source": ANY_SOURCE}, None),
        ("-m set --match-set hosts dst", {}, None),
        ("-m limit --limit 5/sec", {}, None),
        ("-m limit --limit 5/sec -p udp", {}, False),
        ("-m addrtype --dst-type LOCAL", {}, True),
        ("-m addrtype --dst-type UNICAST", {}, False),
        ("-m addrtype --src-type UNREACHABLE", {}, None),
        ("-m pkttype --pkt-type broadcast", {}, False),
        ("-m pkttype --pkt-type broadcast", {"packet_type": ()}, None),
        ("-m ttl --ttl-lt 3", {}, None),
        ("-m ttl --ttl-gt 0", {}, True),
        ("-p icmp --icmp-type any", {}, False),
    ],
)
def test_ipv4_condition(conditions, fields, expected):
    packet = Packet(4, 6, **{"dport": (443, 443), "in_interface": "eth0", **fields})
    assert rule_matches(parse_rule(f"-A INPUT {conditions} -j ACCEPT", "ip"), packet) is expected


@pytest.mark.parametrize(
    ("conditions", "fields", "expected"),
    [
        ("-s fe80::/10", {}, False),
        ("-s 2000::/3", {}, None),
        ("-d ff02::/16", {}, False),
        ("-d ::1", {}, False),
        ("-m addrtype --dst-type UNICAST", {}, True),
        ("-m addrtype --dst-type LOCAL,UNICAST", {}, True),
        ("-m addrtype --src-type LOCAL,UNICAST", {}, False),
        ("-m addrtype --dst-type MULTICAST", {}, False),
        ("-p ipv6-icmp --icmpv6-type 135 -m hl --hl-eq 255", ICMP, True),
        ("-p ipv6-icmp --icmpv6-type 136", ICMP, False),
        ("-p ipv6-icmp --icmpv6-type 135/1", ICMP, False),
        ("-m addrtype --dst-type MULTICAST", {**ICMP, "destination_type": "MULTICAST"}, True),
    ],
)
def test_ipv6_condition(conditions, fields, expected):
    packet = Packet(6, **{"protocol": 6, "dport": (443, 443), "in_interface": "eth0", **fields})
    assert rule_matches(parse_rule(f"-A INPUT {conditions} -j ACCEPT", "ip6"), packet) is expected


PAIRS = (
    (Match("source", ((1, 9),)), Match("dport", ((443, 443),))),
    (Match("destination", ((1, 9),)), Match("dport", ((80, 80),))),
)


@pytest.mark.parametrize(
    ("match", "fields", "expected"),
    [
        (Match("ethertype", ((0x0800, 0x0800),)), {}, True),
        (Match("ethertype", ((0x86DD, 0x86DD),), negated=True), {}, True),
        (Match("ethertype", ((0x0806, 0x0806),)), {"protocol": ARP}, True),
        (Match("protocol", ((6, 6),), negated=True), {"protocol": ARP}, False),
        (Match("source", merge_spans([(5, 9), (0, 1 << 29)])), {}, None),
        (Match("source", merge_spans([(5, 9), (20, 30)])), {"source": ((22, 22),)}, True),
        (Match("source", merge_spans([(5, 9), (20, 30)])), {"source": ((15, 22),)}, None),
        (Match("source", (), ("banned",)), {}, False),
        (Match("source", (), ("banned",)), {"source": ANY_SOURCE}, None),
        (Match("source", ()), {"source": ANY_SOURCE}, False),
        (Match("source", ((5, 9),), ("banned",)), {"dynamic_sets": frozenset(("banned",))}, None),
        (Match("source", ((5, 9),), ("banned",)), {"dynamic_sets": frozenset(("others",))}, False),
        (Match("in_interface", names=("eth1", "eth0")), {}, True),
        (Match("in_interface", names=("eth1", "lo")), {"in_interface": None}, None),
        (Match("in_interface", names=()), {}, False),
        (Match("status", names=("DNAT",)), {"dnat": True}, True),
        (Match("status", names=("DNAT",), negated=True), {}, True),
        (Match("status", names=("DNAT",), negated=True), {"state": ("INVALID",)}, False),
        (Match("status", names=("DNAT",)), {"state": ("INVALID", "NEW")}, None),
        (Match("status", names=("ASSURED",)), {}, None),
        (Match("direction", names=("REPLY",)), {}, False),
        (Match("direction", names=("REPLY",)), {"direction": None}, None),
        (Match("mark", ((1, 3),), argument=(0xFFFFFFFF,)), {"mark": 2}, True),
        (Match("mark", ((1, 3),), argument=(0xF0,)), {"mark": 2}, False),
        (Match("mark", ((1, 3),), argument=(0xF0,)), {"mark": None}, None),
        (Match("tcp_flags", ((2, 2), (18, 18)), argument=(0x3F,)), {}, True),
        (Match("tcp_flags", argument=(0xFF, 2)), {}, None),  # a SYN may offer ECN
        (Match("destination_fib_type", names=("LOCAL",)), {}, True),
        (Match("source_fib_type", names=("LOCAL",), negated=True), {}, True),
        (Match("reverse_path", negated=True), {}, False),
        (Match("icmp_code", ((0, 0),)), {}, False),
        (Match("either"), {}, False),
        (Match("either", rows=PAIRS), {}, False),
        (Match("either", rows=PAIRS), {"source": ((5, 5),)}, True),
        (Match("either", rows=PAIRS, negated=True), {"source": ((5, 5),)}, False),
        (Match("either", rows=PAIRS), {"source": ((5, 15),)}, None),
        (Match("either", rows=PAIRS), {"dport": (80, 80), "destination": HOST}, None),
        (Match("either", names=("pairs",)), {"source": ANY_SOURCE}, None),
        (Match("unknown", names=("limit",)), {}, None),
    ],
)
def test_condition_of_nft(match, fields, expected):
    assert (
        match_holds(match, Packet(4, **{"protocol": 6, "dport": (443, 443), "in_interface": "eth0", **fields}))
        is expected
    )
