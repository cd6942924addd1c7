# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packages are installed as a part of the task that needs them, with its own connection and rights."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.plugin_utils._packages import install_packages


class Task(SimpleNamespace):
    def copy(self):
        return copy.copy(self)


class Action(SimpleNamespace):
    """An action plugin whose loader hands out plugins that end with ``ended``, and keeps what they were to run."""

    def __init__(self, ended):
        self.ran = []
        self._task = Task(action="port443.https.sites", args={"sites": []}, async_val=60, become=True)
        self._connection = self._play_context = self._loader = self._templar = object()

        def get(name, **given):
            def run(task_vars):
                self.ran.append((name, given["task"], given["connection"], task_vars))
                return ended

            return SimpleNamespace(run=run)

        self._shared_loader_obj = SimpleNamespace(action_loader=SimpleNamespace(get=get))


@pytest.mark.parametrize(
    ("command", "module", "args"),
    [
        ((), "package", {"name": ["certbot"], "state": "present", "update_cache": True}),
        (("pkg_add", "-I"), "command", {"argv": ["pkg_add", "-I", "certbot"]}),
    ],
)
def test_they_are_installed_with_the_rights_of_the_task_which_stays_as_it_is(command, module, args):
    action = Action({"changed": True})
    install_packages(action, ("certbot",), command, {"a": 1})
    ((name, task, connection, variables),) = action.ran
    assert (name, task.action, task.args) == (f"ansible.builtin.{module}", f"ansible.builtin.{module}", args)
    assert (task.become, task.async_val, connection, variables) == (True, 0, action._connection, {"a": 1})
    assert (action._task.action, action._task.args) == ("port443.https.sites", {"sites": []})


@pytest.mark.parametrize(
    ("ended", "told"),
    [({"failed": True, "msg": "No package matching"}, "No package matching"), ({"failed": True, "stderr": "E:"}, "E:")],
)
def test_what_cannot_be_installed_is_told_in_the_words_of_the_manager(ended, told):
    with pytest.raises(HostError) as refused:
        install_packages(Action(ended), ("certbot",), (), None)
    assert refused.value.message == told
