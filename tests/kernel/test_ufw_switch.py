# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A ufw that is off, that does not run, that the host does not start, and that is switched on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.backend import Ufw
from rooted import load, private_network, rules, tool
from ufw_host import DENY_443, SSH, UfwHost

OURS = "-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT"


@pytest.fixture
def host(tmp_path):
    with private_network():
        yield UfwHost(tmp_path)


def seen(host, frontend="iptables-nft"):
    return rules(frontend), host.files()


def test_a_ufw_that_is_off_stores_the_rules_and_says_so(host):
    host.set_up(SSH, enabled=False)
    before = seen(host)
    done = host.ensure(backend="ufw")
    assert {line.verdict for line in done.effective} == {"open"}
    assert (done.persisted, [step.path for step in done.steps]) == (
        "written",
        ["/etc/ufw/user.rules", "/etc/ufw/user6.rules"],
    )
    assert any("ufw is off: the rules are stored" in warning for warning in done.warnings)
    assert rules() == before[0]
    again = host.ensure(backend="ufw")
    assert (again.steps, again.persisted) == ((), "written")
    host.ensure(state="absent")
    assert seen(host) == before


def test_a_ufw_that_does_not_run_stores_the_rules_and_says_so(host):
    host.set_up(SSH)
    for name in ("iptables", "ip6tables"):
        tool(name + "-restore", stdin="*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\nCOMMIT\n")
    done = host.ensure()
    assert (done.backend, done.persisted, len(done.steps)) == ("ufw", "rehearsed", 2)
    assert any("switched on but does not run" in warning for warning in done.warnings)
    assert str(host.ensure(enable=True, check=True).steps[-1]) == "ufw --force enable"


def test_a_ufw_that_is_off_is_not_in_charge(host):
    host.set_up(SSH, enabled=False)
    load(
        "*filter\n:INPUT ACCEPT [0:0]\n:ufw-before-input - [0:0]\n-A INPUT -j ufw-before-input\nCOMMIT\n", families=(4,)
    )
    assert host.ensure().backend == "none"


def test_enabling_is_foretold_and_happens_once(host):
    host.set_up(SSH, enabled=False)
    before = seen(host)
    predicted = host.ensure(backend="ufw", enable=True, check=True)
    assert seen(host) == before
    done = host.ensure(backend="ufw", enable=True)
    assert [str(step) for step in done.steps] == [str(step) for step in predicted.steps]
    assert str(done.steps[-1]) == "ufw --force enable"
    assert [line.verdict for line in done.effective] == [line.verdict for line in predicted.effective] == ["open"] * 4
    assert (done.persisted, predicted.persisted) == ("rehearsed", "rehearsed")
    assert OURS in rules()
    assert host.ensure(enable=True).steps == ()


def test_enabling_that_opens_too_little_is_taken_back(host):
    host.set_up(DENY_443, enabled=False)
    with pytest.raises(HostError, match=r"Nothing was changed"):
        host.ensure(backend="ufw", enable=True, require_effective=True, check=True)
    before = seen(host)
    with pytest.raises(HostError, match=r"All was taken back$"):
        host.ensure(backend="ufw", enable=True, require_effective=True)
    assert (seen(host), tool("nft", "list", "ruleset")) == (before, "")


