# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others change between two runs, and what fails in the middle of one."""

from __future__ import annotations

import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.system import SYSTEMS
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf.machine import STOCK_DARWIN

BLOCKING = "block all\npass in proto tcp from any to any port 22 flags any\n"
FILE = "/etc/pf.anchors/port443.https"
ANCHOR_ONLY = ["pfctl -a port443.https -f " + FILE]


def run(host, check=False, **options):
    return ensure(host, parse_request({"ports": ["80/tcp", "443/tcp"], **options}), check)


def opened(played, system, conf=BLOCKING, **options):
    host = played(system, conf)
    run(host, **options)
    host.changing_calls()
    return host


def state_of(host):
    machine = host.machine
    files = {
        path: path.read_bytes() for path in machine.root.rglob("*") if path.is_file() and path.name != "fake_pf.json"
    }
    return files, {name: [str(rule) for rule in rules] for name, rules in machine.kernel.rulesets.items() if rules}


def assert_mended(host, calls):
    done = run(host)
    assert host.changing_calls() == calls
    assert {entry.verdict for entry in done.effective} == {"open"}
    assert run(host).steps == ()
    assert host.changing_calls() == []


def test_an_edited_anchor_file_is_written_anew_and_nothing_loaded(system, played):
    host = opened(played, system)
    before = state_of(host)
    host.machine.write_text(FILE, "pass in quick proto tcp from any to any port 8080\n")
    assert_mended(host, [])
    assert state_of(host) == before


def test_an_anchor_file_that_is_gone_comes_back(system, played):
    host = opened(played, system)
    before = state_of(host)
    host.machine.write_text(FILE, None)
    assert_mended(host, [])
    assert state_of(host) == before


def test_a_flushed_anchor_alone_is_loaded_again(system, played):
    host = opened(played, system)
    host.machine.run(["pfctl", "-a", "port443.https", "-F", "rules"])
    host.machine.kernel.calls.clear()
    assert_mended(host, ANCHOR_ONLY)


def test_other_rules_in_our_anchor_are_replaced(system, played):
    host = opened(played, system)
    host.machine.run(["pfctl", "-a", "port443.https", "-f", "-"], "pass in quick all\n")
    host.machine.kernel.calls.clear()
    assert_mended(host, ANCHOR_ONLY)


def test_a_main_ruleset_that_lost_the_call_is_loaded_again(system, played):
    host = opened(played, system)
    host.machine.run(["pfctl", "-f", "-"], BLOCKING)
    host.machine.kernel.calls.clear()
    assert_mended(host, ["pfctl -f /etc/pf.conf"])


def test_a_pf_conf_without_our_block_gets_it_back_without_a_reload(system, played):
    """A macOS update resets pf.conf; the rules in force stay until the next boot."""
    host = opened(played, system)
    with_block = host.machine.read_text("/etc/pf.conf")
    host.machine.write_text("/etc/pf.conf", BLOCKING)
    assert_mended(host, [])
    assert host.machine.read_text("/etc/pf.conf") == with_block


def test_a_rule_that_an_administrator_added_behind_ours_goes_before_it(system, played):
    host = opened(played, system)
    text = host.machine.read_text("/etc/pf.conf")
    host.machine.write_text("/etc/pf.conf", text + "block in quick from 198.51.100.7 to any\n")
    host.machine.run(["pfctl", "-f", "/etc/pf.conf"])
    host.machine.kernel.calls.clear()
    assert_mended(host, ["pfctl -f /etc/pf.conf"])
    assert host.machine.read_text("/etc/pf.conf").startswith(
        BLOCKING + "block in quick from 198.51.100.7 to any\n# BEGIN"
    )
    run(host, state="absent")
    assert host.machine.read_text("/etc/pf.conf") == BLOCKING + "block in quick from 198.51.100.7 to any\n"


def test_position_can_change_and_back(system, played):
    host = opened(played, system, "block in quick proto tcp from any to any port 443\npass\n", ports=["443/tcp"])
    first = run(host, ports=["443/tcp"], position="first")
    assert {entry.verdict for entry in first.effective} == {"open"}
    assert run(host, ports=["443/tcp"], position="first").steps == ()
    back = run(host, ports=["443/tcp"])
    assert {entry.verdict for entry in back.effective} == {"blocked"}
    assert run(host, ports=["443/tcp"]).steps == ()


def test_two_sets_come_and_go_independently(system, played):
    host = played(system, BLOCKING + "# no end")
    before = state_of(host)
    for name, ports in (("https", ["443/tcp"]), ("mail", ["25/tcp", "587/tcp"])):
        run(host, name=name, ports=ports)
    for name, ports in (("https", ["443/tcp"]), ("mail", ["25/tcp", "587/tcp"])):
        assert run(host, name=name, ports=ports).steps == ()
    run(host, name="https", state="absent")
    assert run(host, name="mail", ports=["25/tcp", "587/tcp"]).steps == ()
    run(host, name="mail", state="absent")
    assert state_of(host) == before


def test_a_set_that_lasts_becomes_one_that_does_not(system, played):
    host = opened(played, system)
    done = run(host, persistent=False)
    assert (done.persisted, host.machine.read_text("/etc/pf.conf"), host.machine.read_text(FILE)) == (
        "no",
        BLOCKING,
        None,
    )
    assert {entry.verdict for entry in run(host, persistent=False).effective} == {"open"}
    assert run(host, persistent=False).steps == ()


