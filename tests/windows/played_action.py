# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the action plugin for ports over a played host, without Ansible's way of sending a script to it."""

from __future__ import annotations

import json
from types import SimpleNamespace

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.action.ports import ActionModule

ACCEPTS = {"_IS_WINDOWS": True}


class PlayedHost:
    """A played host: its state, and the tasks that are run on it; ``script`` answers one execution."""

    def __init__(self, path, script, **state):
        self.path, self._script = path, script
        self.state = {"local": {}, "active": 1, "policy": {}, **state}
        self.sent = []

    @property
    def state(self):
        return json.loads(self.path.read_text())

    @state.setter
    def state(self, state):
        self.path.write_text(json.dumps(state))

    def change(self, **state):
        self.state = {**self.state, **state}

    @property
    def local(self):
        return self.state["local"]

    def run(self, module="ports", check=False, port=5986, **given):
        """Runs a task; returns its result, with ``failed`` where it failed, and how many executions it took."""
        before = len(self.sent)
        try:
            result = self._action(module, given, check, port).run(task_vars={})
        except AnsibleActionFail as problem:
            result = {"failed": True, "changed": False, "msg": problem.message}
        return {**result, "runs": len(self.sent) - before}

    def _action(self, module, given, check, port):
        action = object.__new__(_Action)
        name = f"port443.https.{module}"
        action._task = SimpleNamespace(
            action=name, resolved_action=name, args=given, async_val=0, check_mode=check, diff=True
        )
        action._connection = SimpleNamespace(
            _shell=SimpleNamespace(**ACCEPTS), get_option=lambda option: {"port": port}[option]
        )
        action._play_context = SimpleNamespace(port=None)
        action._execute_module = self._execute
        return action

    def _execute(self, module_name, module_args, task_vars):
        assert module_name == "port443.https.win_firewall_ports"
        arguments = json.loads(json.dumps(module_args))
        self.sent.append(arguments)
        return self._script(arguments, self.path)


class _Action(ActionModule):
    """Without what the base does for a connection that is there."""

    def run(self, tmp=None, task_vars=None):
        before, ActionBase.run = ActionBase.run, lambda self, tmp, task_vars: {}
        try:
            return super().run(tmp, task_vars)
        finally:
            ActionBase.run = before
