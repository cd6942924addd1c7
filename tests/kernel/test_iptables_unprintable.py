# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tables of iptables-nft that iptables-save does not print are not taken for empty ones, nor for another firewall's."""

from __future__ import annotations

import re

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import observe_kernel
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import judge
from rooted import V4, V6, WANTS, load, tool
from ufw_host import SSH, UfwHost

BAN = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -s 203.0.113.5/32 -j REJECT
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
"""
BAN6 = BAN.replace("203.0.113.5/32", "2001:db8:bad::5/128")
PLAIN = BAN.replace("-A INPUT -s 203.0.113.5/32 -j REJECT\n", "")  # nothing in it that nft could not have written
# What programs put there with nft, and what iptables-save 1.8.9 makes of the table then.
NATIVE = {
    "netbird's rule: a comment in place of the table, code 0": 'iifname "wt0" fib daddr type local accept',
    "a state: the same": "ct state invalid drop",
    "a field that it does not know: it stops, code 3": "ip length 500 counter drop",
}


def state(host):
    """All rules with their handles, counters left out, and all files."""
    return tool("nft", "--stateless", "--handle", "list", "ruleset"), host.files()


def save(host):
    host.put(V4, BAN)
    host.put(V6, BAN6)
    host.enable(WANTS)


def refused(host, words, **options):
    """Tries it in check mode and for real: both say these words and change nothing."""
    before = state(host)
    for check in (True, False):
        with pytest.raises(HostError) as problem:
            host.ensure(check=check, **options)
        assert words in problem.value.message
        assert state(host) == before
    return problem.value.message


@pytest.mark.parametrize("backend", ["auto", "iptables"])
@pytest.mark.parametrize("where", ["insert", "add"])
@pytest.mark.parametrize("native", NATIVE.values(), ids=NATIVE)
@pytest.mark.parametrize("family", ["ip", "ip6"])
def test_a_table_that_iptables_cannot_print_is_refused_before_the_first_step(host, family, native, where, backend):
    load(BAN, families=(4,))
    load(BAN6, families=(6,))
    save(host)
    native = native.replace("ip length", "ip6 length") if family == "ip6" else native
    tool("nft", where, "rule", family, "filter", "INPUT", *native.split())
    message = refused(
        host, f"iptables-nft table {family} filter holds what iptables-save cannot print", backend=backend
    )
    assert f"chain INPUT: {native}. Move that rule" in message


def test_a_rule_that_the_boot_file_could_keep_is_not_written_either(host):
    load(BAN, families=(4,))
    save(host)
    tool("nft", "insert", "rule", "ip", "filter", "INPUT", "ct", "state", "invalid", "drop")
    refused(host, "iptables-nft table ip filter", backend="iptables")


@pytest.mark.parametrize("table", [BAN, PLAIN], ids=["with an extension", "without one"])
def test_one_firewall_is_one_whichever_ip_version_can_be_printed(host, table):
    load(table, families=(4,))
    load(PLAIN, families=(6,))
    tool("nft", "insert", "rule", "ip", "filter", "INPUT", "ct", "state", "invalid", "drop")
    frontends = {(one.family, one.name): one.frontend for one in observe_kernel(host).ruleset}
    assert frontends == {("ip", "filter"): "iptables-nft", ("ip6", "filter"): "iptables-nft"}
    refused(host, "iptables-nft table ip filter")


def test_a_table_beside_the_one_that_filters_is_no_second_firewall(host):
    load(BAN, families=(4,))
    load(BAN6, families=(6,))
    tool("iptables", "-t", "mangle", "-A", "INPUT", "-j", "MARK", "--set-mark", "1")
    tool("nft", "add", "rule", "ip", "mangle", "INPUT", "ct", "state", "invalid", "drop")
    done = host.ensure()
    told = {(entry.family, entry.verdict, entry.because.split(": ")[0]) for entry in done.effective}
    assert done.backend == "iptables"
    assert ("ipv4", "depends", "it depends on iptables-nft ip mangle INPUT handle 2") in told
    assert {verdict for family, verdict, _because in told if family == "ipv6"} == {"open"}
    assert host.ensure().steps == ()


def test_what_cannot_be_printed_is_judged_all_the_same(host):
    load(BAN, families=(4,))
    tool("nft", "insert", "rule", "ip", "filter", "INPUT", "tcp", "dport", "443", "ct", "state", "new", "accept")
    with pytest.raises(HostError):
        host.ensure()
    kernel = observe_kernel(host)
    entries = judge(kernel.ruleset, kernel.links, parse_request({"ports": ["80/tcp", "443/tcp"]}))
    assert [(entry.port, entry.verdict, entry.because) for entry in entries if entry.family == "ipv4"] == [
        ("80", "blocked", "iptables-nft ip filter INPUT policy DROP"),
        (
            "443",
            "blocked",
            "it connects, but then its next packet is blocked: iptables-nft ip filter INPUT policy DROP",
        ),
    ]


@pytest.mark.parametrize("backend", ["auto", "iptables"])
def test_a_set_among_rules_that_cannot_be_printed_is_not_said_to_be_gone(host, backend):
    load(BAN, families=(4,))
    load(BAN6, families=(6,))
    save(host)
    host.ensure()
    tool("nft", "insert", "rule", "ip", "filter", "INPUT", "iifname wt0 fib daddr type local accept")
    refused(host, "iptables-nft table ip filter", state="absent", backend=backend)
    refused(host, "iptables-nft table ip filter", ports=["8443/tcp"], backend=backend)


@pytest.mark.parametrize("backend", ["auto", "iptables"])
def test_where_nothing_of_ours_is_there_is_nothing_to_take_out(host, backend):
    load(BAN, families=(4,))
    tool("nft", "insert", "rule", "ip", "filter", "INPUT", "iifname wt0 fib daddr type local accept")
    before = state(host)
    assert host.ensure(state="absent", backend=backend).steps == ()
    assert state(host)[0] == before[0]


def test_a_table_that_can_be_printed_no_longer_amid_a_run_is_as_it_was_without_us(host, monkeypatch):
    load(BAN, families=(4,))
    load(BAN6, families=(6,))
    run = host.run
    added = []

    def run_and_add(argv, stdin=""):
        ended = run(argv, stdin)
        if argv[0] == "ip6tables-nft-restore" and not added:
            added.append(tool("nft", "add", "rule", "ip", "filter", "INPUT", "ct", "state", "invalid", "drop"))
        return ended

    before = tool("nft", "--stateless", "list", "ruleset")
    monkeypatch.setattr(host, "run", run_and_add)
    with pytest.raises(HostError, match=r"ip filter holds what iptables-save cannot print.*chain INPUT: ct state inv"):
        host.ensure()
    assert len(added) == 1
    after = tool("nft", "--stateless", "list", "ruleset")
    assert after.replace("\t\tct state invalid drop\n", "") == before


NATIVE_TABLE = """table ip filter {
    chain INPUT {
        type filter hook input priority 0; policy drop;
        ct state established,related counter accept
        iifname "lo" counter accept
    }
}
"""


def test_a_table_that_nft_alone_made_stays_nfts(host):
    """What iptables-restore-translate prints has iptables' names and none of its extensions."""
    tool("nft", "-f", "-", stdin=NATIVE_TABLE)
    done = host.ensure()
    assert (done.backend, len(done.steps)) == ("nftables", 1)
    refused(host, "iptables-nft table ip filter", backend="iptables", name="web")
    host.ensure(state="absent")
    assert (
        re.sub(r"\s+", " ", tool("nft", "--stateless", "list", "ruleset")).strip()
        == re.sub(r"\s+", " ", NATIVE_TABLE.replace("priority 0", "priority filter")).strip()
    )


def test_dockers_chains_in_it_do_not_make_it_iptables(host):
    tool("nft", "-f", "-", stdin=NATIVE_TABLE)
    tool("iptables-nft", "-N", "DOCKER")
    tool("iptables-nft", "-A", "FORWARD", "-j", "DOCKER")
    tool("iptables-nft", "-A", "DOCKER", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT")
    assert host.ensure(check=True).backend == "nftables"


def test_a_ufw_that_cannot_be_printed_is_refused_too(host):
    ufw = UfwHost(host.root)
    ufw.set_up(SSH)
    ufw.ensure()
    tool("nft", "insert", "rule", "ip", "filter", "ufw-user-input", "ct", "state", "invalid", "drop")
    told = "iptables-nft table ip filter holds what iptables-save cannot print"
    refused(ufw, told)
    refused(ufw, told, ports=["8443/tcp"])
    refused(ufw, told, state="absent")
    before = state(ufw)
    assert ufw.ensure(state="absent", name="other").steps == ()
    assert state(ufw) == before
