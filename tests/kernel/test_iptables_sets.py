# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set on a real kernel: made, found again, taken back without a trace, nobody else's rule touched."""

from __future__ import annotations

import fcntl

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from rooted import SAVED, V4, V6, WANTS, load, rules, tool

FRONTENDS = ("iptables-nft", "iptables-legacy")


def verdicts(result):
    return {(line.port, line.protocol, line.family): line.verdict for line in result.effective}


ALL_OPEN = {(port, "tcp", family): "open" for port in ("80", "443") for family in ("ipv4", "ipv6")}


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_whole_life_of_a_set(host, frontend):
    load(SAVED, frontend)
    host.put(V4, SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.enable(WANTS)
    before, files = rules(frontend), host.files()

    done = host.ensure_as_predicted(lambda: (rules(frontend), host.files()))
    assert verdicts(done) == ALL_OPEN
    after = rules(frontend)
    assert [line for line in after if "port443-" not in line] == before
    assert (
        after.index("-A INPUT -j port443-https") == after.index(next(line for line in after if "-j REJECT" in line)) - 1
    )

    again = host.ensure()
    assert (again.steps, again.changes, again.effective) == ((), (), done.effective)
    assert (again.persisted, again.warnings) == (done.persisted, done.warnings)
    assert bool(done.warnings) is (frontend == "iptables-legacy")  # which is not what the boot loads here

    gone = host.ensure(state="absent", check=True)
    assert (gone.persisted, gone.warnings) == ("not needed", ())
    assert rules(frontend) == after
    assert [str(step) for step in host.ensure(state="absent").steps] == [str(step) for step in gone.steps]
    assert (rules(frontend), host.files()) == (before, files)
    assert host.ensure(state="absent").steps == ()


def test_nothing_filters_so_nothing_is_made(host):
    done = host.ensure()
    assert (done.backend, done.steps, verdicts(done)) == ("none", (), ALL_OPEN)
    assert tool("nft", "list", "tables") == ""
    with open("/proc/net/ip_tables_names", encoding="ascii") as names:
        assert names.read() == ""


def test_a_version_that_nothing_filters_gets_nothing(host):
    load(SAVED, families=(4,))
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    assert "ip6" not in tool("nft", "list", "tables")


@pytest.mark.parametrize("backend", ["iptables"])
def test_a_table_that_our_rules_made_goes_with_them(host, backend):
    done = host.ensure(backend=backend)
    assert verdicts(done) == ALL_OPEN
    assert tool("nft", "list", "tables").split() == ["table", "ip", "filter", "table", "ip6", "filter"]
    assert host.ensure(backend=backend).steps == ()
    host.ensure(backend=backend, state="absent")
    assert tool("nft", "list", "ruleset") == ""


def test_a_table_that_got_other_rules_meanwhile_stays(host):
    host.ensure(backend="iptables")
    tool("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "25", "-j", "DROP")
    tool("ip6tables", "-A", "FORWARD", "-j", "DROP")
    host.ensure(state="absent")
    assert [line for line in rules() if line.startswith("-A")] == [
        "-A INPUT -p tcp -m tcp --dport 25 -j DROP",
        "-A FORWARD -j DROP",
    ]


def test_two_sets_that_share_a_port_are_independent(host):
    load(SAVED)
    before = rules()
    host.ensure()
    host.ensure(name="web", ports=["443/tcp", "8443/tcp"])
    assert host.ensure().steps == ()
    assert host.ensure(name="web", ports=["443/tcp", "8443/tcp"]).steps == ()
    host.ensure(state="absent")
    assert verdicts(host.ensure(name="web", ports=["443/tcp"])) == {
        ("443", "tcp", "ipv4"): "open",
        ("443", "tcp", "ipv6"): "open",
    }
    host.ensure(name="web", state="absent")
    assert rules() == before


def test_what_others_wrote_for_the_same_port_stays_theirs(host):
    load(SAVED.replace("-A INPUT -j REJECT", "-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\n-A INPUT -j REJECT"))
    before = rules()
    host.ensure()
    assert [line for line in rules() if "port443-" not in line] == before
    host.ensure(state="absent")
    assert rules() == before


def test_an_admins_edit_in_between_stays(host):
    load(SAVED)
    host.ensure()
    tool("iptables", "-I", "INPUT", "2", "-s", "203.0.113.9", "-j", "DROP")
    edited = [line for line in rules() if "port443-" not in line]
    host.ensure(state="absent")
    assert rules() == edited


def test_an_admins_deny_of_the_port_is_told_and_not_overruled(host):
    load(SAVED.replace("-A INPUT -m conntrack", "-A INPUT -p tcp -m tcp --dport 443 -j DROP\n-A INPUT -m conntrack"))
    done = host.ensure()
    assert verdicts(done) == {**ALL_OPEN, ("443", "tcp", "ipv4"): "blocked", ("443", "tcp", "ipv6"): "blocked"}
    assert any(
        "443/tcp over IPv4 is blocked" in warning and "--dport 443 -j DROP" in warning for warning in done.warnings
    )
    assert verdicts(host.ensure(position="first")) == ALL_OPEN


def test_require_effective_takes_everything_back(host):
    load(SAVED.replace("-A INPUT -m conntrack", "-A INPUT -p tcp -m tcp --dport 443 -j DROP\n-A INPUT -m conntrack"))
    host.put(V4, SAVED)
    host.enable(WANTS)
    before, files = rules(), host.files()
    with pytest.raises(HostError, match=r"443/tcp over IPv4.*--dport 443 -j DROP.*All was taken back"):
        host.ensure(require_effective=True)
    assert (rules(), host.files()) == (before, files)


def test_rules_in_legacy_are_changed_there_and_the_mismatch_is_told(host):
    load(SAVED, "iptables-legacy")
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    assert "-A INPUT -j port443-https" in rules("iptables-legacy")
    assert tool("nft", "list", "tables") == ""
    assert any("live in iptables-legacy, while iptables on this host is iptables-nft" in text for text in done.warnings)


def test_a_drop_in_the_other_frontend_is_seen(host):
    load(SAVED)
    tool("iptables-legacy-restore", stdin="*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp -j DROP\nCOMMIT\n")
    done = host.ensure()
    assert verdicts(done)[("443", "tcp", "ipv4")] == "blocked"
    assert any("iptables-legacy" in line.because for line in done.effective if line.verdict == "blocked")


def test_a_held_lock_is_told_and_nothing_is_done(host, monkeypatch):
    load(SAVED, "iptables-legacy")
    monkeypatch.setattr("ansible_collections.port443.https.plugins.module_utils._xtables.restore.LOCK_WAIT", 1)
    before = rules("iptables-legacy")
    with open("/run/xtables.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(HostError, match="another program holds the xtables lock"):
            host.ensure()
        fcntl.flock(lock, fcntl.LOCK_UN)
    assert rules("iptables-legacy") == before


def test_a_set_is_narrowed_and_widened_as_asked(host):
    load(SAVED)
    host.ensure(ports=["443/tcp", "8000-8010/tcp", "443/udp"])
    host.ensure(ports=["443/tcp"], source=["192.0.2.0/24"])
    assert [line for line in rules() if line.startswith("-A port443-")] == [
        "-A port443-https -s 192.0.2.0/24 -p tcp -m tcp --dport 443 -j ACCEPT"
    ]
    host.ensure(ports=["443/tcp"])
    assert [line for line in rules() if line.startswith("-A port443-https -p tcp")] == [
        "-A port443-https -p tcp -m tcp --dport 443 -j ACCEPT"
    ] * 2


def test_only_version_four_given_opens_only_that_and_says_so(host):
    load(SAVED)
    done = host.ensure(source=["192.0.2.0/24"])
    assert {line.family for line in done.effective} == {"ipv4"}
    assert "source names IPv4 only, so nothing is opened over IPv6" in done.warnings


def test_what_was_not_there_is_said_to_be_absent_of_the_firewall_in_charge(host):
    assert host.ensure(state="absent").backend == "none"
    tool("nft", "-f", "-", stdin="table inet fw { chain input { type filter hook input priority 0; policy drop; }; }")
    assert host.ensure(state="absent").backend == "nftables"
    load(SAVED)
    done = host.ensure(state="absent")
    assert (done.backend, done.steps) == ("iptables", ())


def test_an_interface_that_is_not_there_is_told(host):
    load(SAVED)
    assert host.ensure(interface=["eth0"]).warnings == ()
    told = host.ensure(interface=["eth0", "eht0"]).warnings
    assert told == ("there is no interface eht0 now: nothing arrives there",)


def test_five_hundred_ports_are_one_restore_a_version(host):
    load(SAVED)
    ports = [f"{port}/tcp" for port in range(20000, 20999, 2)]
    done = host.ensure(ports=ports)
    assert len(done.steps) == 2
    assert {line.verdict for line in done.effective} == {"open"}
    assert host.ensure(ports=ports).steps == ()


def test_two_firewalls_are_named(host):
    load(SAVED)
    tool("nft", "-f", "-", stdin="table inet fw { chain in { type filter hook input priority 0; policy drop; }; }")
    with pytest.raises(HostError, match=r"two firewalls.*iptables.*nftables.*option backend"):
        host.ensure()
    done = host.ensure(backend="iptables")
    assert set(verdicts(done).values()) <= {"blocked", "depends"}
    assert any("inet fw" in line.because for line in done.effective)


def test_another_program_that_inserts_meanwhile_is_noticed(host, monkeypatch):
    load(SAVED)
    run, inserted = host.run, []

    def run_and_insert(argv, stdin=""):
        if argv[0] == "iptables-nft-restore" and not inserted:
            inserted.append(tool("iptables", "-I", "INPUT", "1", "-j", "DROP"))
        return run(argv, stdin)

    monkeypatch.setattr(host, "run", run_and_insert)
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    lines = [line for line in rules() if line.startswith("-A INPUT")]
    assert lines.index("-A INPUT -j port443-https") < lines.index("-A INPUT -j DROP")