def test_a_boot_brings_the_set_back(system, played):
    host = opened(played, system)
    host.machine.boot()
    host.machine.kernel.calls.clear()
    if system == "Darwin":  # pf.conf is loaded, but nothing of ours switches pf on
        assert not host.machine.kernel.enabled
        return
    assert run(host).steps == ()
    assert {entry.verdict for entry in run(host).effective} == {"open"}


def test_rules_are_loaded_but_pf_is_off(system, played):
    host = opened(played, system)
    host.machine.run(["pfctl", "-d"])
    host.machine.kernel.calls.clear()
    done = run(host)
    assert (done.steps, done.backend, host.changing_calls()) == ((), "pf", [])
    assert {entry.because for entry in done.effective} == {"pf is off and filters nothing"}
    told = [warning for warning in done.warnings if "comes on at boot" in warning]
    assert bool(told) == (system != "Darwin")


def test_more_ports_load_the_anchor_alone(system, played):
    host = opened(played, system)
    done = run(host, ports=["80/tcp", "443/tcp", "8443/tcp"])
    assert host.changing_calls() == ANCHOR_ONLY
    assert {(entry.port, entry.verdict) for entry in done.effective} == {
        ("80", "open"),
        ("443", "open"),
        ("8443", "open"),
    }


def test_a_port_of_two_sets_stays_open_until_both_are_gone(system, played):
    host = opened(played, system)
    before = state_of(host)
    run(host, name="more", ports=["443/tcp"])
    run(host, state="absent")
    assert {entry.verdict for entry in run(host, name="more", ports=["443/tcp"], check=True).effective} == {"open"}
    run(host)
    run(host, name="more", state="absent")
    assert state_of(host) == before


FAILURES = [
    ("pfctl -f /etc/pf.conf", "pfctl: DIOCXCOMMIT: Device busy"),
    ("mkdir", "mkdir: /etc/pf.anchors: No space left on device"),
]


@pytest.mark.parametrize(("command", "words"), FAILURES)
def test_a_command_that_fails_leaves_all_as_it_was(system, played, command, words):
    host = played(system, BLOCKING)
    before = state_of(host)
    host.machine.kernel.failing.append({"command": command, "words": words, "times": 1})
    with pytest.raises(HostError, match=words):
        run(host)
    assert state_of(host) == before


def test_a_full_disk_after_the_anchor_was_written_leaves_all_as_it_was(system, played):
    host = played(system, BLOCKING)
    before = state_of(host)
    host.full = "/etc/pf.conf"
    with pytest.raises(HostError, match="No space left on device"):
        run(host)
    assert state_of(host) == before


def test_a_failed_removal_leaves_the_set_whole(system, played):
    host = opened(played, system)
    before = state_of(host)
    host.machine.kernel.failing.append({"command": "-F rules", "words": "pfctl: DIOCXBEGIN: Device busy", "times": 1})
    with pytest.raises(HostError, match="Device busy"):
        run(host, state="absent")
    assert state_of(host) == before
    assert run(host).steps == ()


def test_words_on_stderr_alone_are_no_failure(played):
    host = played("Darwin", STOCK_DARWIN)
    done = run(host)
    assert [str(step) for step in done.steps if "pfctl" in str(step)] == ["pfctl -f /etc/pf.conf"]
    assert {entry.verdict for entry in done.effective} == {"open"}


def test_the_mode_the_owner_and_the_link_of_pf_conf_stay(system, played):
    host = played(system, BLOCKING)
    real, link = host.machine.path("/etc/rules"), host.machine.path("/etc/pf.conf")
    link.rename(real)
    if os.geteuid() == 0:  # only root can give a file away
        os.chown(real, -1, 3)
    real.chmod(0o600)
    group = real.stat().st_gid
    link.symlink_to("rules")
    run(host)
    assert (link.is_symlink(), real.stat().st_mode & 0o777, real.stat().st_gid) == (True, 0o600, group)
    run(host, state="absent")
    assert (link.is_symlink(), real.stat().st_mode & 0o777, real.read_text()) == (True, 0o600, BLOCKING)


def test_freebsd_honours_another_file_of_rules(played):
    host = played("FreeBSD", "pass\n")
    host.machine.path("/etc/pf.conf").rename(host.machine.path("/etc/rules"))
    host.machine.write_text("/etc/rc.conf", 'pf_enable="YES"\npf_rules="/etc/rules"\n')
    host.machine.kernel.calls.clear()
    run(host)
    assert host.changing_calls() == ["mkdir -m 755 /etc/pf.anchors", "pfctl -f /etc/rules"]
    assert host.machine.read_text("/etc/pf.conf") is None


@pytest.mark.parametrize("name", ["NetBSD", "DragonFly", "SunOS"])
def test_other_systems_are_told_so(name):
    class Other:
        def system(self):
            return name

    with pytest.raises(HostError) as problem:
        ensure(Other(), parse_request({"ports": ["443/tcp"]}), True)
    told = f"this host runs {name}: firewalls are managed on Linux, FreeBSD, OpenBSD, macOS and Windows"
    assert problem.value.message == told
    assert all(system.title in told for system in SYSTEMS.values())
