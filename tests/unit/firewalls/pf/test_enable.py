# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Switching pf on when asked, now and at boot, and giving back what was ours."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.reference import TakeReference
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.machine import STOCK_DARWIN

BLOCKING = "block all\npass in proto tcp from any to any port 22 flags any\n"


def run(host, check=False, **options):
    return ensure(host, parse_request({"ports": ["80/tcp", "443/tcp"], **options}), check)


def test_pf_that_somebody_switches_on_meanwhile_is_no_failure_and_stays_on(played, monkeypatch):
    host = played("FreeBSD", BLOCKING)
    host.machine.run(["pfctl", "-d"])
    real = host.machine.run

    def race(argv, stdin=""):
        if argv == ["pfctl", "-e"]:
            real(argv)
        return real(argv, stdin)

    monkeypatch.setattr(host.machine, "run", race)
    done = run(host, enable=True)
    assert (host.machine.kernel.enabled, done.backend) == (True, "pf")
    assert run(host, enable=True).steps == ()

    host.machine.kernel.enabled = False
    step = TakeReference()
    step.carry_out(host)
    step.take_back(host)
    assert host.machine.kernel.enabled


@pytest.mark.parametrize("name", ["FreeBSD", "OpenBSD"])
def test_switching_on_is_taken_back_where_it_was_ours(played, name):
    host = played(name, "pass\n")
    host.machine.run(["pfctl", "-d"])
    step = TakeReference()
    step.carry_out(host)
    assert host.machine.kernel.enabled
    step.take_back(host)
    assert not host.machine.kernel.enabled
    step.take_back(host)


def test_enabling_is_refused_where_it_would_cut_the_session(played, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.9 50000 192.0.2.10 22")
    host = played("FreeBSD", "block all\npass in proto tcp from any to any port 22\n")
    host.machine.run(["pfctl", "-d"])
    with pytest.raises(HostError, match="switching pf on would cut ssh on port 22"):
        run(host, enable=True)
    assert not host.machine.kernel.enabled


def test_macos_keeps_its_token_over_runs_and_gives_back_its_own_alone(played):
    host = played("Darwin")
    host.machine.write_text("/etc/pf.conf", STOCK_DARWIN)
    theirs = host.machine.kernel.take_token()
    host.machine.run(["pfctl", "-X", theirs])
    run(host, enable=True)
    (ours,) = host.machine.kernel.tokens
    run(host, enable=True)
    assert host.machine.kernel.tokens == [ours]
    theirs = host.machine.kernel.take_token()
    host.machine.kernel.calls.clear()
    run(host, state="absent")
    assert host.changing_calls() == [
        "pfctl -f /etc/pf.conf",
        "pfctl -a port443.https -F rules",
        f"pfctl -X {ours}",
    ]
    assert (host.machine.kernel.tokens, host.machine.kernel.enabled) == ([theirs], True)


def test_macos_is_filtering_again_after_a_boot(played):
    host = played("Darwin")
    run(host, enable=True)
    host.machine.boot()
    assert (len(host.machine.kernel.tokens), host.machine.kernel.enabled) == (1, True)
    assert run(host, enable=True).steps == ()
    run(host, state="absent")
    assert (host.machine.kernel.tokens, host.machine.kernel.enabled, host.machine.kernel.daemons) == ([], False, [])
    assert not host.machine.path("/Library/LaunchDaemons/port443.pf.plist").exists()


def test_openbsd_switched_off_for_the_boot_comes_on_when_asked(played):
    host = played("OpenBSD", "pass\n")
    host.machine.run(["pfctl", "-d"])
    host.machine.write_text("/etc/rc.conf.local", "pf=NO\n")
    host.machine.kernel.calls.clear()
    assert run(host, check=True).backend == "none"
    done = run(host, enable=True)
    assert host.changing_calls() == [
        "mkdir -m 755 /etc/pf.anchors",
        "pfctl -f /etc/pf.conf",
        "rcctl enable pf",
        "pfctl -e",
    ]
    assert (done.persisted, host.machine.kernel.enabled, host.machine.read_text("/etc/rc.conf.local")) == (
        "written",
        True,
        None,
    )
