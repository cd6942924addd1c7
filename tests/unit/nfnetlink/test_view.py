# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nf_tables' messages are read right, and no rule that iptables-save prints wrongly passes for what it is not."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import yaml
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    Match,
    NamedSet,
    Rule,
    Table,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.iptables_check import read_tokens
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.messages import (
    KernelChain,
    KernelTable,
    RuleReader,
    parse_chain,
    parse_elements,
    parse_set,
    parse_table,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.sets import read_elements
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import (
    NftView,
    mark_native_rules,
    native_tables,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

MESSAGES = yaml.safe_load((Path(__file__).parent / "messages.yml").read_text(encoding="utf-8"))
# What was loaded with iptables-nft-restore 1.8.9:
#   *filter
#   :INPUT DROP
#   :web -
#   -A INPUT -p tcp --dport 443 -j web
#   -A INPUT -s 10.0.0.0/9 -i eth0 -m conntrack --ctstate NEW -m limit --limit 5/sec -j LOG
#   -A web -j REJECT
#   COMMIT
#   *raw
#   -A PREROUTING -j TRACE
#   COMMIT
# and then with nft 1.0.6:
#   add rule ip filter INPUT tcp dport { 80, 8080 } accept
#   add rule ip filter INPUT ip saddr < 5.5.5.5 counter accept
#   table inet guard {
#     set banned { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 192.0.2.1 }; }
#     set pairs { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.1-10.0.0.9 . 80-90 }; }
#     set soon { type inet_service; flags timeout; elements = { 443 timeout 1h }; }
#     map todo { type inet_service : verdict; elements = { 22 : accept, 25 : drop, * : continue }; }
#     chain web { return; }
#     chain input { type filter hook input priority 10; policy drop
#       ip saddr @banned drop comment "no"
#       ip saddr . tcp dport @pairs accept
#       tcp dport @soon accept
#       tcp dport vmap @todo
#       tcp dport vmap { 443 : jump web }
#     }
#     chain idle { type filter hook output priority -5; }
#   }
#   table ip6 nat { chain mine { type nat hook prerouting priority -100; tcp dport 443 accept; }
#   }
#   table netdev early { chain local { type filter hook ingress device lo priority 0; policy drop; }
#     chain both { type filter hook ingress devices = { eth0, lo } priority -3; tcp dport 443 drop; }
#   }
#   table arp none { chain in { type filter hook input priority 0; policy drop; }
#   }
#   table ip off { flags dormant; chain in { type filter hook input priority 0; policy drop; }
#   }
TABLES = (
    KernelTable("ip", "filter"),
    KernelTable("ip", "raw"),
    KernelTable("inet", "guard"),
    KernelTable("ip6", "nat"),
    KernelTable("netdev", "early"),
    KernelTable("arp", "none"),
    KernelTable("ip", "off", dormant=True),
)
CHAINS = (
    KernelChain("ip", "filter", "INPUT", "input", 0, "filter", "drop", 4),
    KernelChain("ip", "filter", "web", use=2),
    KernelChain("ip", "raw", "PREROUTING", "prerouting", -300, "filter", "accept", 1),
    KernelChain("inet", "guard", "web", use=2),
    KernelChain("inet", "guard", "input", "input", 10, "filter", "drop", 5),
    KernelChain("inet", "guard", "idle", "output", -5, "filter"),
    KernelChain("ip6", "nat", "mine", "prerouting", -100, "nat", "accept", 1),
    KernelChain("netdev", "early", "local", "ingress", 0, "filter", "drop", 0, ("lo",)),
    KernelChain("netdev", "early", "both", "ingress", -3, "filter", "accept", 1, ("lo", "eth0")),
    KernelChain("arp", "none", "in", "input", 0, "filter", "drop"),
    KernelChain("ip", "off", "in", "input", 0, "filter", "drop"),
)
SAVED = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:web - [0:0]
-A INPUT -p tcp -m tcp --dport 443 -j web
-A INPUT -s 10.0.0.0/9 -i eth0 -m conntrack --ctstate NEW -m limit --limit 5/sec -j LOG
-A INPUT -p tcp -j ACCEPT
-A INPUT -s 5.5.5.5/32 -j ACCEPT
-A web -j REJECT --reject-with icmp-port-unreachable
COMMIT
"""
IPV4, TCP = Match("ethertype", ((0x0800, 0x0800),)), Match("protocol", ((6, 6),))
TODO = "tcp dport vmap @todo"
HTTPS = Match("dport", ((443, 443),))
BANNED = Match("source", ((10 << 24, (11 << 24) - 1), (0xC0000201, 0xC0000201)), ("banned",))
PAIR = (Match("source", ((0x0A000001, 0x0A000009),)), Match("dport", ((80, 90),)))
PAIRS = Match("either", names=("pairs",), rows=(PAIR,))
INPUT = (
    Rule((IPV4, BANNED), "drop", "drop", (), 'ip saddr @banned drop comment "no"', 9),
    Rule((IPV4, TCP, PAIRS), "accept", "accept", (), "ip saddr . tcp dport @pairs accept", 10),
    Rule((TCP, Match("dport", ((443, 443),), ("soon",))), "accept", "accept", (), "tcp dport @soon accept", 11),
    Rule((TCP, Match("dport", ((22, 22),))), "accept", "accept", (), TODO, 12),
    Rule((TCP, Match("dport", ((25, 25),))), "drop", "drop", (), TODO, 12),
    Rule((TCP,), "continue", "", (), TODO, 12),
    Rule((TCP, Match("dport", names=("todo",))), "opaque", "todo", (), TODO, 12),
    Rule((TCP, HTTPS), "jump", "web", (), "tcp dport vmap { 443 : jump web }", 14),
)


def recorded(kind):
    return [(family, bytes.fromhex(message)) for family, message in MESSAGES[kind]]


def recorded_view():
    reader = RuleReader()
    sets = [parse_set(*message) for message in recorded("sets")]
    return NftView(
        tuple(parse_table(*message) for message in recorded("tables")),
        tuple(parse_chain(*message) for message in recorded("chains")),
        tuple(reader.parse(*message) for message in recorded("rules")),
        tuple(replace(one, elements=parse_elements(elements_of(one))) for one in sets),
    )


def elements_of(one):
    """The messages that begin with the names of a set; of some sets the kernel sends a second one without elements."""
    names = b"".join(attribute(number, name) for number, name in ((1, one.table), (2, one.name)))
    return [message for message in recorded("elements") if message[1].startswith(names)]


def attribute(number, text):
    value = text.encode("ascii") + b"\0"
    return struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)


VIEW = recorded_view()


def test_recorded_messages_are_read():
    assert (VIEW.tables, VIEW.chains) == (TABLES, CHAINS)
    assert [(rule.family, rule.table, rule.chain, rule.handle, rule.comment) for rule in VIEW.rules] == [
        ("ip", "filter", "INPUT", 3, ""),
        ("ip", "filter", "INPUT", 4, ""),
        ("ip", "filter", "INPUT", 7, ""),
        ("ip", "filter", "INPUT", 8, ""),
        ("ip", "filter", "web", 5, ""),
        ("ip", "raw", "PREROUTING", 2, ""),
        ("inet", "guard", "web", 8, ""),
        ("inet", "guard", "input", 9, "no"),
        ("inet", "guard", "input", 10, ""),
        ("inet", "guard", "input", 11, ""),
        ("inet", "guard", "input", 12, ""),
        ("inet", "guard", "input", 14, ""),
        ("ip6", "nat", "mine", 2, ""),
        ("netdev", "early", "both", 3, ""),
    ]
    assert [(one.table, one.name, one.key_length, len(read_elements(one))) for one in VIEW.sets] == [
        ("filter", "__set0", 2, 2),
        ("guard", "banned", 4, 2),
        ("guard", "pairs", 8, 1),
        ("guard", "soon", 2, 1),
        ("guard", "todo", 2, 3),
        ("guard", "__map0", 2, 1),
    ]


def test_tokens_name_what_a_rule_reads_and_writes():
    assert [read_tokens(rule.expressions) for rule in VIEW.rules[1:6]] == [
        ("meta 6", "cmp 0", "payload 1 12", "bitwise", "cmp 0", "match", "limit", "counter", "target"),
        ("meta 16", "cmp 0", "payload 2 2", "lookup", "immediate verdict"),
        ("payload 1 12", "cmp 2", "counter", "immediate verdict"),
        ("counter", "target"),
        ("counter", "immediate value", "meta set 12"),
    ]


def test_native_tables_come_whole():
    guard = native_tables(VIEW)[0]
    (soon,) = (one for one in guard.sets if one.name == "soon")
    assert [span[:2] for span in soon.timeouts] == [(443, 443)]
    assert 0 < soon.timeouts[0][2] <= 3_600_000
    assert guard == Table(
        "nft",
        "inet",
        "guard",
        (
            Chain("web", (Rule((), "return", "return", (), "return", 8),)),
            Chain("input", INPUT, "drop", "input", 10),
            Chain("idle", (), "accept", "output", -5),
        ),
        (NamedSet("banned", BANNED.spans), NamedSet("pairs"), soon, NamedSet("todo", ((22, 22), (25, 25)))),
    )


def test_devices_and_dormant_tables_are_told():
    early, arp, off = native_tables(VIEW)[1:]
    assert [(chain.name, chain.hook, chain.policy, chain.devices) for chain in early.chains] == [
        ("local", "ingress", "drop", ("lo",)),
        ("both", "ingress", "accept", ("lo", "eth0")),
    ]
    assert arp == Table("nft", "arp", "none", (Chain("in", (), "drop", "input"),))
    assert off == Table("nft", "ip", "off", (Chain("in", (), "drop", None),), dormant=True)


def test_native_rules_among_iptables_rules_are_read_anew():
    table, _raw = mark_native_rules(parse_save(SAVED, "iptables-nft", "ip"), VIEW, "ip")
    assert [(rule.verdict, rule.text) for rule in table.chain("INPUT").rules] == [
        ("jump", "-A INPUT -p tcp -m tcp --dport 443 -j web"),
        ("continue", "-A INPUT -s 10.0.0.0/9 -i eth0 -m conntrack --ctstate NEW -m limit --limit 5/sec -j LOG"),
        ("accept", "tcp dport { 80, 8080 } accept"),
        ("accept", "ip saddr < 5.5.5.5 counter accept"),
    ]
    assert table.chain("INPUT").rules[2].matches == (TCP, Match("dport", ((80, 80), (8080, 8080))))
    assert {rule.handle for rule in table.chain("INPUT").rules} == {0}


def test_base_chain_that_iptables_save_leaves_out_is_native_and_the_one_that_it_makes_up_is_none():
    text = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"
    tables = mark_native_rules(parse_save(text, "iptables-nft", "ip6"), VIEW, "ip6")
    rule = Rule((TCP, HTTPS), "accept", "accept", (), "tcp dport 443 accept", 2)
    mine = Chain("mine", (rule,), "accept", "prerouting", -100, "nat")
    assert tables == (Table("nft", "ip6", "nat", (mine,)),)


def told(tables):
    return [(table.frontend, table.name, table.unprintable, table.chain("INPUT") is not None) for table in tables]


# What iptables-save 1.8.9 prints of a table that it does not print: with code 0, and with code 3 where it stops.
RAW = "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A PREROUTING -j TRACE\nCOMMIT\n"
LEFT_OUT = "# Table `filter' is incompatible, use 'nft' tool.\n" + RAW
STOPPED = SAVED[: SAVED.index("-A INPUT -s 5.5.5.5/32")]
CULPRIT = "chain INPUT: tcp dport { 80, 8080 } accept"


def test_a_table_that_is_not_printed_whole_is_read_without_the_text_and_stays_iptables():
    """A lookup may be printed; of rules that all may be, the first that iptables did not write is told."""
    raw, table = mark_native_rules(parse_save(LEFT_OUT, "iptables-nft", "ip"), VIEW, "ip")
    assert told((raw, table)) == [("iptables-nft", "raw", "", False), ("iptables-nft", "filter", CULPRIT, True)]
    assert [rule.text for rule in table.chain("INPUT").rules][0::3] == [
        "tcp dport 443 counter jump web",
        "ip saddr < 5.5.5.5 counter accept",
    ]
    for text in (STOPPED, LEFT_OUT, SAVED.replace("-A INPUT -s 5.5.5.5/32 -j ACCEPT\n", "")):
        tables = mark_native_rules(parse_save(text, "iptables-nft", "ip"), VIEW, "ip")
        assert [one for one in tables if one.name == "filter"] == [table]


def test_nothing_printed_is_no_empty_table():
    tables = mark_native_rules((), VIEW, "ip")
    assert told(tables) == [
        ("iptables-nft", "filter", CULPRIT, True),
        ("nft", "raw", "they changed meanwhile", False),
    ]


def test_a_table_that_the_kernel_no_longer_has_is_gone():
    assert mark_native_rules(parse_save(SAVED, "iptables-nft", "ip"), NftView(), "ip") == ()


def test_dormant_table_does_nothing():
    view = NftView((KernelTable("ip", "filter", True),), (KernelChain("ip", "filter", "INPUT", "input"),))
    (table,) = mark_native_rules(parse_save("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", "iptables-nft", "ip"), view, "ip")
    assert [chain.hook for chain in table.chains] == [None]


def test_view_answers_what_is_there():
    assert (VIEW.has_iptables_tables("ip"), VIEW.has_iptables_tables("ip6")) == (True, True)
    assert NftView(tables=VIEW.tables[2:3]).has_iptables_tables("ip") is False
    assert (VIEW.has_chain("ip", "filter", "web"), VIEW.has_chain("ip6", "filter", "web")) == (True, False)
