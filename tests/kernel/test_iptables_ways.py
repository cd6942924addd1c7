# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets for the way out, for a time, and sets that take rules over: with real connections, in iptables and in ufw."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from lab import TCP, Case
from rooted import V4, V6, WANTS, RootedHost, load, rules
from ufw_host import BAN, DENY_OUT, SSH, UfwHost

FRONTENDS = ("iptables-nft", "iptables-legacy")
SHUT = """*filter
:INPUT DROP [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 203.0.113.5/32 -j DROP
-A OUTPUT -o lo -j ACCEPT
-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A OUTPUT -d 198.51.100.9/32 -j REJECT
COMMIT
"""
SHUT6 = SHUT.replace("203.0.113.5/32", "2001:db8:bad::5/128").replace("198.51.100.9/32", "2001:db8:f::9/128")
IN_ONLY, IN_ONLY6 = (
    "".join(line for line in save.replace(":OUTPUT DROP", ":OUTPUT ACCEPT").splitlines(True) if "-A OUTPUT" not in line)
    for save in (SHUT, SHUT6)
)
WEB = [Case(family, TCP, port) for family in (4, 6) for port in (80, 443)]
OTHER = [Case(family, TCP, 8080) for family in (4, 6)]
FRIEND = [Case(family, TCP, 443, "friend") for family in (4, 6)]
BANNED = [Case(family, TCP, 443, "banned") for family in (4, 6)]
OUT_WEB, OUT_OTHER, OUT_FRIEND = ([replace(case, direction="out") for case in cases] for cases in (WEB, OTHER, FRIEND))


@pytest.fixture
def host(lab, tmp_path):
    lab.clear()
    yield RootedHost(tmp_path)
    lab.clear()


def put(host, frontend, save=SHUT, save6=SHUT6, saved=True):
    """Loads the rules and, where they are ``saved``, has the boot load them."""
    load(save, frontend, (4,))
    load(save6, frontend, (6,))
    if saved:
        host.put(V4, save)
        host.put(V6, save6)
        host.enable(WANTS)


def seen(host, frontend):
    return rules(frontend), host.files()


def whole_life(host, frontend, works, **options):
    """Check mode, for real, again, and taken away; ``works`` is asked while the set is there."""
    before = seen(host, frontend)
    done = host.ensure_as_predicted(lambda: seen(host, frontend), **options)
    works()
    again = host.ensure(**options)
    assert (again.steps, again.effective) == ((), done.effective)
    host.ensure(state="absent", check=True)
    host.ensure(state="absent")
    assert seen(host, frontend) == before
    return done


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_the_way_out_is_opened_and_nothing_else(lab, host, frontend):
    put(host, frontend)
    assert lab.try_all(OUT_WEB) == [False] * 4

    def works():
        assert lab.try_all(OUT_WEB, 3.0) == [True] * 4
        assert (
            lab.try_all(OUT_OTHER + OUT_FRIEND) == [False] * 4
        )  # one port is not asked for, one peer is not to be reached
        assert lab.try_all(WEB) == [False] * 4

    done = whole_life(host, frontend, works, direction="out")
    assert done.persisted == "rehearsed"
    assert lab.try_all(OUT_WEB) == [False] * 4


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_both_ways_are_one_chain_with_a_jump_from_each(lab, host, frontend):
    put(host, frontend)

    def works():
        assert lab.try_all(OUT_WEB, 3.0) == [True] * 4
        assert lab.try_all(WEB, 3.0) == [True] * 4
        assert lab.try_all(OTHER + BANNED) == [False] * 4
        jumps = [line for line in rules(frontend) if line.endswith("-j port443-https")]
        assert jumps == ["-A INPUT -j port443-https", "-A OUTPUT -j port443-https"] * 2

    whole_life(host, frontend, works, direction="both")


def test_where_nothing_filters_the_way_out_nothing_is_made_for_it(lab, host):
    put(host, "iptables-nft", IN_ONLY, IN_ONLY6)
    assert host.ensure(direction="out").steps == ()

    def works():
        assert [line for line in rules() if line.endswith("-j port443-https")] == ["-A INPUT -j port443-https"] * 2
        assert lab.try_all(OUT_WEB, 3.0) == lab.try_all(WEB, 3.0) == [True] * 4

    whole_life(host, "iptables-nft", works, direction="both")


def test_a_set_changes_its_direction(lab, host):
    put(host, "iptables-nft")
    before = seen(host, "iptables-nft")
    host.ensure(direction="in")
    inward = seen(host, "iptables-nft")
    host.ensure(direction="both")
    host.ensure(direction="out")
    assert (lab.try_all(OUT_WEB, 3.0), lab.try_all(WEB)) == ([True] * 4, [False] * 4)
    host.ensure(direction="in")
    assert seen(host, "iptables-nft") == inward
    host.ensure(state="absent")
    assert seen(host, "iptables-nft") == before


