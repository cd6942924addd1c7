# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and what an administrator did in between is there."""

from __future__ import annotations

import difflib
import hashlib

BAN = "-A INPUT -s 198.51.100.77/32 -j DROP"


def test_the_web_is_blocked_from_outside(target, peer):
    assert not [door for door, answer in peer.knock(target, 80, 443, 8443).items() if answer == "open"]


def test_the_host_is_as_it_was_but_for_the_administrators_edit(target):
    before, after = target.read("/root/before").splitlines(), target.run("/root/state").splitlines()
    lines = [line for line in difflib.ndiff(before, after) if line[:2] in ("+ ", "- ")]
    edited = target.read("/etc/iptables/rules.v4").encode()
    told = [line for line in lines if "/etc/iptables/rules.v4" not in line and "ip saddr 198.51.100.77" not in line]
    assert told == [f"+ {BAN}"]
    assert f"+ {hashlib.sha256(edited).hexdigest()}  /etc/iptables/rules.v4" in lines


def test_the_saved_rules_hold_the_administrators_edit_and_nothing_else_new(target):
    saved = target.read("/etc/iptables/rules.v4").splitlines()
    assert [line for line in saved if line != BAN] == target.read("/root/rules.v4").splitlines()
    assert BAN in saved
    assert target.read("/etc/iptables/rules.v6") == target.read("/root/rules.v6")