OTHERS = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER-USER - [0:0]
-A INPUT -s 203.0.113.66/32 -j DROP
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -s 203.0.113.67/32 -j DROP
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.9:80
COMMIT
"""
OTHERS6 = OTHERS.replace("203.0.113.66/32", "2001:db8:bad::66/128").replace("203.0.113.67/32", "2001:db8:bad::67/128")
OTHERS6 = OTHERS6.replace("192.0.2.9:80", "[2001:db8::9]:80")


def load_others():
    load(OTHERS, families=(4,))
    tool("ip6tables-restore", stdin=OTHERS6)


@pytest.mark.parametrize(("opens", "left"), [(SSH, False), (DENY_443, True)])
def test_rules_of_others_and_policies_stay_whether_it_is_switched_on_or_taken_back(host, opens, left):
    load_others()
    host.set_up(opens, enabled=False)
    before = seen(host)
    if left:
        with pytest.raises(HostError, match=r"All was taken back$"):
            host.ensure(backend="ufw", enable=True, require_effective=True)
        assert seen(host) == before
    else:
        host.ensure(backend="ufw", enable=True, require_effective=True)
        assert [line for line in rules() if "ufw" not in line] == before[0]


LOST = {
    "all of filter and nat": (
        {"MANAGE_BUILTINS": "yes"},
        ["ip filter: -A INPUT -s 203.0.113.66/32 -j DROP", "ip filter: -A FORWARD -j DOCKER-USER"],
    ),
    "all of IPv6": ({"IPV6": "no"}, ["ip6 filter: -A INPUT -s 2001:db8:bad::66/128 -j DROP"]),
    "a chain that its files declare": (
        {},
        [
            "away: ip filter: -A DOCKER-USER -s 203.0.113.67/32 -j DROP; ip6",
            "; ip6 filter: -A DOCKER-USER -s 2001:db8:bad::67/128 -j DROP. Nothing was changed.",
        ],
    ),
}


@pytest.mark.parametrize(("settings", "named"), LOST.values(), ids=list(LOST))
def test_switching_on_is_refused_where_others_would_lose_rules(host, settings, named):
    load_others()
    host.set_up(SSH, enabled=False, **settings)
    if not settings:
        for six in ("", "6"):
            host.edit(
                f"/etc/ufw/after{six}.rules", "*filter\n", "*filter\n:DOCKER-USER - [0:0]\n-A DOCKER-USER -j RETURN\n"
            )
    before = seen(host)
    for check in (True, False):
        with pytest.raises(HostError) as problem:
            host.ensure(backend="ufw", enable=True, check=check)
        assert problem.value.message.startswith("switching ufw on would take rules of others away: ")
        assert all(name in problem.value.message for name in named)
    assert seen(host) == before


def test_a_rule_that_comes_right_before_the_switch_is_refused_too(host, monkeypatch):
    host.set_up(SSH, enabled=False, IPV6="no")
    before = seen(host)
    observe = Ufw.rehearse

    def rehearse_and_add(self, *arguments):
        tool("ip6tables", "-A", "INPUT", "-s", "2001:db8:bad::66", "-j", "DROP")
        return observe(self, *arguments)

    monkeypatch.setattr(Ufw, "rehearse", rehearse_and_add)
    with pytest.raises(HostError, match=r"ip6 filter: -A INPUT -s 2001:db8:bad::66/128 -j DROP"):
        host.ensure(backend="ufw", enable=True)
    assert host.files() == before[1]
    assert "-A INPUT -s 2001:db8:bad::66/128 -j DROP" in rules()


def test_a_switch_that_ufw_refuses_is_taken_back(host, monkeypatch):
    load_others()
    host.set_up(SSH, enabled=False)
    before, run = seen(host), host.run

    def run_in_vain(argv, stdin=""):
        ended = run(argv, stdin)
        return replace(ended, returncode=1, err="ERROR: problem running ufw-init") if "enable" in argv else ended

    monkeypatch.setattr(host, "run", run_in_vain)
    with pytest.raises(
        HostError, match="ufw --force enable failed with code 1 and said: ERROR: problem running ufw-init"
    ):
        host.ensure(backend="ufw", enable=True)
    assert seen(host) == before


def test_enabling_that_would_shut_ssh_out_is_refused(host, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.port443.https.plugins.module_utils._linux.ssh_session._ancestors", lambda _host: iter(())
    )
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.9 50000 192.0.2.2 2222")
    host.set_up(SSH, enabled=False)
    before = seen(host)
    with pytest.raises(HostError, match=r"2222/tcp from 198.51.100.9 .*policy DROP.*ufw allow 2222/tcp"):
        host.ensure(backend="ufw", enable=True)
    assert seen(host) == before
    assert host.ensure(backend="ufw", enable=True, ports=["443/tcp", "2222/tcp"]).steps


def test_a_host_that_does_not_start_ufw_is_told(host):
    host.set_up(SSH)
    (host.root / "etc/systemd/system/multi-user.target.wants/ufw.service").unlink()
    done = host.ensure()
    assert (done.persisted, host.ensure().persisted) == ("no", "no")
    assert any("nothing starts ufw when this host boots" in warning for warning in done.warnings)