def test_a_chain_output_that_our_rules_made_goes_with_them(host):
    assert host.ensure(backend="iptables", direction="both").effective
    assert host.ensure(backend="iptables", direction="both").steps == ()
    host.ensure(backend="iptables", state="absent")
    assert rules() == []


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_set_for_a_time_ends_by_itself_and_is_opened_anew(lab, host, frontend):
    put(host, frontend, IN_ONLY, IN_ONLY6)
    before = seen(host, frontend)
    host.ensure(timeout="12s", check=True)
    assert seen(host, frontend) == before
    done, end = host.ensure(timeout="12s"), time.monotonic() + 13  # a busy machine takes some of it
    opened = seen(host, frontend)
    assert (done.persisted, {line.verdict for line in done.effective}) == ("no", {"open"})
    assert opened[1] == before[1]
    assert lab.try_all(WEB, 1.0) == [True] * 4
    assert host.ensure(timeout="1h").steps == ()  # the time that remains stays what it is
    assert seen(host, frontend) == opened
    time.sleep(max(0, end - time.monotonic()))
    assert lab.try_all(WEB) == [False] * 4
    ended = host.ensure(timeout="1h", check=True)
    assert {line.verdict for line in ended.effective} == {"open"}
    anew = host.ensure(timeout="1h")
    assert anew.steps
    assert lab.try_all(WEB, 1.0) == [True] * 4
    assert host.ensure(timeout="1h").steps == ()
    host.ensure(state="absent")
    assert seen(host, frontend) == before


def test_a_set_that_ended_is_blocked_and_one_that_was_for_a_time_may_stay(lab, host):
    put(host, "iptables-nft", IN_ONLY, IN_ONLY6)
    host.ensure(timeout="1s")
    time.sleep(2.1)
    asked = host.ensure(name="other", check=True, ports=["8443/tcp"])
    assert {line.verdict for line in asked.effective} == {"open"}
    host.ensure()
    assert lab.try_all(WEB, 1.0) == [True] * 4
    assert not [line for line in rules() if "--datestop" in line]
    host.ensure(timeout="1h")
    assert [line for line in rules() if "--datestop" in line]
    assert b"port443" not in (host.root / V4.lstrip("/")).read_bytes()


BY_HAND = """-A INPUT -p tcp -m tcp --dport 80 -m comment --comment "an \\"older\\" playbook" -j ACCEPT
-A INPUT -p tcp -m conntrack --ctstate NEW -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
-A INPUT -s 198.51.100.9/32 -p tcp -m tcp --dport 443 -j ACCEPT
-A INPUT -p tcp -m tcp --dport 443 -m limit --limit 5/min -j ACCEPT
"""


def with_rules(save):
    return save.replace("COMMIT", BY_HAND + "COMMIT")


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_rules_that_let_in_nothing_else_are_taken_over(lab, host, frontend):
    six = with_rules(IN_ONLY6).replace("198.51.100.9/32", "2001:db8:f::9/128")
    put(host, frontend, with_rules(IN_ONLY), six)
    before = seen(host, frontend)
    done = host.ensure_as_predicted(lambda: seen(host, frontend), adopt=True)
    assert all("older" in change.before and "older" not in change.after for change in done.changes)
    kept = [line for line in rules(frontend) if "port443" not in line]
    assert [line for line in before[0] if line not in kept] == BY_HAND.splitlines()[:2] * 2
    assert host.ensure(adopt=True).steps == ()
    assert lab.try_all(WEB, 3.0) == [True] * 4
    host.ensure(state="absent")
    assert rules(frontend) == kept
    for path in (V4, V6):
        written = (host.root / path.lstrip("/")).read_text(encoding="utf-8")
        assert "older" not in written
        assert "port443" not in written
        assert "--dports 22,80" in written


def test_taking_over_is_taken_back_whole(host):
    put(
        host,
        "iptables-nft",
        with_rules(IN_ONLY).replace("-A INPUT -i lo", "-A INPUT -p tcp --dport 443 -j DROP\n-A INPUT -i lo"),
    )
    before = seen(host, "iptables-nft")
    with pytest.raises(Exception, match="All was taken back"):
        host.ensure(adopt=True, require_effective=True)
    assert seen(host, "iptables-nft") == before


@pytest.mark.parametrize("frontend", FRONTENDS)
def test_a_set_in_ufw_is_what_connections_meet(lab, tmp_path, frontend):
    lab.clear()
    host = UfwHost(tmp_path)
    host.set_up(SSH + BAN + DENY_OUT, frontend)
    assert lab.try_all(WEB) == lab.try_all(OUT_WEB) == [False] * 4
    host.ensure(direction="both")
    assert lab.try_all(WEB, 3.0) == lab.try_all(OUT_WEB, 3.0) == [True] * 4
    assert lab.try_all(OTHER + BANNED + OUT_OTHER) == [False] * 6
    host.ensure(source=["198.51.100.9", "2001:db8:f::/48"])
    assert lab.try_all(FRIEND, 3.0) == [True, True]
    assert lab.try_all(WEB) == [False] * 4
    host.ensure(state="absent")
    assert lab.try_all(WEB) == lab.try_all(OUT_WEB) == [False] * 4
    lab.clear()
