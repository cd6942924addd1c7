# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything of ours is gone, and what the administrator has from the same CA is there."""

from __future__ import annotations


def test_the_host_is_as_it_was(target):
    """But for certbot's account with the CA, which is not ours to give up."""
    now = [line for line in target.run("/root/state").splitlines() if "/accounts/authority.port443.example" not in line]
    assert now == target.read("/root/before").splitlines()


def test_no_timer_of_ours_is_known(target):
    assert target.run("systemctl list-units --all --plain --no-legend 'port443*'") == ""
    assert target.run("systemctl is-enabled certbot.timer") == "enabled"
