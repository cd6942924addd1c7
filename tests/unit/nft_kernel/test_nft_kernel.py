# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nf_tables' messages are read right, and no rule that iptables-save prints wrongly passes for what it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._nft_kernel import (
    KernelChain,
    KernelRule,
    KernelTable,
    NftView,
    RuleReader,
    mark_native_rules,
    native_tables,
    parse_chain,
    parse_table,
)
from ansible_collections.port443.https.plugins.module_utils._nft_rules import printed_right
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Rule, Table

MESSAGES = yaml.safe_load((Path(__file__).parent / "messages.yml").read_text(encoding="utf-8"))
# What was loaded: with iptables-nft 1.8.9 the first two rules of INPUT, the chain web and the table raw; with nft 1.0.6
#   add rule ip filter INPUT tcp dport { 80, 8080 } accept
#   add rule ip filter INPUT ip saddr < 5.5.5.5 counter accept
# and the tables guard, nat (of ip6), early, none and off (dormant).
VIEW = NftView(
    tables=(
        KernelTable("ip", "filter"),
        KernelTable("ip", "raw"),
        KernelTable("inet", "guard"),
        KernelTable("ip6", "nat"),
        KernelTable("netdev", "early"),
        KernelTable("arp", "none"),
        KernelTable("ip", "off", dormant=True),
    ),
    chains=(
        KernelChain("ip", "filter", "INPUT", "input", 0, "filter", "drop", 4),
        KernelChain("ip", "filter", "web", use=2),
        KernelChain("ip", "raw", "PREROUTING", "prerouting", -300, "filter", "accept", 1),
        KernelChain("inet", "guard", "input", "input", 10, "filter", "drop", 1),
        KernelChain("inet", "guard", "idle", "output", -5, "filter"),
        KernelChain("ip6", "nat", "mine", "prerouting", -100, "nat", "accept", 1),
        KernelChain("netdev", "early", "local", "ingress", 0, "filter", "drop", 0, ("lo",)),
        KernelChain("netdev", "early", "both", "ingress", -3, "filter", "accept", 1, ("eth0", "lo")),
        KernelChain("arp", "none", "in", "input", 0, "filter", "drop"),
        KernelChain("ip", "off", "in", "input", 0, "filter", "drop"),
    ),
    rules=(
        KernelRule(
            "ip",
            "filter",
            "INPUT",
            ("meta 16", "cmp 0", "payload 2 2", "cmp 0", "counter", "immediate verdict"),
        ),
        KernelRule(
            "ip",
            "filter",
            "INPUT",
            ("meta 6", "cmp 0", "payload 1 12", "bitwise", "cmp 0", "match", "limit", "counter", "target"),
        ),
        KernelRule("ip", "filter", "INPUT", ("meta 16", "cmp 0", "payload 2 2", "lookup", "immediate verdict")),
        KernelRule("ip", "filter", "INPUT", ("payload 1 12", "cmp 2", "counter", "immediate verdict")),
        KernelRule("ip", "filter", "web", ("counter", "target")),
        KernelRule("ip", "raw", "PREROUTING", ("counter", "immediate value", "meta set 12")),
        KernelRule("ip6", "nat", "mine", ("meta 16", "cmp 0", "payload 2 2", "cmp 0", "immediate verdict")),
    ),
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


def test_recorded_messages_are_read():
    reader = RuleReader()
    view = NftView(
        tuple(parse_table(family, bytes.fromhex(message)) for family, message in MESSAGES["tables"]),
        tuple(parse_chain(family, bytes.fromhex(message)) for family, message in MESSAGES["chains"]),
        tuple(reader.parse(family, bytes.fromhex(message)) for family, message in MESSAGES["rules"]),
    )
    assert view == VIEW


def opaque(table, chain, priority, hook, policy="accept", kind="filter"):
    text = f"nft table {table}, chain {chain}"
    return Chain(chain, (Rule((), "opaque", text=text),), policy, hook, priority, kind)


def test_native_base_chains_that_may_decide_are_opaque_and_idle_ones_are_none():
    assert native_tables(VIEW) == (
        Table("nft", "inet", "guard", (opaque("inet guard", "input", 10, "input", "drop"),)),
        Table("nft", "netdev", "early", (opaque("netdev early", "both", -3, "ingress"),)),
        Table("nft", "arp", "none", (opaque("arp none", "in", 0, "input", "drop"),)),
    )


def test_native_rules_among_iptables_rules_are_opaque():
    table, _raw = mark_native_rules(parse_save(SAVED, "iptables-nft", "ip"), VIEW, "ip")
    assert [(rule.verdict, rule.matches == (), rule.text) for rule in table.chain("INPUT").rules] == [
        ("jump", False, "-A INPUT -p tcp -m tcp --dport 443 -j web"),
        (
            "continue",
            False,
            "-A INPUT -s 10.0.0.0/9 -i eth0 -m conntrack --ctstate NEW -m limit --limit 5/sec -j LOG",
        ),
        ("opaque", True, "-A INPUT -p tcp -j ACCEPT"),
        ("opaque", True, "-A INPUT -s 5.5.5.5/32 -j ACCEPT"),
    ]


def test_base_chain_that_iptables_save_leaves_out_is_native():
    text = "*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n"
    tables = mark_native_rules(parse_save(text, "iptables-nft", "ip6"), VIEW, "ip6")
    assert tables[1:] == (Table("nft", "ip6", "nat", (opaque("ip6 nat", "mine", -100, "prerouting", kind="nat"),)),)


def test_chain_of_which_text_and_kernel_show_different_rules_is_opaque():
    shorter = SAVED.replace("-A INPUT -s 5.5.5.5/32 -j ACCEPT\n", "")
    table, _raw = mark_native_rules(parse_save(shorter, "iptables-nft", "ip"), VIEW, "ip")
    assert table.chain("INPUT") == opaque("ip filter", "INPUT", 0, "input", "drop")


def test_nothing_printed_leaves_every_base_chain_native():
    tables = mark_native_rules((), VIEW, "ip")
    assert [(table.frontend, table.name, [chain.name for chain in table.chains]) for table in tables] == [
        ("nft", "filter", ["INPUT"]),
        ("nft", "raw", ["PREROUTING"]),
    ]


def test_dormant_table_does_nothing():
    view = NftView((KernelTable("ip", "filter", True),), (KernelChain("ip", "filter", "INPUT", "input"),))
    (table,) = mark_native_rules(parse_save("*filter\n:INPUT DROP [0:0]\nCOMMIT\n", "iptables-nft", "ip"), view, "ip")
    assert [chain.hook for chain in table.chains] == [None]


def test_view_answers_what_is_there():
    assert (VIEW.has_iptables_tables("ip"), VIEW.has_iptables_tables("ip6")) == (True, True)
    assert NftView(tables=VIEW.tables[2:3]).has_iptables_tables("ip") is False
    assert (VIEW.has_chain("ip", "filter", "web"), VIEW.has_chain("ip6", "filter", "web")) == (True, False)


@pytest.mark.parametrize(
    ("tokens", "text", "right"),
    [
        ("counter, immediate verdict", "-A INPUT -j ACCEPT", True),
        ("immediate verdict", "-A INPUT -j ACCEPT", False),
        (
            "meta 16, cmp 0, payload 2 2, range, counter, immediate verdict",
            "-A INPUT -p tcp ! --dport 5:9 -j DROP",
            True,
        ),
        ("payload 1 12, cmp 5, cmp 3, counter, immediate verdict", "-A INPUT -s 6.6.6.6/32 -j DROP", False),
        ("meta 16, cmp 0, payload 2 2, bitwise, cmp 0, counter", "-A INPUT -p tcp --dport 1", False),
        ("meta 16, cmp 0, payload 2 13, bitwise, cmp 0, counter", "-A INPUT -p tcp --tcp-flags SYN SYN", True),
        ("meta 3, cmp 0, meta 3, cmp 0, counter", "-A INPUT -m mark --mark 0x1 -m mark --mark 0x2", True),
        ("meta 3, cmp 0, meta 3, cmp 0, counter", "-A INPUT -m mark --mark 0x1", False),
        ("meta 16, cmp 0, payload 2 4, cmp 0, counter", "-A INPUT -p udp", False),
        ("payload 1 8, cmp 0, counter", "-A INPUT -m ttl --ttl-eq 5", True),
        ("payload 1 2, cmp 0, counter", "-A INPUT -j ACCEPT", False),
        ("meta 10, cmp 0, counter", "-A INPUT -j ACCEPT", False),
        ("ct, bitwise, cmp 1, counter", "-A INPUT -j ACCEPT", False),
        ("meta 16, lookup, counter", "-A INPUT -j ACCEPT", False),
        ("counter, log", "-A INPUT -j NFLOG --nflog-prefix hi", True),
        ("counter, log, immediate verdict", "-A INPUT -j DROP", False),
        ("immediate value, counter", "-A INPUT -j MARK --set-xmark 0x1/0xffffffff", False),
        ("counter, immediate value, meta set 3", "-A INPUT -j MARK --set-xmark 0x1/0xffffffff", True),
        ("counter, immediate value, payload set 2 2", "-A INPUT -j ACCEPT", False),
    ],
)
def test_expressions_and_printed_line_agree(tokens, text, right):
    assert printed_right(tuple(tokens.split(", ")), text) is right
