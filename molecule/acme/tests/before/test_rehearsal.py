# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""After check mode: the host as it was."""

from __future__ import annotations


def test_check_mode_changed_nothing(target):
    assert target.run("/root/state").splitlines() == target.read("/root/before").splitlines()
