# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules and files that were there before are there as they were, and ours are in their place."""

from __future__ import annotations

import difflib

BANNED, CAUGHT = 66, 67  # last parts of the peer's addresses: banned by the administrator, and by fail2ban


def test_who_is_banned_stays_banned(target, peer):
    # First as anybody: a banned client's question where the host is, in IPv6, is dropped like all else.
    assert set(peer.knock(target, 443).values()) == {"open"}
    assert set(peer.knock(target, 80, 443, last=CAUGHT).values()) == {"refused"}
    assert set(peer.knock(target, 80, 443, last=BANNED).values()) == {"silent"}


def rules_of(state):
    """The part of a state that nft printed."""
    return state.split("\n# nft\n")[1].split("\n# files\n")[0].splitlines()


def without_ours(lines):
    """Without our chains, each with the empty line before it, and without what mentions them elsewhere."""
    kept = []
    ours = False
    for line in lines:
        if line.startswith("\tchain port443-"):
            ours = True
            if kept and not kept[-1]:
                kept.pop()
        if not ours and "port443-" not in line:
            kept.append(line)
        ours = ours and line != "\t}"
    return kept


def test_the_rules_of_others_are_the_same_bytes(target):
    now = rules_of(target.run("/root/state"))
    assert [line for line in now if "chain port443-https" in line]
    assert without_ours(now) == rules_of(target.read("/root/before"))


def test_the_file_holds_our_addition_alone(target):
    before, now = target.read("/root/rules").splitlines(), target.read(target.variables["file"]).splitlines()
    lines = list(difflib.ndiff(before, now))
    assert not [line for line in lines if line.startswith("- ")]
    assert [line for line in lines if line.startswith("+ ") and "port443-https" in line]
    assert target.run("nft --check --file /etc/nftables.conf") == ""


def test_no_other_file_of_the_firewall_changed(target):
    assert files_of(target.run("/root/state"), target) == files_of(target.read("/root/before"), target)


def files_of(state, target):
    """The lines about /etc/nftables* in a state, without the content of the file that holds our rules."""
    lines = state.split("\n# files\n")[1].splitlines()
    return [line for line in lines if " /etc/nftables" in line and not line.endswith("  " + target.variables["file"])]


def test_ours_stand_before_the_barrier_and_behind_the_bans(target):
    for place in target.variables["filters"]:
        lines = [line.strip() for line in target.run(f"nft list chain {place['chain']}").splitlines()]
        jumps = [number for number, line in enumerate(lines) if "jump port443-https" in line]
        bans = [number for number, line in enumerate(lines) if line.endswith(place["ban"])]
        assert len(jumps) == len(bans) == 1, lines
        assert bans < jumps
        assert lines[jumps[0] + 1].startswith(place["barrier"])
