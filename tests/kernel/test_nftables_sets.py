# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set in native tables on a real kernel: made, found again, taken back without a trace."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from nft_host import ALL_OPEN, CONF, ESTABLISHED, FIREWALL, filter_of, lines_of, listed, nft, verdicts
from rooted import tool


def test_whole_life_of_a_set(host):
    nft(FIREWALL)
    host.put(CONF, FIREWALL)
    host.enable("nftables")
    before, files = listed(), host.files()

    done = host.ensure_as_predicted(lambda: (listed(), host.files()))
    assert (done.backend, verdicts(done), done.persisted) == ("nftables", ALL_OPEN, "rehearsed")
    assert lines_of("port443-https") == ["tcp dport { 80, 443 } accept"]
    rules = lines_of("input")
    assert rules[-3:] == [
        "jump port443-https",
        'log prefix "in: " counter',
        "counter reject with icmpx admin-prohibited",
    ]
    after = listed()

    again = host.ensure()
    assert (again.steps, again.changes, again.effective) == ((), (), done.effective)
    assert (again.persisted, done.warnings, again.warnings) == (done.persisted, (), ())

    gone = host.ensure(state="absent", check=True)
    assert (gone.persisted, gone.warnings) == ("not needed", ())
    assert listed() == after
    assert [str(step) for step in host.ensure(state="absent").steps] == [str(step) for step in gone.steps]
    assert (listed(), host.files()) == (before, files)
    assert host.ensure(state="absent").steps == ()


def test_counters_and_handles_of_others_stay(host):
    nft(FIREWALL.replace("counter reject", "counter packets 7 bytes 420 reject"))
    before = tool("nft", "--handle", "list", "ruleset")
    host.ensure()
    assert "packets 7 bytes 420" in tool("nft", "--handle", "list", "ruleset")
    host.ensure(ports=["443/tcp"])
    host.ensure(state="absent")
    assert tool("nft", "--handle", "list", "ruleset") == before


def test_sources_and_interfaces_are_conditions_of_our_rules(host):
    nft(FIREWALL)
    options = {
        "ports": ["443/tcp", "8000-8010/tcp", "443/udp"],
        "source": ["192.0.2.0/24", "198.51.100.7", "2001:db8::/32"],
        "interface": ["eth0", "wg-1"],
    }
    done = host.ensure(**options)
    assert {line.verdict for line in done.effective} == {"open"}
    assert lines_of("port443-https") == [
        'iifname { "eth0", "wg-1" } ip saddr { 192.0.2.0/24, 198.51.100.7 } tcp dport { 443, 8000-8010 } accept',
        'iifname { "eth0", "wg-1" } ip saddr { 192.0.2.0/24, 198.51.100.7 } udp dport 443 accept',
        'iifname { "eth0", "wg-1" } ip6 saddr 2001:db8::/32 tcp dport { 443, 8000-8010 } accept',
        'iifname { "eth0", "wg-1" } ip6 saddr 2001:db8::/32 udp dport 443 accept',
    ]
    assert host.ensure(**options).steps == ()
    assert len(host.ensure(**{**options, "source": ["192.0.2.0/24"]}).steps) == 1


def test_only_version_four_given_opens_only_that_and_says_so(host):
    nft(FIREWALL)
    done = host.ensure(source=["192.0.2.0/24"])
    assert {line.family for line in done.effective} == {"ipv4"}
    assert lines_of("port443-https") == ["ip saddr 192.0.2.0/24 tcp dport { 80, 443 } accept"]
    assert "source names IPv4 only, so nothing is opened over IPv6" in done.warnings


# The same set as others write it: a run finds it to be as asked.
SPELLINGS = [
    ["tcp dport 80 accept", "tcp dport 443 accept"],
    ["tcp dport { 443, 80 } counter accept"],
    ['meta l4proto tcp th dport { 80, 443 } accept comment "web"'],
    ["meta nfproto ipv4 tcp dport { 80, 443 } accept", "meta nfproto ipv6 tcp dport { 80, 443 } accept"],
]


@pytest.mark.parametrize("rules", SPELLINGS)
def test_a_set_that_means_the_same_is_left_as_it_is(host, rules):
    nft(FIREWALL)
    host.ensure()
    nft("flush chain inet filter port443-https\n")
    for rule in rules:
        nft(f"add rule inet filter port443-https {rule}\n")
    assert host.ensure().steps == ()


@pytest.mark.parametrize(
    "rule", ["tcp dport 8443 accept", "tcp dport 443 drop", "tcp sport 1 tcp dport 443 accept", "counter", "accept"]
)
def test_a_set_that_somebody_changed_is_made_again(host, rule):
    nft(FIREWALL)
    host.ensure()
    made = listed()
    nft(f"add rule inet filter port443-https {rule}\n")
    assert len(host.ensure().steps) == 1
    assert lines_of("port443-https") == ["tcp dport { 80, 443 } accept"]
    assert len(made.splitlines()) == len(listed().splitlines())


