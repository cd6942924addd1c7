# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a request comes to: a line for each direction, IP version and port."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import judge
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

ADDRESSES = ((0xC0000202, 0xC0000202),)
PLAIN = frozenset(("eth0", "eth0.5"))
FOUR = Link(4, True, "eth0", ADDRESSES, None, PLAIN, PLAIN)
SIX = Link(6, True, "eth0", ((0x20010DB8 << 96 | 2,) * 2,), None, PLAIN, PLAIN)
RULES = parse_save(
    """*filter
:INPUT DROP
:OUTPUT DROP
-A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp --dport 443 -j ACCEPT
-A OUTPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A OUTPUT -p tcp --dport 80 -j ACCEPT
COMMIT
""",
    "iptables-nft",
    "ip",
)


def lines(links=(FOUR,), rules=RULES, **options):
    request = parse_request({"ports": ["80/tcp", "443/tcp"], **options})
    return [
        (line.direction, line.family, line.port, line.verdict, line.because) for line in judge(rules, links, request)
    ]


def test_each_direction_has_its_lines():
    into, out = "iptables-nft ip filter INPUT", "iptables-nft ip filter OUTPUT"
    assert lines(direction="both") == [
        ("in", "ipv4", "80", "blocked", f"{into} policy DROP"),
        ("in", "ipv4", "443", "blocked", f"{into} policy DROP"),
        ("out", "ipv4", "80", "open", f"{out} rule 2: -A OUTPUT -p tcp --dport 80 -j ACCEPT"),
        ("out", "ipv4", "443", "blocked", f"{out} policy DROP"),
    ]
    assert [line[:3] for line in lines(direction="out")] == [("out", "ipv4", "80"), ("out", "ipv4", "443")]


def test_sources_are_judged_as_asked():
    assert [line[3] for line in lines(source=["192.0.2.0/25"])] == ["blocked", "open"]
    assert [line[3] for line in lines(source=["192.0.2.0/25", "198.51.100.1"])] == ["blocked", "blocked"]


def test_ip_version_that_the_host_or_the_sources_have_not_has_no_line():
    assert [line[1] for line in lines((FOUR, SIX))] == ["ipv4", "ipv4", "ipv6", "ipv6"]
    assert [line[1] for line in lines((FOUR, SIX), source=["192.0.2.1"])] == ["ipv4", "ipv4"]


@pytest.mark.parametrize(("interface", "verdict"), [("eth0", "open"), ("eth0.5", "depends"), ("eth7", "blocked")])
def test_interface_made_of_others_may_pass_the_chains_of_those(interface, verdict):
    chain = Chain("early", (Rule((), "drop", handle=3),), "accept", "ingress", devices=("eth7",))
    four = Link(4, True, interface, ADDRESSES, None, PLAIN, PLAIN, frozenset(("eth0.5",)))
    assert {line[3] for line in lines((four,), (Table("nft", "netdev", "t", (chain,)),))} == {verdict}


def test_each_line_is_about_something_else():
    request = parse_request({"ports": ["443/tcp", "443/udp", "80/tcp"], "direction": "both"})
    assert len({line.key for line in judge(RULES, (FOUR, SIX), request)}) == 12


def test_interfaces_are_judged_as_asked_and_the_worst_of_them_counts():
    rules = parse_save("*filter\n:INPUT ACCEPT\n-A INPUT -i eth1 -j DROP\nCOMMIT\n", "iptables-nft", "ip")
    assert {line[3] for line in lines(rules=rules)} == {"open"}
    assert {line[3] for line in lines(rules=rules, interface=["eth0", "eth1"])} == {"blocked"}


def test_title_names_the_direction():
    request = parse_request({"ports": ["443/tcp"], "direction": "both"})
    assert [line.title for line in judge((), (SIX,), request)] == ["443/tcp over IPv6", "outgoing 443/tcp over IPv6"]


def redirected(to, *listeners):
    """What is said of 443, which NAT sends to another port, on a host where these listen."""
    text = f"*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports {to}\nCOMMIT\n"
    four = replace(FOUR, listeners=frozenset(listeners) if listeners else None)
    (line,) = lines((four,), parse_save(text, "iptables-nft", "ip"), ports=["443/tcp"])
    return line[3:]


def test_redirect_is_named_and_who_listens_where_it_leads():
    rule = "iptables-nft ip nat PREROUTING rule 1: -A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports"
    way = f"no rule blocks it; it arrives at port {{0}} by way of {rule} {{0}}"
    assert redirected(9, (6, 8443), (17, 9)) == ("open", way.format("9") + " (listening: no)")
    assert redirected(8443, (6, 8443)) == ("open", way.format("8443"))
    assert redirected(9) == ("open", way.format("9"))  # nobody looked


def test_redirect_of_some_is_no_claim_about_all():
    """Those that it does not take arrive where they asked to: nobody can say that no program answers them."""
    text = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p tcp --sport 8080 --dport 443 -j REDIRECT --to-ports 9\nCOMMIT\n"
    said = "no rule blocks it; it may arrive at port 9 by way of iptables-nft ip nat PREROUTING rule 1: "

    def told(*listeners):
        four = replace(FOUR, listeners=frozenset(listeners))
        (line,) = lines((four,), parse_save(text, "iptables-nft", "ip"), ports=["443/tcp"])
        verdict, because = line[3:]
        assert verdict == "open"
        assert because.startswith(said)
        return because.partition("--to-ports ")[2]

    assert told((6, 443)) == told((6, 9)) == "9"
    assert told((17, 443), (6, 80)) == "9 (listening: no)"
