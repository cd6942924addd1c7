# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole way with both ansible-cores: their bootstrap and wrappers, our scripts and PowerShell are real.

The connection is local with a Windows shell, and Windows is played.
"""

from __future__ import annotations

import pytest
from controller_of_windows import cores, executions
from stock import STOCK

PORTS = "port443.https.ports"
ID = "port443-https-in-tcp"


@pytest.mark.parametrize("core", cores())
def test_a_task_goes_the_whole_way(windows, core):
    windows.set_state(local=STOCK)
    told = windows.play(
        {PORTS: {"direction": "both"}, "check_mode": True},
        {"port443.https.win_firewall_ports": {"direction": "both"}, "diff": True},
        {PORTS: {"ports": ["443/tcp", "80/tcp"], "direction": "both"}},
        core=core,
    )
    results, states = zip(*told)
    assert executions(states) == [1, 2, 1], windows.said
    assert [result["changed"] for result in results] == [True, True, False]
    assert results[0]["commands"] == results[1]["commands"]
    assert states[0]["local"] == STOCK
    assert set(states[1]["local"]) == {*STOCK, ID, "port443-https-out-tcp"}
    assert {line["verdict"] for line in results[1]["effective"]} == {"open"}
    assert "the script on the host" not in windows.said


def test_a_failure_of_windows_is_a_sentence_and_no_traceback(windows):
    windows.set_state(local=STOCK, faults={f"{ID}:add": [-2147024891, "PermissionDenied", "Access is denied."]})
    ((failed, state),) = windows.play({PORTS: {}})
    assert failed["msg"].endswith(f"add of rule {ID}: Windows said: Access is denied.")
    assert state["local"] == STOCK
    assert "Traceback" not in windows.said
