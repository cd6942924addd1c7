# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that nobody confirmed is taken back to the byte, wherever its run was killed."""

from __future__ import annotations

import os
import signal

import pytest
from ansible_collections.port443.https.plugins.module_utils._confirm import confirmation, program
from ansible_collections.port443.https.plugins.module_utils._confirm.journal import read_journal
from ansible_collections.port443.https.plugins.module_utils._confirm.take_back import take_all_back
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._ports.unconfirmed import folder_of, read_record
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from nft_host import CONF, FIREWALL, listed, nft
from rooted import SAVED, V4, V6, WANTS, RootedHost, load, private_network, rules
from ufw_host import BAN, SSH, UfwHost

KILLED = 40  # more steps than any plan has


def iptables(host, frontend):
    load(SAVED, frontend)
    host.put(V4, SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.enable(WANTS)
    return lambda: (rules(frontend), host.files())


def iptables_nft(host):
    return iptables(host, "iptables-nft")


def iptables_legacy(host):
    return iptables(host, "iptables-legacy")


def nftables(host):
    nft(FIREWALL)
    host.put(CONF, FIREWALL)
    host.enable("nftables")
    return lambda: (without_handles(listed()), host.files())


def without_handles(text):
    """What comes back gets other handles."""
    return [line.partition(" # handle")[0] for line in text.splitlines()]


def ufw(host):
    host.set_up(SSH + BAN)
    return lambda: (rules(), host.files())


def ufw_switched_on(host):
    host.set_up(SSH, enabled=False)
    return lambda: (rules(), host.files())


HOSTS = {
    "iptables-nft": (RootedHost, iptables_nft, {}),
    "iptables-legacy": (RootedHost, iptables_legacy, {}),
    "nftables": (RootedHost, nftables, {}),
    "ufw": (UfwHost, ufw, {}),
    "ufw switched on": (UfwHost, ufw_switched_on, {"enable": True, "backend": "ufw"}),
}


@pytest.fixture(params=HOSTS)
def case(request, tmp_path, monkeypatch):
    """A host, what is seen of it, and the options; no timer waits, as the test itself says when it is over."""
    monkeypatch.setattr(confirmation, "arm", lambda *told: None)
    kind, set_up, options = HOSTS[request.param]
    with private_network():
        host = kind(tmp_path)
        yield host, set_up(host), options


def run(host, check=False, **options):
    guard = confirmation.Confirmation(host, "https", 60, lambda modules: b"")
    request = parse_request({"ports": ["80/tcp", "443/tcp"], "confirm": "60s", **options})
    return guard, ensure(host, request, check, guard)


def run_killed(host, after, **options):
    """Returns how many steps were begun by a run in another process that is killed in the last of them."""
    child = os.fork()
    if child == 0:
        carry_out, done = apply._carry_out, []

        def die_within(some_host, step):
            if len(done) == after:
                os.kill(os.getpid(), signal.SIGKILL)
            carry_out(some_host, step)
            done.append(step)

        apply._carry_out = die_within
        try:
            run(host, **options)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def folder(host):
    return os.path.join(folder_of(host), read_record(host).identity)


def test_a_change_that_is_confirmed_is_that_of_a_plain_run(case):
    host, seen, options = case
    before = seen()
    predicted = run(host, check=True, **options)[1]
    assert seen() == before

    guard, done = run(host, **options)
    assert [str(step) for step in predicted.steps] == [str(step) for step in done.steps]
    assert (predicted.changes, predicted.effective, predicted.persisted) == (
        done.changes,
        done.effective,
        done.persisted,
    )
    waiting = guard.as_result()
    assert waiting["unconfirmed"] == read_record(host).identity
    assert program.confirm(host, folder(host)) == {"state": "confirmed"}
    assert read_record(host) is None
    confirmed = seen()

    again, unchanged = run(host, **options)
    assert (unchanged.steps, again.as_result(), seen()) == ((), {}, confirmed)

    host.ensure(state="absent", backend=options.get("backend", "auto"))
    if options:  # a set that goes does not switch ufw off
        return
    assert seen() == before
    assert host.ensure().steps
    assert seen() == confirmed
    run(host, state="absent")
    assert program.confirm(host, folder(host)) == {"state": "confirmed"}
    assert seen() == before


def test_what_is_for_the_next_boot_waits_until_it_is_confirmed(case):
    host, seen, options = case
    files = seen()[1]
    run(host, **options)
    new = {path: told for path, told in seen()[1].items() if "/port443/" not in path}
    assert (new == files) is not bool(options)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_nobody_confirms_is_taken_back_to_the_byte(case, state):
    host, seen, options = case
    if state == "absent":
        host.ensure(**options)
    before = seen()
    run(host, **options, state=state)
    assert seen()[0] != before[0]
    program.take_back_now(host, folder(host))
    told = host.ensure(check=True).warnings
    assert "the change of the set https was not confirmed, and the host took it back at" in told[0]
    assert read_record(host) is None
    after = host.ensure(**options, state=state)
    assert (after.warnings[0], os.path.exists(folder_of(host))) == (told[0], False)
    host.ensure(**options, state="absent" if state == "present" else "present")
    if not options:
        assert seen() == before


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_run_that_was_killed_in_any_step_is_taken_back_to_the_byte(case, state):
    host, seen, options = case
    if state == "absent":
        host.ensure(**options)
    before = seen()
    for after in range(KILLED):
        run_killed(host, after, **options, state=state)
        journal = read_journal(folder(host))
        where = folder(host)
        assert take_all_back(host, journal) == []
        program.forget_change(host, where)
        (host.root / "port443.lock").unlink(missing_ok=True)
        assert seen() == before, f"killed in step {after}"
        if journal.complete:
            break
    assert 0 < after < KILLED


def test_a_failure_while_it_is_saved_takes_all_back(case, monkeypatch):
    host, seen, options = case
    before = seen()
    run(host, **options)
    journal = read_journal(folder(host))
    assert bool(journal.saved) is not bool(options)
    if options:  # what ufw loads when it is switched on was written before
        return

    def full(path, before, after):
        raise program.HostError(f"{path} cannot be written: No space left on device")

    monkeypatch.setattr(host, "write", full)
    said = program.confirm(host, folder(host))
    monkeypatch.undo()
    assert (said["state"], seen()[0]) == ("taken back", before[0])
    assert (
        "No space left on device; the change of the set https was not confirmed, and the host took it back"
        in said["message"]
    )
    assert read_record(host) is None


def test_another_run_waits_for_a_change_and_refuses_after_a_minute(case, monkeypatch):
    host, _seen, options = case
    run(host, **options)
    from ansible_collections.port443.https.plugins.module_utils._ports import unconfirmed

    monkeypatch.setattr(unconfirmed, "_PATIENCE", 0.5)
    with pytest.raises(
        program.HostError, match="the change of the set https by another run waits for its confirmation"
    ):
        host.ensure(ports=["8080/tcp"])
    assert "waits for its confirmation until" in host.ensure(check=True).warnings[0]
    program.take_back_now(host, folder(host))
    assert host.ensure(ports=["443/tcp"]).warnings[0].startswith("the change of the set https was not confirmed")
