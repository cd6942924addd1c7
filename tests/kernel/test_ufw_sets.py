# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A set in ufw from outside: opened, unchanged when asked again, taken back without a trace, all else as it was."""

from __future__ import annotations

import fcntl
import os
import signal

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import locks
from rooted import private_network, rules, tool
from ufw_host import ALLOW_443, BAN, DENY_443, DENY_OUT, SSH, UfwHost, for_ipv6

FRONTENDS = ("iptables-nft", "iptables-legacy")
OURS = "-A ufw-user-input -p tcp -m multiport --dports 80,443 -j ACCEPT"
ALL_OPEN = {(port, "tcp", family): "open" for port in ("80", "443") for family in ("ipv4", "ipv6")}


@pytest.fixture
def host(tmp_path):
    with private_network():
        yield UfwHost(tmp_path)


def verdicts(result):
    return {
        (line.port, line.protocol, line.family): line.verdict for line in result.effective if line.direction == "in"
    }


def seen(host, frontend="iptables-nft"):
    return rules(frontend), host.files()


@pytest.mark.parametrize("frontend", FRONTENDS)
@pytest.mark.parametrize(
    "options", [{}, {"direction": "both"}, {"position": "first"}, {"source": ["198.51.100.9", "2001:db8:f::/48"]}]
)
def test_whole_life_of_a_set(host, frontend, options):
    host.set_up(SSH + BAN + DENY_OUT, frontend)
    before = seen(host, frontend)
    done = host.ensure_as_predicted(lambda: seen(host, frontend), **options)
    assert (done.persisted, verdicts(done), done.warnings) == ("rehearsed", ALL_OPEN, ())
    after = seen(host, frontend)
    host.start(frontend)
    assert seen(host, frontend) == after

    again = host.ensure(**options)
    assert (again.steps, again.changes, again.effective) == ((), (), done.effective)
    gone = host.ensure(state="absent", check=True)
    assert (gone.persisted, gone.warnings) == ("not needed", ())
    assert seen(host, frontend) == after
    assert [str(step) for step in host.ensure(state="absent").steps] == [str(step) for step in gone.steps]
    assert seen(host, frontend) == before
    assert host.ensure(state="absent").steps == ()


def test_ufw_is_found_to_be_in_charge(host):
    host.set_up(SSH)
    assert host.ensure().backend == "ufw"
    host.set_up(SSH, IPV6="no")
    done = host.ensure()
    assert (done.backend, verdicts(done)["443", "tcp", "ipv4"]) == ("ufw", "open")


def test_a_ban_stays_ahead_and_an_administrators_deny_wins(host):
    host.set_up(BAN + DENY_443)
    done = host.ensure()
    assert verdicts(done) == {**ALL_OPEN, ("443", "tcp", "ipv4"): "blocked", ("443", "tcp", "ipv6"): "blocked"}
    assert any(
        "443/tcp over IPv4 is blocked" in warning and "--dport 443 -j DROP" in warning for warning in done.warnings
    )
    assert verdicts(host.ensure(source=["203.0.113.5"])) == {
        ("80", "tcp", "ipv4"): "blocked",
        ("443", "tcp", "ipv4"): "blocked",
    }


def test_a_rule_that_the_administrator_has_keeps_action_and_comment(host):
    host.set_up(DENY_443)
    before = seen(host)
    done = host.ensure(ports=["443/tcp"])
    assert (done.steps, set(verdicts(done).values())) == ((), {"blocked"})
    with pytest.raises(HostError, match="dport 443 -j DROP"):
        host.ensure(ports=["443/tcp"], require_effective=True)
    host.ensure(ports=["443/tcp"], state="absent")
    assert seen(host) == before


def test_adopting_makes_the_administrators_rule_ours(host):
    host.set_up(ALLOW_443 + SSH)
    kept = host.ensure(ports=["443/tcp"])
    assert kept.steps == ()
    live, _files = seen(host)
    taken = host.ensure(ports=["443/tcp"], adopt=True)
    assert [change.title for change in taken.changes] == ["/etc/ufw/user.rules", "/etc/ufw/user6.rules"]
    assert rules() == live
    assert host.ensure(ports=["443/tcp"], adopt=True).steps == ()
    host.ensure(state="absent")
    files = host.files()
    host.set_up(SSH)
    assert files == host.files()


