# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule set in the files that a host loads at boot, tried with the real tools."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import subprocess

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from rooted import SAVED, V4, V6, WANTS, load, rules, tool


def test_saved_files_hold_our_addition_alone_and_are_rehearsed(host):
    load(SAVED)
    tool("iptables", "-A", "f2b-nginx", "-s", "203.0.113.9", "-j", "DROP")
    host.put(V4, SAVED)
    host.enable(WANTS)
    assert host.ensure().persisted == "rehearsed"
    written = (host.root / V4.lstrip("/")).read_text(encoding="utf-8")
    added = [line for line in written.splitlines() if line not in SAVED.splitlines()]
    assert added == [
        ":port443-https - [0:0]",
        "-A INPUT -j port443-https",
        "-A port443-https -p tcp -m multiport --dports 80,443 -j ACCEPT",
    ]
    assert [line for line in written.splitlines() if line not in added] == SAVED.splitlines()


def test_a_save_in_between_changes_nothing_for_the_next_run_or_removal(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    host.ensure()
    host.put(V4, tool("iptables-save"))
    host.put(V6, tool("ip6tables-save"))
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert not [path for path, (content, _mode) in host.files().items() if b"port443-" in content]
    assert not [line for line in rules() if "port443-" in line]


def test_a_broken_file_is_refused_with_the_tools_words_and_nothing_done(host):
    load(SAVED)
    host.put(V4, SAVED.replace("-p tcp -m tcp --dport 22", "-p tcp -m tcp --dport nonsense"))
    host.enable(WANTS)
    before, files = rules(), host.files()
    with pytest.raises(HostError, match=r"cannot be loaded as it is.*nonsense"):
        host.ensure()
    assert (rules(), host.files()) == (before, files)


def test_of_a_file_saved_behind_another_the_last_part_holds_the_set(host):
    load(SAVED)
    host.put(V4, SAVED + SAVED)
    host.enable(WANTS)
    foreseen = host.ensure(check=True)
    done = host.ensure()
    assert (done.persisted, done.warnings, done.steps) == ("rehearsed", (), foreseen.steps)
    tool("iptables-restore", stdin=host.read(V4).decode())
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.read(V4).decode() == SAVED + SAVED


def test_a_file_that_cannot_be_replaced_is_told_before_anything_is_done(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    path = str(host.root / V4.lstrip("/"))
    before = rules()
    subprocess.run(("mount", "--bind", path, path), check=True)
    try:
        for check in (True, False):
            with pytest.raises(HostError, match=r"rules\.v4 cannot be written: Device or resource busy; another"):
                host.ensure(check=check)
            assert rules() == before
    finally:
        subprocess.run(("umount", path), check=True)
    assert host.ensure().persisted == "rehearsed"


def test_a_file_that_nothing_loads_is_left_and_told(host):
    load(SAVED)
    host.put(V4, SAVED)
    files = host.files()
    done = host.ensure()
    assert host.files() == files
    assert done.persisted == "no"
    assert any("netfilter-persistent is not enabled" in warning for warning in done.warnings)


def test_a_set_goes_from_a_file_that_nothing_loads_any_more(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    files = host.files()
    host.ensure()
    (host.root / f"etc/systemd/system/multi-user.target.wants/{WANTS}.service").unlink()
    gone = host.ensure(state="absent")
    assert (gone.warnings, host.files()) == ((), {path: one for path, one in files.items() if "wants" not in path})


def test_a_script_that_builds_the_rules_is_named(host):
    load(SAVED)
    host.put("/etc/network/if-pre-up.d/firewall", "#!/bin/sh\niptables -P INPUT DROP\n")
    done = host.ensure()
    assert done.persisted == "no"
    assert any("/etc/network/if-pre-up.d/firewall" in warning for warning in done.warnings)
    for options, persisted in (({"persistent": False}, "no"), ({"state": "absent"}, "not needed")):
        quiet = host.ensure(**options)
        assert (quiet.persisted, quiet.warnings) == (persisted, ())


def test_persistent_false_takes_the_set_out_of_the_file_again(host):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    files = host.files()
    host.ensure()
    assert host.files() != files
    assert host.ensure(persistent=False).persisted == "no"
    assert host.files() == files


# Which file, and what enables it. Debian's is confirmed in containers, the others rest on documentation alone.
LAYOUTS = [
    ("/etc/iptables/rules.v4", "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service"),
    ("/etc/iptables/rules.v4", "/etc/rcS.d/S01netfilter-persistent"),
    ("/etc/iptables/rules.v6", "/etc/systemd/system/multi-user.target.wants/netfilter-persistent.service"),
    ("/etc/sysconfig/iptables", "/etc/systemd/system/multi-user.target.wants/iptables.service"),
    ("/etc/sysconfig/iptables", "/etc/systemd/system/basic.target.wants/iptables.service"),
    ("/etc/sysconfig/ip6tables", "/etc/systemd/system/multi-user.target.wants/ip6tables.service"),
    ("/etc/iptables/rules-save", "/etc/runlevels/default/iptables"),
    ("/etc/iptables/rules6-save", "/etc/runlevels/boot/ip6tables"),
    ("/etc/iptables/iptables.rules", "/etc/systemd/system/multi-user.target.wants/iptables.service"),
    ("/etc/iptables/ip6tables.rules", "/etc/systemd/system/multi-user.target.wants/ip6tables.service"),
]


@pytest.mark.parametrize(("path", "link"), LAYOUTS)
def test_each_distributions_file_is_written_loaded_and_restored(host, path, link):
    load(SAVED)
    text = SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited") if "6" in path[4:] else SAVED
    host.put(path, text)
    host.put(link, "")
    files = host.files()
    assert host.ensure().persisted == "rehearsed"
    written = (host.root / path.lstrip("/")).read_text(encoding="utf-8")
    assert "-A INPUT -j port443-https\n-A INPUT -j REJECT" in written
    assert host.ensure().steps == ()
    host.ensure(state="absent")
    assert host.files() == files


def test_sets_that_the_boot_makes_are_in_the_rehearsal(host):
    tool("ipset", "create", "blacklist", "hash:ip")
    host.put("/etc/iptables/ipsets", tool("ipset", "save"))
    host.put("/usr/share/netfilter-persistent/plugins.d/10-ipset", "")
    banned = SAVED.replace("-A INPUT -m conn", "-A INPUT -m set --match-set blacklist src -j DROP\n-A INPUT -m conn")
    load(banned, families=(4,))
    host.put(V4, banned)
    host.enable(WANTS)
    done = host.ensure()
    assert done.persisted == "rehearsed"
    assert {line.verdict for line in done.effective} == {"open"}


def test_a_port_that_a_reboot_would_shut_is_told(host):
    load(SAVED)
    host.put(V4, SAVED.replace("-A INPUT -m conn", "-A INPUT -p tcp -m tcp --dport 443 -j DROP\n-A INPUT -m conn"))
    host.enable(WANTS)
    done = host.ensure()
    assert {line.verdict for line in done.effective} == {"open"}
    assert [text for text in done.warnings if text.startswith("after a reboot 443/tcp over IPv4 would be blocked")]


def test_two_runs_at_once_leave_one_set(host):
    load(SAVED)
    with concurrent.futures.ProcessPoolExecutor(6, multiprocessing.get_context("fork")) as pool:
        assert sorted(pool.map(run_once, [host] * 6)) == [0, 0, 0, 0, 0, 2]
    assert [line for line in rules() if line == "-A INPUT -j port443-https"] == ["-A INPUT -j port443-https"] * 2


def run_once(host):
    return len(host.ensure().steps)


@pytest.mark.parametrize("after", range(4))
def test_a_run_that_was_killed_is_made_whole_by_the_next(host, after):
    load(SAVED)
    host.put(V4, SAVED)
    host.enable(WANTS)
    before, files = rules(), host.files()
    host.ensure_killed(after)
    done = host.ensure()
    assert len(done.steps) == max(0, 3 - after)
    assert {line.verdict for line in done.effective} == {"open"}
    host.ensure(state="absent")
    assert (rules(), {path: content for path, content in host.files().items() if "lock" not in path}) == (before, files)
