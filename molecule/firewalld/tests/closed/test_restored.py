# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and what an administrator did in between is there."""

from __future__ import annotations

import difflib
import hashlib

ZONE = "/etc/firewalld/zones/drop.xml"
BEFORE = "/root/firewalld/zones/drop.xml"
BAN = '  <source address="198.51.100.77"/>'


def test_the_web_is_blocked_from_outside(target, peer):
    assert not [door for door, answer in peer.knock(target, 80, 443, 8443).items() if answer == "open"]


def test_the_host_is_as_it_was_but_for_the_administrators_edit(target):
    # Sorted, as firewalld orders what a zone allows anew whenever it starts.
    before, after = sorted(target.read("/root/before").splitlines()), sorted(target.run("/root/state").splitlines())
    changed = [line for line in difflib.ndiff(before, after) if line[:2] in ("+ ", "- ")]
    told = [line for line in changed if "198.51.100.77" not in line]
    was, now = (
        hashlib.sha256(target.read(name).encode()).hexdigest() for name in ("/root/firewalld/zones/drop.xml", ZONE)
    )
    assert sorted(told) == sorted([f"- {was}  {ZONE}", f"+ {now}  {ZONE}"])
    assert [line for line in changed if "198.51.100.77" in line]


def test_the_file_holds_the_administrators_edit_and_nothing_else_new(target):
    now = target.read(ZONE).splitlines()
    assert [line for line in now if line != BAN] == target.read(BEFORE).splitlines()
    assert now.count(BAN) == 1