def test_require_effective_takes_everything_back(host):
    host.set_up(DENY_443)
    before = seen(host)
    with pytest.raises(HostError, match=r"443/tcp over IPv4.*--dport 443 -j DROP.*All was taken back"):
        host.ensure(require_effective=True)
    assert seen(host) == before


def test_rules_that_others_put_into_the_chains_meanwhile_stay(host):
    host.set_up(SSH)
    host.ensure()
    tool("iptables", "-I", "ufw-user-input", "1", "-s", "203.0.113.9", "-j", "DROP")
    tool("iptables", "-A", "ufw-user-input", "-p", "tcp", "--dport", "443", "-j", "ACCEPT")
    edited = [line for line in rules() if "--dports 80,443" not in line]
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert rules() == edited


def test_an_edit_of_the_file_in_between_stays(host):
    host.set_up(SSH)
    host.ensure()
    for path, text in (("/etc/ufw/user.rules", BAN), ("/etc/ufw/user6.rules", for_ipv6(BAN))):
        host.edit(path, "### RULES ###\n", "### RULES ###\n" + text)
    host.start()
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    gone = seen(host)
    host.set_up(BAN + SSH)
    assert gone == seen(host)


def test_what_one_of_file_and_kernel_lost_comes_back_there_alone(host):
    host.set_up(SSH)
    before = (host.root / "etc/ufw/user.rules").read_text(encoding="utf-8")
    host.ensure()
    whole = seen(host)
    tool("iptables", "-D", *OURS.split()[1:])
    assert [type(step).__name__ for step in host.ensure().steps] == ["Run"]
    assert seen(host) == whole
    host.put("/etc/ufw/user.rules", before)
    assert [type(step).__name__ for step in host.ensure().steps] == ["Write"]
    assert seen(host) == whole


def test_without_ipv6_nothing_is_made_there_and_it_is_told(host):
    host.set_up(SSH, IPV6="no")
    before = seen(host)
    done = host.ensure()
    assert verdicts(done) == {**ALL_OPEN, ("80", "tcp", "ipv6"): "blocked", ("443", "tcp", "ipv6"): "blocked"}
    assert any("IPV6=no in /etc/default/ufw" in warning for warning in done.warnings)
    assert (host.root / "etc/ufw/user6.rules").read_bytes() == before[1][str(host.root / "etc/ufw/user6.rules")][0]
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert seen(host) == before


def test_files_that_do_not_load_are_refused_with_the_tools_words(host):
    host.set_up(SSH)
    host.edit("/etc/ufw/before.rules", "-i lo -j ACCEPT", "-i lo -j NONSENSE")
    before = seen(host)
    with pytest.raises(HostError, match=r"what ufw loads at boot.*cannot be loaded as it is.*NONSENSE"):
        host.ensure()
    assert seen(host) == before


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("/etc/ufw/user.rules", None, "user.rules is missing"),
        ("/etc/ufw/user6.rules", "*filter\nCOMMIT\n", "user6.rules has no line '### RULES ###'"),
    ],
)
def test_broken_files_are_named(host, path, content, words):
    host.set_up(SSH)
    host.put(path, content or "")
    if content is None:
        (host.root / path.lstrip("/")).unlink()
    with pytest.raises(HostError, match=words):
        host.ensure()
    assert host.ensure(state="absent").steps == ()


def test_what_ufw_cannot_do_is_refused(host):
    host.set_up(SSH)
    with pytest.raises(HostError, match="ufw saves every rule"):
        host.ensure(persistent=False)
    with pytest.raises(HostError, match="ufw knows ports of tcp and udp alone"):
        host.ensure(ports=["443/sctp"])
    with pytest.raises(HostError, match="ufw is in charge of this host: timeout is no option of ufw"):
        host.ensure(timeout="5m")
    host.find = lambda name: None if name == "ufw" else UfwHost.find(host, name)
    with pytest.raises(HostError, match="ufw is not installed"):
        host.ensure(backend="ufw")
    assert host.ensure(backend="ufw", state="absent").steps == ()


def test_ufws_own_lock_is_waited_for_but_not_for_ever(host, monkeypatch):
    host.set_up(SSH)
    before = seen(host)
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.2)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with open(host.root / "run" / "ufw.lock", "w", encoding="ascii") as lock:
            fcntl.lockf(lock, fcntl.LOCK_EX)
            os.write(writer, b"held")
            signal.pause()
    os.read(reader, 4)
    try:
        with pytest.raises(HostError, match=r"another program has held .*ufw.lock"):
            host.ensure()
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert seen(host) == before
    assert host.ensure().steps
