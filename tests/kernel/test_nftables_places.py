# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a rule set comes to stand in the native tables of a real kernel, and what it leaves alone."""

from __future__ import annotations

import subprocess
import time

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from nft_host import ALL_OPEN, ESTABLISHED, FIREWALL, filter_of, lines_of, listed, nft, verdicts
from rooted import tool

# The tables that filter, the rules of others in them, and where our jump has to be: by table, chain, rules before it.
PLACES = [
    ("inet, policy", filter_of("inet filter", rules=[ESTABLISHED]), [("inet filter", "input", 1)]),
    ("names of the host's own", filter_of("inet fw4", "IN-coming", rules=["drop"]), [("inet fw4", "IN-coming", 0)]),
    (
        "one table for each IP version",
        filter_of("ip filter", rules=[ESTABLISHED, "drop"]) + filter_of("ip6 filter", "INPUT", rules=[ESTABLISHED]),
        [("ip filter", "input", 1), ("ip6 filter", "INPUT", 1)],
    ),
    (
        "two tables that both block",
        filter_of("inet a", rules=["tcp dport 22 accept"]) + filter_of("inet b", "late", "accept", ["drop"], "10"),
        [("inet a", "input", 1), ("inet b", "late", 0)],
    ),
    (
        "two chains of one table",
        "table inet a {\n chain one { type filter hook input priority 0; policy drop; \n }\n"
        " chain two { type filter hook input priority 5\n counter drop\n }\n}\n",
        [("inet a", "one", 0), ("inet a", "two", 0)],
    ),
    (
        "a table that blocks nothing, and one that does",
        filter_of("inet a", policy="accept", rules=["counter"]) + filter_of("inet b"),
        [("inet b", "input", 0)],
    ),
    (
        "tables that programs keep",
        filter_of("inet f2b-table", "f2b-chain", "accept", ["tcp dport 22 ip saddr 203.0.113.5 drop"], "-1")
        + filter_of("inet filter"),
        [("inet filter", "input", 0)],
    ),
    (
        "a chain of the administrator's",
        "table inet a {\n chain wan {\n icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept\n"
        " tcp dport 22 accept\n drop\n }\n"
        " chain incoming { type filter hook input priority 0; policy drop\n"
        ' iifname vmap { "lo" : accept, "eth0" : jump wan }\n }\n}\n',
        [("inet a", "wan", 2)],
    ),
    (
        "a map that blocks at its end",
        filter_of("inet a", policy="accept", rules=["meta l4proto vmap { icmp : accept, tcp : drop, udp : drop }"]),
        [("inet a", "input", 0)],
    ),
    ("behind the bans", filter_of("inet a", rules=["ip saddr 203.0.113.5 drop"]), [("inet a", "input", 1)]),
]


@pytest.mark.parametrize(("_title", "rules", "places"), PLACES, ids=[title for title, _rules, _places in PLACES])
def test_the_set_is_in_each_chain_that_blocks_and_nowhere_else(host, _title, rules, places):
    nft(rules)
    before = listed()
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    assert tool("nft", "list", "ruleset").count("jump port443-https") == len(places)
    for table, chain, number in places:
        assert lines_of(chain, table)[number] == "jump port443-https"
    assert len(done.steps) == 1
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert listed() == before


def test_neighbours_are_let_in_where_they_were_shut_out(host):
    nft(filter_of("inet filter", rules=[ESTABLISHED]))
    assert verdicts(host.ensure()) == ALL_OPEN
    assert lines_of("port443-https") == [
        "tcp dport { 80, 443 } accept",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
    ]
    assert host.ensure().steps == ()


def test_a_version_that_nothing_filters_gets_nothing(host):
    nft(filter_of("ip filter", rules=[ESTABLISHED]))
    assert verdicts(host.ensure()) == ALL_OPEN
    assert "ip6" not in tool("nft", "list", "tables")


