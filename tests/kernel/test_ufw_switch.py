# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A ufw that is off, that does not run, that the host does not start, and that is switched on."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
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
    files = host.files()
    with pytest.raises(HostError, match=r"All was taken back$"):
        host.ensure(backend="ufw", enable=True, require_effective=True)
    assert host.files() == files


def test_enabling_that_would_shut_ssh_out_is_refused(host, monkeypatch):
    monkeypatch.setattr(
        "ansible_collections.port443.https.plugins.module_utils._session._ancestors", lambda _host: iter(())
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
