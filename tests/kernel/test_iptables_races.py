# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Others change the rules between the look and the change: it is made in what is there then, or not at all."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from rooted import SAVED, V4, V6, WANTS, load, rules, tool

FRONTENDS = ["iptables-nft", "iptables-legacy"]
JUMP = "-A INPUT -j port443-https"
REJECT = "-A INPUT -j REJECT --reject-with icmp-host-prohibited"
BANNED = SAVED.replace(
    "-A INPUT -m", "-A INPUT -s 203.0.113.7/32 -j DROP\n-A INPUT -s 203.0.113.8/32 -j DROP\n-A INPUT -m"
)


def between(host, monkeypatch, others):
    """Has ``others`` do something before each change, with the number of those before."""
    run, changes = host.run, []

    def run_behind_others(argv, stdin=""):
        if "--noflush" in argv:
            others(len(changes))
            changes.append(argv)
        return run(argv, stdin)

    monkeypatch.setattr(host, "run", run_behind_others)
    return changes


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_rule_that_goes_between_the_look_and_the_change_stops_nobody(host, monkeypatch, frontend):
    load(BANNED, frontend, families=(4,))
    host.put(V4, SAVED)
    host.enable(WANTS)

    def unban(before):
        for last in (7, 8) if before == 0 else ():
            tool(frontend, "-D", "INPUT", "-s", f"203.0.113.{last}", "-j", "DROP")

    changes = between(host, monkeypatch, unban)
    done = host.ensure(require_effective=True)
    assert [line for line in rules(frontend) if line.startswith("-A INPUT")][-2:] == [JUMP, REJECT]
    assert not [line for line in rules(frontend) if "203.0.113." in line]
    assert ({line.verdict for line in done.effective}, done.persisted) == ({"open"}, "rehearsed")
    assert len(changes) == 2
    assert host.ensure().steps == ()


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_rules_that_go_and_come_back_all_the_time_are_no_reason_to_fail(host, monkeypatch, frontend):
    load(BANNED, frontend, families=(4,))
    run = host.run
    left = [2]

    def run_while_unbanned(argv, stdin=""):
        hidden = "--noflush" in argv and left[0] > 0
        if hidden:
            left[0] -= 1
            tool(frontend, "-D", "INPUT", "-s", "203.0.113.7", "-j", "DROP")
            tool(frontend, "-D", "INPUT", "-s", "203.0.113.8", "-j", "DROP")
        ended = run(argv, stdin)
        if hidden:
            for last in (8, 7):
                tool(frontend, "-I", "INPUT", "2", "-s", f"203.0.113.{last}", "-j", "DROP")
        return ended

    monkeypatch.setattr(host, "run", run_while_unbanned)
    assert {line.verdict for line in host.ensure().effective} == {"open"}
    assert left == [0]


def test_a_change_that_is_refused_for_another_reason_is_tried_no_more(host, monkeypatch):
    load(SAVED, families=(4,))
    before, run, changes = rules(), host.run, []

    def run_broken(argv, stdin=""):
        if "--noflush" in argv:
            changes.append(argv)
            stdin = stdin.replace("COMMIT", "-A INPUT -j NOWHERE\nCOMMIT")
        return run(argv, stdin)

    monkeypatch.setattr(host, "run", run_broken)
    with pytest.raises(HostError, match="NOWHERE"):
        host.ensure()
    assert (rules(), len(changes)) == (before, 3)


def test_where_others_never_stop_all_is_taken_back_and_theirs_stays(host, monkeypatch):
    load(SAVED)
    host.put(V4, SAVED)
    host.put(V6, SAVED.replace("icmp-host-prohibited", "icmp6-adm-prohibited"))
    host.enable(WANTS)
    files = host.files()

    run, changes = host.run, []

    def run_among_others(argv, stdin=""):
        if "--noflush" not in argv:
            return run(argv, stdin)
        changes.append(argv)
        tool("iptables", "-F", "INPUT")
        ended = run(argv, stdin)
        for last in range(3):
            tool("iptables", "-A", "INPUT", "-p", "udp", "--dport", f"{last + len(changes)}", "-j", "DROP")
        tool("iptables", "-A", "INPUT", "-j", "REJECT")
        return ended

    monkeypatch.setattr(host, "run", run_among_others)
    with pytest.raises(HostError, match="Index of insertion too big"):
        host.ensure()
    assert len(changes) == 20
    assert not [line for line in rules() if "port443" in line]
    assert host.files() == files