def test_ports_with_different_barriers_get_their_own_jumps(host):
    nft(filter_of("inet filter", policy="accept", rules=["udp dport 1-65535 drop", "meta l4proto tcp drop"]))
    ports = ["443/tcp", "8000-8010/tcp", "443/udp"]
    done = host.ensure(ports=ports)
    assert set(verdicts(done).values()) == {"blocked", "open"}  # ports that are named are the administrator's will
    nft("flush chain inet filter input\n")
    for rule in ("meta nfproto ipv6 drop", "meta l4proto udp drop", "ct state new drop"):
        nft(f"add rule inet filter input {rule}\n")
    done = host.ensure(ports=ports)
    assert set(verdicts(done).values()) == {"open"}
    assert lines_of("input") == [
        "meta nfproto ipv6 tcp dport { 443, 8000-8010 } jump port443-https",
        "meta nfproto ipv6 udp dport 443 jump port443-https",
        "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } jump port443-https",
        "meta nfproto ipv6 drop",
        "meta nfproto ipv4 udp dport 443 jump port443-https",
        "meta l4proto udp drop",
        "meta nfproto ipv4 tcp dport { 443, 8000-8010 } jump port443-https",
        "ct state new drop",
    ]
    assert host.ensure(ports=ports).steps == ()


def test_a_jump_that_is_behind_the_barrier_moves_and_the_chain_stays(host):
    nft(FIREWALL)
    host.ensure()
    nft("insert rule inet filter input meta l4proto tcp drop\n")
    done = host.ensure()
    assert lines_of("input")[:2] == ["jump port443-https", "meta l4proto tcp drop"]
    assert "add rule inet filter port443-https" not in str(done.steps[0])
    assert tool("nft", "list", "ruleset").count("jump port443-https") == 1


def test_an_admins_deny_of_the_port_is_told_and_not_overruled(host):
    nft(FIREWALL.replace("tcp dport 22 accept # ssh", "tcp dport 443 drop"))
    done = host.ensure()
    assert verdicts(done) == {**ALL_OPEN, ("443", "tcp", "ipv4"): "blocked", ("443", "tcp", "ipv6"): "blocked"}
    assert any("443/tcp over IPv4 is blocked" in text and "tcp dport 443 drop" in text for text in done.warnings)
    assert verdicts(host.ensure(position="first")) == ALL_OPEN
    assert lines_of("input")[0] == "jump port443-https"
    host.ensure(position="last")
    assert lines_of("input")[-1] == "jump port443-https"


def test_a_table_that_a_running_program_owns_is_left_and_told(host):
    nft(FIREWALL)
    chain = "add chain inet mine incoming { type filter hook input priority 9; policy drop; }"
    with subprocess.Popen(["nft", "-i"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        owner.stdin.write(f"add table inet mine {{ flags owner; }}; {chain}\n")
        owner.stdin.flush()
        deadline = time.monotonic() + 5
        while "hook input priority 9" not in tool("nft", "list", "ruleset") and time.monotonic() < deadline:
            time.sleep(0.02)
        done = host.ensure()
        owner.stdin.close()
    assert set(verdicts(done).values()) == {"blocked"}
    assert "table inet mine belongs to a running program, so nothing was changed in it" in done.warnings


def test_iptables_own_tables_are_not_touched(host):
    tool("iptables-nft", "-P", "INPUT", "DROP")
    nft(FIREWALL.replace("flush ruleset", ""))
    before = tool("iptables-nft-save").splitlines()[1:-1]
    done = host.ensure(backend="nftables")
    assert verdicts(done)["443", "tcp", "ipv4"] == "blocked"
    assert verdicts(done)["443", "tcp", "ipv6"] == "open"
    assert tool("iptables-nft-save").splitlines()[1:-1] == before


def test_a_table_that_is_switched_off_keeps_its_set(host):
    nft(FIREWALL)
    host.ensure()
    nft("add table inet filter { flags dormant; }\n" + filter_of("inet other"))
    before = lines_of("input")
    assert verdicts(host.ensure()) == ALL_OPEN
    assert lines_of("input") == before
    host.ensure(state="absent")
    assert "port443" not in listed()


def test_a_map_of_the_administrator_that_leads_to_a_set_is_not_deleted(host):
    nft(FIREWALL)
    host.ensure()
    nft("insert rule inet filter input tcp dport vmap { 22 : accept, 443 : jump port443-https }\n")
    before = listed()
    assert host.ensure().steps == ()
    with pytest.raises(HostError, match="Device or resource busy"):
        host.ensure(state="absent")
    assert listed() == before
