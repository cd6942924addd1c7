# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change that cuts the controller off, over real ssh: the host is as it was in time, whoever dies meanwhile."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import pytest

IPTABLES = """*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
"""
NFTABLES = """#!/usr/sbin/nft -f
flush ruleset

table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\tiifname "lo" accept
\t}
}
"""
SSH = {"name": "ssh", "ports": ["22/tcp"]}
GONE = {"name": "ssh", "state": "absent", "confirm": "8s"}
# Ends who called it, once, after the first change that was made under a timer.
DEADLY = """#!/bin/sh
{real} "$@"
code=$?
case "$*" in
*list*) ;;
*) [ -e /run/port443/unconfirmed.json ] && rm /run/deadly 2>/dev/null && kill -9 "$PPID" ;;
esac
exit $code
"""
WANTS = "/etc/systemd/system/multi-user.target.wants"


def iptables(remote):
    for version, prefix in ((4, "iptables-nft"), (6, "ip6tables-nft")):
        remote.run(f"{prefix}-restore", stdin=IPTABLES)
        remote.put(f"/etc/iptables/rules.v{version}", IPTABLES)
    remote.put(f"{WANTS}/netfilter-persistent.service", "")
    remote.run("iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT")
    return ("iptables-nft", "-D", "INPUT", "-p", "tcp", "--dport", "22", "-j", "ACCEPT")


def nftables(remote):
    remote.run("nft", "-f", "-", stdin=NFTABLES)
    remote.put("/etc/nftables.conf", NFTABLES)
    remote.put(f"{WANTS}/nftables.service", "")
    remote.run("nft", "add", "table", "inet", "meanwhile")
    return ("nft", "delete", "table", "inet", "meanwhile")


def handle_of(remote, words):
    listed = remote.run("nft", "--handle", "list", "chain", "inet", "filter", "input").splitlines()
    return next(line for line in listed if words in line).split()[-1]


@pytest.fixture(params=[iptables, nftables], ids=["iptables", "nftables"])
def host(remote, request):
    """A host that is reached at port 22 for the sake of a set of ours alone."""
    meanwhile = request.param(remote)
    if request.param is nftables:
        remote.run("nft", "insert", "rule", "inet", "filter", "input", "tcp", "dport", "22", "accept")
    assert remote.play(**SSH)["changed"]
    remote.run(*meanwhile)
    if request.param is nftables:
        remote.run("nft", "delete", "rule", "inet", "filter", "input", "handle", handle_of(remote, "dport 22"))
    assert remote.lets_in()
    return remote


def wait_for(remote, wanted, seconds):
    deadline = time.monotonic() + seconds
    while remote.lets_in() != wanted:
        assert time.monotonic() < deadline, f"after {seconds} s ssh is {'shut' if wanted else 'open'} still"
        time.sleep(0.1)


def test_a_change_that_shuts_the_controller_out_is_taken_back(host):
    before = host.rules(), host.files()
    found = host.play(**GONE)
    assert found["failed"], found
    assert not found["changed"]
    assert "no new connection to the host could be made after the change" in found["msg"]
    assert "the change of the set ssh was not confirmed, and the host took it back at" in found["msg"]
    assert host.lets_in()
    assert host.rules() == before[0]
    told = host.play(**SSH)
    assert (told["changed"], host.rules(), host.files()) == (False, *before)
    assert "the change of the set ssh was not confirmed, and the host took it back at" in told["warnings"][0]
    assert "warnings" not in host.play(**SSH)


def test_a_change_that_lets_the_controller_in_is_confirmed_and_saved(host):
    before = host.rules(), host.files()
    asked = {"ports": ["443/tcp"], "confirm": "20s"}
    foretold = host.play("--check", **asked)
    assert (foretold["changed"], host.rules(), host.files()) == (True, *before)
    done = host.play(**asked)
    assert "failed" not in done or not done["failed"], done
    assert (done["commands"], done["unconfirmed"], done["persisted"]) == (foretold["commands"], "", "rehearsed")
    assert done["confirmed"]
    made = host.rules(), host.files()
    assert made != before
    again = host.play(**asked)
    assert (again["changed"], "confirmed" in again, host.rules(), host.files()) == (False, False, *made)
    gone = host.play(state="absent", confirm="20s")
    assert gone["confirmed"]
    assert (host.rules(), host.files()) == before


def family_of(ancestor):
    """Returns a process and all that come from it, the ancestor first."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    family = [ancestor]
    for one in family:
        family += [process for process, parent in parents.items() if parent == one]
    return family


def test_a_controller_that_dies_changes_nothing_about_it(host):
    before = host.rules(), host.files()
    running = host.start(**GONE)
    wait_for(host, False, 20)
    for process in reversed(family_of(running.pid)):  # a worker has a session of its own, and would go on
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    running.communicate()
    wait_for(host, True, 40)
    assert host.rules() == before[0]
    assert host.play(**SSH)["warnings"]
    assert host.files() == before[1]


def test_a_module_that_is_killed_in_the_middle_changes_nothing_about_it(host):
    for tool in ("ip6tables-nft-restore", "ip6tables-restore", "nft"):  # what changes IPv6, or all
        real = host.run("sh", "-c", f"command -v {tool}").strip()
        host.put(f"/usr/local/sbin/{tool}", DEADLY.format(real=real), "755")
    before = host.rules(), host.files()
    host.put("/run/deadly", "")
    found = host.play(**GONE)
    assert found["failed"]
    wait_for(host, True, 40)
    assert host.rules() == before[0]
    assert host.play(**SSH)["warnings"]
    assert host.files() == before[1]


def test_a_local_connection_proves_nothing(host):
    before = host.rules(), host.files()
    found = host.play("--check", "-e", "ansible_connection=local", **GONE)
    assert found["failed"]
    assert "confirm needs a connection that the host's firewall could cut, such as ssh, and local is" in found["msg"]
    assert (host.rules(), host.files()) == before