def test_two_sets_that_share_a_port_are_independent(host):
    nft(FIREWALL)
    before = listed()
    host.ensure()
    host.ensure(name="web", ports=["443/tcp", "8443/tcp"])
    assert host.ensure().steps == ()
    assert host.ensure(name="web", ports=["443/tcp", "8443/tcp"]).steps == ()
    host.ensure(state="absent")
    assert set(verdicts(host.ensure(name="web", ports=["443/tcp"])).values()) == {"open"}
    host.ensure(name="web", state="absent")
    assert listed() == before


def test_an_admins_edit_in_between_stays(host):
    nft(FIREWALL)
    host.ensure()
    nft("insert rule inet filter input ip saddr 203.0.113.9 drop\n")
    host.ensure(state="absent")
    assert lines_of("input")[0] == "ip saddr 203.0.113.9 drop"
    assert "port443" not in listed()


def test_require_effective_takes_everything_back(host):
    nft(FIREWALL.replace("tcp dport 22 accept # ssh", "tcp dport 443 drop"))
    host.put(CONF, FIREWALL)
    host.enable("nftables")
    before, files = listed(), host.files()
    with pytest.raises(HostError, match=r"443/tcp over IPv4.*tcp dport 443 drop.*All was taken back"):
        host.ensure(require_effective=True)
    assert (listed(), host.files()) == (before, files)


@pytest.mark.parametrize(
    "change",
    [{}, {"ports": ["443/tcp"]}, {"position": "first"}, {"state": "absent"}, {"source": ["192.0.2.0/24"]}],
)
def test_a_failure_in_the_middle_leaves_what_was_there(host, monkeypatch, change):
    nft(filter_of("inet a", rules=[ESTABLISHED]) + FIREWALL.replace("flush ruleset", ""))
    text = tool("nft", "list", "ruleset")
    host.put(CONF, "flush ruleset\n" + text)
    host.enable("nftables")
    if change:
        host.ensure()
    before, files = tool("nft", "--stateless", "list", "ruleset"), host.files()

    def refuse(_path, _before, _after):
        raise HostError("the disk is full")

    monkeypatch.setattr(host, "write", refuse)
    with pytest.raises(HostError, match=r"^the disk is full$"):
        host.ensure(**change)
    assert (tool("nft", "--stateless", "list", "ruleset"), host.files()) == (before, files)


def test_where_nothing_filters_nothing_is_made_unless_it_is_insisted_on(host):
    assert (host.ensure().backend, listed()) == ("none", "")
    done = host.ensure(backend="nftables")
    assert verdicts(done) == ALL_OPEN
    assert tool("nft", "list", "tables").split() == ["table", "inet", "port443"]
    assert host.ensure(backend="nftables").steps == ()
    assert host.ensure().steps == ()
    host.ensure(backend="nftables", name="web", ports=["8443/tcp"])
    host.ensure(state="absent")
    assert "port443-web" in listed()
    host.ensure(name="web", state="absent")
    assert listed() == ""


def test_a_table_of_ours_that_got_other_rules_meanwhile_stays(host):
    host.ensure(backend="nftables")
    nft("add rule inet port443 input tcp dport 25 drop\n")
    host.ensure(state="absent")
    assert lines_of("input", "inet port443") == ["tcp dport 25 drop"]


def test_a_table_of_ours_goes_when_a_firewall_comes(host):
    host.ensure(backend="nftables")
    nft(FIREWALL.replace("flush ruleset", ""))
    assert verdicts(host.ensure()) == ALL_OPEN
    assert "port443" not in tool("nft", "list", "tables")


def test_removing_our_table_can_be_taken_back(host, monkeypatch):
    host.ensure(backend="nftables")
    before = tool("nft", "list", "ruleset")

    def refuse(*_names):
        raise HostError("not now")

    monkeypatch.setattr(host, "prune", refuse)
    with pytest.raises(HostError, match=r"^not now$"):
        host.ensure(state="absent")
    assert tool("nft", "list", "ruleset") == before


def test_five_hundred_ports_are_one_rule(host):
    nft(FIREWALL)
    ports = [f"{port}/tcp" for port in range(20000, 20999, 2)]
    done = host.ensure(ports=ports)
    assert {line.verdict for line in done.effective} == {"open"}
    assert len(lines_of("port443-https")) == 1 or "20998" in lines_of("port443-https")[-1]
    assert host.ensure(ports=ports).steps == ()


def test_a_host_without_nft_is_told_so(host, monkeypatch):
    nft(FIREWALL)
    monkeypatch.setattr(host, "find", lambda _name: None)
    with pytest.raises(HostError, match="nft is not installed on this host: install the nftables package"):
        host.ensure()


def test_another_program_that_inserts_meanwhile_is_noticed(host, monkeypatch):
    nft(FIREWALL)
    run, inserted = host.run, []

    def run_and_insert(argv, stdin=""):
        if "port443-https" in stdin and not inserted:
            inserted.append(nft("insert rule inet filter input drop\n"))
        return run(argv, stdin)

    monkeypatch.setattr(host, "run", run_and_insert)
    done = host.ensure()
    assert verdicts(done) == ALL_OPEN
    assert lines_of("input")[:2] == ["jump port443-https", "drop"]
    assert tool("nft", "list", "ruleset").count("jump port443-https") == 1
