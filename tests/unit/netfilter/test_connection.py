# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verdict on whole connections, and how it is told; tests/kernel tries the same on a real kernel."""

from __future__ import annotations

import ipaddress
import time
from pathlib import Path

import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ANY_SOURCE, UNLISTED_SOURCE
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import (
    ConnectionJudge,
    connection_verdict,
    neighbour_discovery_verdict,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

TCP, UDP = 6, 17
TRIED = yaml.safe_load((Path(__file__).parents[2] / "kernel" / "connections.yml").read_text(encoding="utf-8"))
PURE = [case for case in TRIED if "nft" not in case.get("rules", {})]
SOURCES = {
    4: {"stranger": UNLISTED_SOURCE, "banned": "203.0.113.5", "friend": "198.51.100.9", "near": "192.0.2.1"},
    6: {"stranger": UNLISTED_SOURCE, "banned": "2001:db8:bad::5", "friend": "2001:db8:f::9", "near": "2001:db8::1"},
}
HOSTS = {4: "192.0.2.2", 6: "2001:db8::2"}
GATEWAYS = {4: "192.0.2.1", 6: "fe80::1"}
DISCOVERY = "-A INPUT -p ipv6-icmp -m icmp6 --icmpv6-type {} -j ACCEPT"


def number(address):
    return int(ipaddress.ip_address(address))


def ask(family=4, protocol=TCP, port=443, source=UNLISTED_SOURCE, **fields):
    port = port if isinstance(port, tuple) else (port, port)
    if source not in (UNLISTED_SOURCE, ANY_SOURCE):
        source = ((number(source), number(source)),)
    own = ((number(HOSTS[family]), number(HOSTS[family])),)
    known = {"interface": "eth0", "addresses": own, "gateway": number(GATEWAYS[family])}
    return ConnectionQuery(family, protocol, port, source, **{**known, **fields})


def table(*lines, family="ip", frontend="iptables-nft", name="filter"):
    return parse_save("\n".join((f"*{name}", *lines, "COMMIT", "")), frontend, family)


def native(family, hook, kind="filter", priority=0):
    rules = (Rule((), "opaque", text="[new]", handle=3),)
    return (Table("nft", family, "own", (Chain("c", rules, "accept", hook, priority, kind),)),)


@pytest.mark.parametrize("case", PURE, ids=[case["title"] for case in PURE])
def test_verdict_needs_no_kernel(case):
    ruleset = ()
    for name, text in case.get("rules", {}).items():
        family = "ip6" if name.startswith("ip6") else "ip"
        ruleset += parse_save(text, name.replace("ip6tables", "iptables"), family)
    verdicts = ConnectionJudge(ruleset)
    for family, protocol, port, source, verdict, _because in case["expect"]:
        question = ask(family, {"tcp": TCP, "udp": UDP}[protocol], port, SOURCES[family][source])
        assert verdicts.answer(question).verdict == verdict


def test_answer_tells_where_the_deciding_rule_stands():
    rule = "-A INPUT -p tcp -m tcp --dport 443 -j REJECT --reject-with icmp-port-unreachable"
    assert connection_verdict(table("-A INPUT -p udp -j ACCEPT", rule), ask()) == Verdict(
        "blocked",
        f"iptables-nft ip filter INPUT rule 2: {rule}",
        "iptables-nft",
        "ip",
        "filter",
        "INPUT",
        2,
        rule,
    )


def test_policy_is_named_without_a_number():
    assert connection_verdict(table(":INPUT DROP", frontend="iptables-legacy"), ask()) == Verdict(
        "blocked", "iptables-legacy ip filter INPUT policy DROP", "iptables-legacy", "ip", "filter", "INPUT"
    )


def test_nothing_that_filters_and_rules_that_do_not_concern_it_are_told_apart():
    assert connection_verdict((), ask()) == Verdict("open", "nothing filters here")
    assert connection_verdict(table("-A OUTPUT -p icmp -j DROP"), ask()) == Verdict("open", "no rule blocks it")


def test_control_characters_of_foreign_comments_are_escaped():
    rule = '-A INPUT -m comment --comment "\x1b[2J\n\u202eevil \u00e9" -j DROP'
    assert connection_verdict(table(rule), ask()).because == (
        'iptables-nft ip filter INPUT rule 1: -A INPUT -m comment --comment "\\x1b[2J\\n\\u202eevil \u00e9" -j DROP'
    )


@pytest.mark.parametrize(
    ("lines", "port", "expected"),
    [
        (["-A INPUT -p tcp --dport 440:460 -j ACCEPT", "-A INPUT -j DROP"], (443, 450), ("open", None)),
        (["-A INPUT -p tcp --dport 440:445 -j ACCEPT", "-A INPUT -j DROP"], (443, 450), ("blocked", (446, 450))),
        (["-A INPUT -p tcp --dport 445 -j DROP"], (443, 450), ("blocked", (445, 445))),
        (["-A INPUT -p tcp --dport 445 -m limit --limit 1/sec -j DROP"], (443, 450), ("depends", (445, 445))),
        (["-A INPUT -m limit --limit 1/sec -j DROP"], (443, 450), ("depends", None)),
        (["-A OUTPUT -p tcp --sport 444 -j DROP"], (443, 450), ("blocked", (444, 444))),
        (
            ["-A INPUT -p tcp --dport 445 -j ACCEPT", "-A INPUT -p tcp --dport 446 -j ACCEPT"],
            (443, 450),
            ("open", None),
        ),
    ],
)
def test_range_is_open_only_if_all_of_it_is(lines, port, expected):
    answer = connection_verdict(table(*lines), ask(port=port))
    assert (answer.verdict, answer.port) == expected


def test_range_in_too_many_parts_is_given_up():
    lines = [f"-A INPUT -p tcp --dport {port} -j ACCEPT" for port in range(1000, 3000, 2)]
    lines += [f"-A INPUT -p tcp --dport {port} -m limit --limit 9/sec -j ACCEPT" for port in range(1001, 3000, 2)]
    answer = connection_verdict(table(":INPUT DROP", *lines), ask(port=(1000, 2999)))
    assert answer == Verdict("depends", "the rules treat 1000-2999/tcp in more than 128 parts: ask for fewer ports")


def test_anyone_is_more_than_a_stranger():
    rules = table("-A INPUT -s 203.0.113.0/24 -j DROP")
    assert connection_verdict(rules, ask()).verdict == "open"
    assert connection_verdict(rules, ask(source=ANY_SOURCE)).verdict == "depends"


def test_unknown_interface_and_addresses_are_not_guessed():
    rules = table("-A INPUT -i eth1 -j DROP", "-A INPUT -d 192.0.2.3 -j DROP")
    assert connection_verdict(rules, ask()).verdict == "open"
    assert connection_verdict(rules, ask(interface=None)).verdict == "depends"
    assert connection_verdict(rules, ask(addresses=None)).verdict == "depends"
    assert connection_verdict(table("-A INPUT ! -i lo -j DROP"), ask(interface=None)).verdict == "blocked"


def test_connection_of_the_host_to_itself_takes_both_ways_through_lo():
    question = ask(source="127.0.0.1", addresses=((number("127.0.0.1"),) * 2,), loopback=True)
    both = (":INPUT DROP", ":OUTPUT DROP", "-A INPUT -i lo -j ACCEPT")
    assert connection_verdict(table(*both), question).because == "iptables-nft ip filter OUTPUT policy DROP"
    assert connection_verdict(table(*both, "-A OUTPUT -o lo -j ACCEPT"), question).verdict == "open"
    assert connection_verdict(table(*both, "-A OUTPUT -o eth0 -j ACCEPT"), question).verdict == "blocked"
    prerouting = table("-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 1", name="nat")
    assert connection_verdict(prerouting + table("-A INPUT -p tcp --dport 1 -j DROP"), question).verdict == "open"


@pytest.mark.parametrize(
    ("family", "asked", "hook", "verdict"),
    [
        ("inet", 4, "input", "depends"),
        ("inet", 6, "output", "depends"),
        ("ip6", 4, "input", "open"),
        ("ip", 4, "postrouting", "depends"),
        ("ip", 4, "forward", "open"),
        ("netdev", 4, "ingress", "depends"),
        ("netdev", 6, "egress", "depends"),
        ("arp", 4, "input", "depends"),
        ("arp", 6, "input", "open"),
        ("bridge", 4, "prerouting", "depends"),
    ],
)
def test_native_chain_makes_it_depend_where_packets_pass_it(family, asked, hook, verdict):
    answer = connection_verdict(native(family, hook), ask(asked))
    assert answer.verdict == verdict
    assert verdict == "open" or answer.because == f"it depends on nft {family} own c handle 3: [new]"


def test_bridge_tables_count_only_on_a_bridge():
    assert connection_verdict(native("bridge", "input"), ask(bridge=False)).verdict == "open"


def test_native_chain_does_not_hide_a_certain_drop_unless_it_may_send_the_packet_to_another_port():
    drop = table("-A INPUT -p tcp --dport 443 -j DROP")
    assert connection_verdict(drop + native("inet", "input"), ask()).verdict == "blocked"
    assert connection_verdict(drop + native("ip", "prerouting", "nat", -100), ask()).verdict == "depends"
    closed = table("-A INPUT -j DROP")
    assert connection_verdict(closed + native("ip", "prerouting", "nat", -100), ask()).verdict == "blocked"


def test_two_frontends_that_redirect_differently_leave_the_port_open_to_doubt():
    one = table("-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 1001", name="nat")
    two = table("-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 1002", name="nat", frontend="iptables-legacy")
    shut = table("-A INPUT -p tcp --dport 1001 -j DROP")
    assert connection_verdict(one + two + shut, ask()).verdict == "depends"
    assert connection_verdict(one + two, ask()).verdict == "open"


def test_chains_run_by_priority_however_they_are_listed():
    marked = table("-A INPUT -j MARK --set-xmark 0x1/0x1", name="mangle")
    dropped = table("-A INPUT -m mark --mark 0x1/0x1 -j DROP")
    for rules in (marked + dropped, dropped + marked):
        assert connection_verdict(rules, ask()).verdict == "blocked"


def test_an_address_that_nat_sends_to_is_certain():
    both = ask(addresses=tuple((number(address),) * 2 for address in ("192.0.2.2", "192.0.2.3")))
    rules = table(":INPUT DROP", "-A INPUT -d 192.0.2.2 -j ACCEPT")
    nat = table("-A PREROUTING -p tcp --dport 443 -j DNAT --to-destination 192.0.2.2", name="nat")
    assert connection_verdict(rules, both).verdict == "depends"
    assert connection_verdict(rules + nat, both).verdict == "open"


def test_neighbour_discovery_is_judged_alone():
    assert neighbour_discovery_verdict((), "eth0").verdict == "open"
    shut = table(":INPUT DROP", DISCOVERY.format(136), family="ip6")
    assert neighbour_discovery_verdict(shut, "eth0").because == (
        "IPv6 neighbours cannot ask where the host is (icmpv6 135): iptables-nft ip6 filter INPUT policy DROP"
    )
    half = table(":INPUT DROP", DISCOVERY.format(135), family="ip6")
    assert neighbour_discovery_verdict(half, "eth0").verdict == "depends"
    assert neighbour_discovery_verdict(half, "eth0").because.startswith(
        "IPv6 neighbours cannot tell the host where they are (icmpv6 136), it answers only those that asked: "
    )
    whole = table(":INPUT DROP", "-A INPUT -p ipv6-icmp -j ACCEPT", family="ip6")
    assert neighbour_discovery_verdict(whole, None).verdict == "open"


def test_link_without_neighbours_needs_no_discovery():
    rules = table(":INPUT DROP", "-A INPUT -p tcp -j ACCEPT", family="ip6")
    assert connection_verdict(rules, ask(6)).verdict == "blocked"
    assert connection_verdict(rules, ask(6, neighbours=False)).verdict == "open"


def test_gateway_decides_whether_its_answer_comes_from_its_link_local_address():
    rules = table(":INPUT DROP", "-A INPUT -p tcp -j ACCEPT", "-A INPUT -s fe80::/10 -j ACCEPT", family="ip6")
    assert connection_verdict(rules, ask(6)).verdict == "open"
    assert connection_verdict(rules, ask(6, gateway=number("2001:db8::1"))).verdict == "depends"
    assert connection_verdict(rules, ask(6, gateway=None)).verdict == "depends"


def test_big_rulesets_and_many_ports_take_no_time():
    bans = [f"-A INPUT -s 10.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 -j DROP" for n in range(10_000)]
    ports = [f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in range(1000, 1500)]
    started = time.process_time()
    verdicts = ConnectionJudge(table(":INPUT DROP", *bans, *ports, "-A INPUT -m state --state ESTABLISHED -j ACCEPT"))
    assert {verdicts.answer(ask(port=port)).verdict for port in range(1000, 1500)} == {"open"}
    assert time.process_time() - started < 5  # 0.3 s when nothing else runs


FE80 = int(ipaddress.ip_address("fe80::2"))
GLOBAL = int(ipaddress.ip_address("2001:db8::2"))
ONLY_GLOBAL = (":INPUT DROP", "-A INPUT -p ipv6-icmp -j ACCEPT", "-A INPUT -d 2001:db8::2/128 -j ACCEPT")


@pytest.mark.parametrize(
    ("source", "own", "expected"),
    [
        (UNLISTED_SOURCE, (GLOBAL, FE80), "open"),
        (((GLOBAL + 7, GLOBAL + 7),), (GLOBAL, FE80), "open"),
        (((FE80 + 7, FE80 + 7),), (GLOBAL, FE80), "depends"),
        (UNLISTED_SOURCE, (FE80,), "blocked"),
    ],
)
def test_who_is_beyond_the_link_reaches_no_address_of_the_link(source, own, expected):
    addresses = tuple((address, address) for address in own)
    question = ConnectionQuery(6, TCP, (443, 443), source, interface="eth0", addresses=addresses, bridge=False)
    assert connection_verdict(table(*ONLY_GLOBAL, family="ip6"), question).verdict == expected
