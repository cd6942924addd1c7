# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host before anything was done to it; check mode has run by now."""

from __future__ import annotations


def test_the_web_is_blocked_from_outside(target, peer):
    assert not [door for door, answer in peer.knock(target, 80, 443, 8443).items() if answer == "open"]


def test_check_mode_changed_nothing(target):
    assert target.run("/root/state").splitlines() == target.read("/root/changed").splitlines()


def test_what_somebody_changed_at_runtime_is_there(target):
    target.run(target.variables["kept"])
