# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and what an administrator did in between is there."""

from __future__ import annotations

import difflib
import hashlib

RULES = "/etc/ufw/user.rules"
BAN = ["", "### tuple ### deny any any 0.0.0.0/0 any 198.51.100.77 in", "-A ufw-user-input -s 198.51.100.77 -j DROP"]


def test_the_web_is_blocked_from_outside(target, peer):
    assert not [door for door, answer in peer.knock(target, 80, 443, 8443).items() if answer == "open"]


def test_the_host_is_as_it_was_but_for_the_administrators_edit(target):
    before, after = target.read("/root/before").splitlines(), target.run("/root/state").splitlines()
    changed = [line for line in difflib.ndiff(before, after) if line[:2] in ("+ ", "- ")]
    told = [line for line in changed if RULES not in line and "ip saddr 198.51.100.77" not in line]
    live = "+ -A ufw-user-input -s 198.51.100.77/32 -j DROP"
    assert told == ([live] if target.variables["frontend"] == "nft" else [live, live])
    assert f"+ {hashlib.sha256(target.read(RULES).encode()).hexdigest()}  {RULES}" in changed


def test_the_files_hold_the_administrators_edit_and_nothing_else_new(target):
    before, now = target.read("/root/ufw/user.rules").splitlines(), target.read(RULES).splitlines()
    lines = list(difflib.ndiff(before, now))
    assert sorted(line[2:] for line in lines if line.startswith("+ ")) == sorted(BAN)
    assert not [line for line in lines if line.startswith("- ")]
    assert target.read("/etc/ufw/user6.rules") == target.read("/root/ufw/user6.rules")
