# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A change is confirmed over a new connection: what the controller asks, and what it makes of the answers."""

from __future__ import annotations

import json
import subprocess
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.action.ports import ActionModule
from ansible_collections.port443.https.plugins.module_utils._payload import (
    ARGUMENT,
    CONFIRMED,
    collect,
    entry_of,
    unpack,
)
from ansible_collections.port443.https.plugins.plugin_utils import _confirmed

TOLD = "/run/port443/taken_back.json"
WAITING = {
    "changed": True,
    "unconfirmed": "0f5c",
    "_confirm": {"command": ["/usr/bin/python3", "-I", "/run/a b", "confirm"], "left": 7.0, "taken_back": TOLD},
}
YES = json.dumps({"state": "confirmed"})
SAME = json.dumps({"state": "same connection"})
NOT_SAVED = json.dumps({"state": "taken back", "message": "the disk is full; the host took it back at 12:00:00"})
AFTERWARDS = {"identity": "0f5c", "message": "the host took it back at 12:00:00", "problems": []}
OTHER = json.dumps({**AFTERWARDS, "identity": "beef", "message": "another change"})
GONE = json.dumps({"state": "gone"})
LOST = AnsibleConnectionFailure("timed out")


class Clock:
    """Time goes on where somebody waits, and by two seconds for each connection."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        monkeypatch.setattr(_confirmed, "time", self)

    def monotonic(self):
        return self.now

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    localtime = staticmethod(lambda seconds: seconds)
    strftime = staticmethod(lambda _form, seconds: f"at {seconds:.0f}")


@pytest.fixture
def act(monkeypatch):
    """Runs a task against a host that answers so; returns the result, what was sent, and what was asked."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})
    clock = Clock(monkeypatch)

    def run(answers, modules=(WAITING,), transport="ssh", asynchronous=0, **given):
        action = object.__new__(ActionModule)
        action._task = SimpleNamespace(action="ports", resolved_action=None, args=given, async_val=asynchronous)
        asked, sent, left, results = [], [], list(answers), list(modules)

        def reset():
            asked.append("reset")

        def low_level(command):
            clock.now += 2
            asked.append(command)
            answer = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(answer, Exception):
                raise answer
            return {"stdout": answer, "stderr": ""}

        action._connection = SimpleNamespace(_shell=object(), transport=transport, reset=reset)
        action._low_level_execute_command = low_level
        action._execute_module = lambda **call: sent.append(call["module_args"]) or dict(results.pop(0))
        return action.run(task_vars={"inventory_hostname": "web1"}), sent, asked

    return run


def test_a_change_is_confirmed_by_one_command_over_a_new_connection(act):
    result, sent, asked = act([f"banner\n{YES}\n"], confirm="60s")
    assert result == {"changed": True, "unconfirmed": "", "confirmed": "0f5c"}
    assert asked[0] == "reset"
    (command,) = asked[1:]
    assert command.startswith(f"/usr/bin/python3 -I '/run/a b' confirm || cat {TOLD} || test -e '/run/a b' || echo '{{")
    assert [one["confirm"] for one in sent] == ["60"]
    assert unpack(sent[0][ARGUMENT]) == collect(entry_of(CONFIRMED), "Linux")


def test_where_nothing_waits_nothing_is_confirmed(act):
    result, sent, asked = act([], modules=[{"changed": False}], confirm="60s")
    assert (result, len(sent), asked) == ({"changed": False}, 1, [])


def test_a_command_that_came_by_the_old_connection_is_tried_again(act):
    result, _sent, asked = act([SAME, LOST, YES], confirm="60s")
    assert (result["confirmed"], asked.count("reset")) == ("0f5c", 3)


def test_where_no_connection_can_be_made_the_host_is_asked_again_once_the_time_is_over(act, capsys):
    result, _sent, asked = act([LOST, LOST, OTHER, LOST, json.dumps(AFTERWARDS)], confirm="60s")
    assert (result["failed"], result["changed"], result["unconfirmed"]) == (True, False, "")
    assert result["msg"] == (
        "no new connection to the host could be made after the change (no answer): the host took it back at 12:00:00"
    )
    assert asked.count("reset") >= 4


