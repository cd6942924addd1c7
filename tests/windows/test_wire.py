# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a real ansible-core sends to a host with a Windows shell, how often, and what becomes of the answers.

The host is a program that plays our script, so neither the script nor Windows is shown by this.
"""

from __future__ import annotations

import base64
import gzip
import json
import sys

import pytest
from controller_of_windows import WindowsController, cores, executions
from powershell import HERE
from wire import ENDS_BOOTSTRAP, read_arguments, read_manifest

OURS = "ansible_collections.port443.https.plugins.module_utils."


@pytest.fixture
def controller(tmp_path):
    """A controller over a host that plays the script."""
    made = WindowsController(tmp_path, f'{sys.executable}" "{HERE / "wire.py"}')
    made.set_state()
    return made


@pytest.mark.parametrize("core", cores())
def test_a_look_is_one_execution_and_a_change_is_two(controller, core):
    ports = "port443.https.ports"
    told = controller.play(
        {ports: {}, "check_mode": True, "diff": True},
        {"port443.https.win_firewall_ports": {}, "diff": True},
        {ports: {"ports": "443/tcp,80/tcp"}},
        {"port443.https.ports_info": {}},
        {ports: {"state": "absent"}},
        {ports: {"state": "absent"}},
        {ports: {}, "async": 20, "poll": 0},
        core=core,
    )
    results, states = zip(*told)
    assert executions(states) == [1, 2, 1, 1, 2, 1, 0], controller.said
    assert [bool(result.get("changed")) for result in results] == [True, True, False, False, True, False, False]
    assert [sorted(state["local"]) for state in states[:2]] == [[], ["port443-https-in-tcp"]]
    assert results[0]["diff"] == results[1]["diff"]
    assert results[0]["commands"] == results[1]["commands"]
    assert results[3]["sets"][0]["name"] == "https"
    assert results[6]["msg"].startswith("port443.https.ports cannot run with async on Windows")
    assert "80/tcp over IPv4" not in controller.said, "nothing is warned of where all is open"
    sent = states[1]["sent"]
    assert sent["arguments"]["operations"][0]["id"] == "port443-https-in-tcp"
    assert {f"{OURS}{name}.psm1" for name in ("_windows", "_windows_host", "_windows_step")} < set(sent["scripts"])
    assert "-EncodedCommand" in sent["command"]


def test_what_is_blocked_is_a_warning_on_the_screen_and_another_format_a_failure(controller):
    controller.set_state(active=4)
    ((result, _state),) = controller.play({"port443.https.ports": {}, "check_mode": True})
    assert "[WARNING]: 80/tcp over IPv4 is blocked: no rule allows it in the Public profile" in controller.said
    assert len(result["warnings"]) == 4
    controller.set_state(format=2)
    ((failed, _state),) = controller.play({"port443.https.ports": {}})
    assert failed["msg"].startswith("the collection and its script on the host differ: it answered in format 2")


def test_bad_input_is_refused_before_the_host_is_touched(controller):
    told = controller.play(
        {"port443.https.ports": {"profiles": []}},
        {"port443.https.ports": {"profile": ["domain"]}},
        {"port443.https.win_firewall_ports": {"interface": ["eth0"]}},
        {"port443.https.ports": {"backend": "ufw"}},
    )
    assert executions([state for _result, state in told]) == [0, 0, 0, 0]
    assert [result["failed"] for result, _state in told] == [True] * 4


PARAMETERS = {
    "2.19 to 2.21": {"Variables": [{"Name": "other", "Value": 1}, {"Name": "complex_args", "Value": {"format": 1}}]},
    "2.22": {"ArgumentJSON": '{"format": 1}', "Variables": []},
}


@pytest.mark.parametrize("version", PARAMETERS)
@pytest.mark.parametrize("packed", [False, True])
def test_what_each_core_sends_is_understood(version, packed):
    manifest = json.dumps({"actions": [{"params": {}}, {"params": PARAMETERS[version]}]}).encode()
    if packed:
        manifest = base64.b64encode(gzip.compress(manifest))
    assert read_arguments(read_manifest(b"$x = 1" + ENDS_BOOTSTRAP + manifest)) == {"format": 1}
