# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check mode has run by now, and has only looked."""

from __future__ import annotations

import json


def test_check_mode_changed_nothing(target):
    assert target.run("python3 /root/state").splitlines() == target.read("/root/before").splitlines()


def test_check_mode_installed_nothing(target):
    assert not target.host.file(target.variables["nginx"]).exists
    assert not target.host.file("/etc/port443").exists


def test_check_mode_only_looked(target):
    calls = json.loads(target.read("/var/fake_pf.json"))["calls"]
    pfctl = [call for call in calls if call[0] == "pfctl"]
    assert pfctl
    assert not [call for call in pfctl if not {"-s", "-n", "show"} & set(call)]