@pytest.mark.parametrize("answers", [[GONE], [LOST, GONE], [LOST, LOST, LOST, GONE]])
def test_where_nothing_is_left_nothing_is_claimed(act, answers):
    result, _sent, _asked = act(answers, confirm="60s")
    assert (result["failed"], "confirmed" in result, result["unconfirmed"]) == (True, False, "")
    assert result["msg"].startswith(
        "whether the change was confirmed or taken back is not known: nothing of it waits on the host any more, nor is "
        "there word of it. That is so where "
    )


def test_the_command_says_what_is_gone_and_nothing_of_a_program_that_fails(tmp_path):
    program, told = tmp_path / "program", tmp_path / "told"
    command = _confirmed._render_command(["sh", str(program), "confirm"], str(told))

    def said():
        return subprocess.run(("sh", "-c", command), capture_output=True, text=True, check=False).stdout

    assert json.loads(said())["state"] == "gone"
    program.write_text("exit 1")
    assert said() == ""
    told.write_text("word")
    assert said() == "word"
    program.write_text("echo yes")
    assert said() == "yes\n"


def test_a_host_that_stays_away_is_told_so(act):
    result, _sent, _asked = act([LOST], confirm="60s")
    assert (result["failed"], result["changed"]) == (True, True)
    assert result["msg"].endswith(
        "nor since: it takes the change back by itself at at 1007, and its next run tells of it"
    )


def test_a_change_that_could_not_be_saved_is_a_failure_without_a_change(act):
    result, _sent, asked = act([NOT_SAVED], confirm="60s")
    assert (result["failed"], result["changed"], asked.count("reset")) == (True, False, 1)
    assert result["msg"] == "the disk is full; the host took it back at 12:00:00"


@pytest.mark.parametrize("transport", ["local", "podman", "docker", "community.docker.docker_api", "chroot"])
def test_a_connection_that_no_firewall_cuts_is_refused_with_what_to_do(act, transport):
    with pytest.raises(AnsibleActionFail, match=f"such as ssh, and {transport} is none: a new one would prove nothing"):
        act([], transport=transport, confirm="60s")


def test_a_job_in_the_background_is_refused(act):
    with pytest.raises(AnsibleActionFail, match="confirm and async do not go together"):
        act([], asynchronous=9, confirm="60s")


@pytest.mark.parametrize(
    ("given", "handed"), [({}, "auto"), ({"confirm": "auto"}, "auto"), ({"confirm": "none"}, None)]
)
def test_a_plain_run_over_ssh_is_cautious_and_one_execution(act, given, handed):
    result, sent, asked = act([], modules=[{"changed": True}], **given)
    assert (result, [one.get("confirm") for one in sent], asked) == ({"changed": True}, [handed], [])
    assert unpack(sent[0][ARGUMENT]) == collect(entry_of("ports"), "Linux")


@pytest.mark.parametrize("transport", ["local", "podman"])
def test_where_nothing_can_be_confirmed_nobody_is_cautious(act, transport):
    _result, sent, _asked = act([], modules=[{"changed": True}], transport=transport)
    assert "confirm" not in sent[0]


def test_what_is_risky_is_confirmed_in_a_minute(act):
    risky = {"changed": False, "_risky": "it switches a firewall on"}
    result, sent, asked = act([YES], modules=[risky, WAITING])
    assert ([one["confirm"] for one in sent], asked.count("reset")) == (["auto", "60"], 1)
    assert result == {"changed": True, "unconfirmed": "", "confirmed": "0f5c"}


def test_why_it_was_to_be_confirmed_is_told_where_that_failed(act):
    risky = {"changed": False, "_risky": "it switches a firewall on"}
    result, _sent, _asked = act([NOT_SAVED], modules=[risky, WAITING])
    assert result["msg"].endswith("to be confirmed because it switches a firewall on; confirm: none makes it without")


def test_what_is_cut_amid_the_change_is_told(act, monkeypatch):
    def cut(*_told):
        raise LOST

    monkeypatch.setattr(_confirmed, "execute_packed", cut)
    with pytest.raises(AnsibleConnectionFailure, match="the host takes it back within 60 seconds"):
        act([], confirm="60s")
