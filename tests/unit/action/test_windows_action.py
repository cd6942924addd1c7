# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which script a Windows host is sent, whichever connection leads there, and what is refused before."""

from __future__ import annotations

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.action.ports import ActionModule
from ansible_collections.port443.https.plugins.plugin_utils._windows_ports import SCRIPT, connection_port
from windows_facts import ID, RULE, answer

LOOK = """
from ansible.plugins.loader import connection_loader, init_plugin_loader, module_loader
init_plugin_loader()
for name in ("winrm", "psrp", "ssh", "local"):
    kind = connection_loader.get(name, class_only=True)
    # ssh decides when it is opened, by its shell
    endings = (".ps1", ".exe", "") if name == "ssh" else kind.module_implementation_preferences
    found = [module_loader.find_plugin("SCRIPT", ending) for ending in endings]
    print(name, next(path for path in found if path).rpartition("/")[2])
"""


def test_each_connection_finds_the_script(collections_path):
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections_path)}
    command = [sys.executable, "-c", LOOK.replace("SCRIPT", SCRIPT)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    names = ("winrm", "psrp", "ssh", "local")
    assert ended.stdout.splitlines() == [f"{name} win_firewall_ports.ps1" for name in names]


@pytest.fixture
def act(monkeypatch):
    """Runs the action plugin for a task on a host with a Windows shell that answers so, one answer an execution."""
    monkeypatch.setattr(ActionBase, "run", lambda self, tmp, task_vars: {})

    def run(module, given, answers, asynchronous=0, check=False):
        action = object.__new__(ActionModule)
        action._task = SimpleNamespace(
            action=module, resolved_action=None, args=given, async_val=asynchronous, check_mode=check, diff=False
        )
        action._connection = SimpleNamespace(_shell=SimpleNamespace(_IS_WINDOWS=True))
        action._play_context = SimpleNamespace(port=5986)
        sent, left = [], list(answers)
        action._execute_module = lambda **call: sent.append(call) or left.pop(0)
        return action.run(task_vars={"inventory_hostname": "web1"}), sent

    return run


DONE = {"guarded": True, "failure": None, "changed": True}


def test_a_host_is_asked_and_then_told_what_to_do(act):
    result, sent = act("ports", {}, [answer(), answer(local={ID: RULE}, **DONE)])
    assert [call["module_name"] for call in sent] == [SCRIPT, SCRIPT]
    assert sent[1]["task_vars"] == {"inventory_hostname": "web1"}
    assert "operations" not in sent[0]["module_args"]
    assert sent[1]["module_args"]["guard"] == [{"id": ID, "text": None}]
    assert (result["changed"], result["backend"], result["persisted"]) == (True, "windows", "written")
    assert "diff" not in result


def test_a_guard_that_did_not_hold_means_another_plan_from_what_is_there_now(act):
    other = RULE.replace("LPort=80|", "")
    answers = [answer(), answer(local={ID: other}, guarded=False, failure=None), answer(local={ID: RULE}, **DONE)]
    result, sent = act("ports", {}, answers)
    assert [call["module_args"]["guard"] for call in sent[1:]] == [
        [{"id": ID, "text": None}],
        [{"id": ID, "text": other}],
    ]
    assert result["commands"][0].startswith("Set-NetFirewallRule")


def test_nothing_is_sent_twice_where_nothing_is_to_do(act):
    for module, check in (("ports", False), ("win_firewall_ports", True), ("ports_info", False)):
        result, sent = act(module, {}, [answer(local={ID: RULE})], check=check)
        assert (result["changed"], len(sent)) == (False, 1)


REFUSED = [
    ("ports", {"zone": "public"}, 0, "ports: zone is no option of Windows Firewall: Windows has profiles for that"),
    ("ports", {"backend": "pf"}, 0, "ports: backend pf is no firewall of Windows"),
    ("ports_info", {"interface": ["eth0"]}, 0, "ports_info: interface is no option of Windows Firewall"),
    ("ports", {}, 20, "ports cannot run with async on Windows: it takes two steps there; leave async out"),
]


@pytest.mark.parametrize(("module", "given", "asynchronous", "told"), REFUSED)
def test_what_cannot_be_meant_is_refused_before_the_host_is_touched(act, module, given, asynchronous, told):
    with pytest.raises(AnsibleActionFail) as problem:
        act(module, given, [], asynchronous)
    assert problem.value.message.startswith(told)


def test_an_answer_that_is_none_is_shown(act):
    with pytest.raises(AnsibleActionFail) as problem:
        act("ports", {}, [{"failed": True, "msg": "running scripts is disabled on this system"}])
    assert problem.value.message == "the script on the host did not run: running scripts is disabled on this system"


def test_what_cannot_be_taken_back_since_the_script_fails_then_is_told_beside_the_cause(act):
    stubborn = [answer(), *[answer(**DONE)] * 3, {"failed": True, "msg": "gone"}]
    with pytest.raises(AnsibleActionFail) as problem:
        act("ports", {}, stubborn)
    assert "not what was asked after three changes" in problem.value.message
    assert problem.value.message.endswith("taking that back failed too: the script on the host did not run: gone")


PORTS = [({"port": 5985}, None, 5985), ({"port": None}, 22, 22), ({}, None, 0), ({"port": "2222"}, 1, 2222)]


@pytest.mark.parametrize(("options", "context", "port"), PORTS)
def test_the_port_by_which_ansible_came_is_the_connections(options, context, port):
    connection = SimpleNamespace(get_option=lambda name: options[name])
    assert connection_port(SimpleNamespace(_connection=connection, _play_context=SimpleNamespace(port=context))) == port
