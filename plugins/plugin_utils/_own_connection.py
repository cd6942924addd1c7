# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executes modules over a connection of its own: on the host of a delegated task, or on the controller."""

from __future__ import annotations

import getpass
import os
from typing import Any, Dict, Mapping, Optional, Set

from ansible import constants
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import become_loader
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows

_ROOT = "root"
_LOCAL = "local"
_WITH_LOGIN = ("ssh", "paramiko", "paramiko_ssh", _LOCAL)


class OwnConnection(ActionBase):
    """An action that is handed a connection, and only executes modules."""

    variables: Dict[str, Any]

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Is never run as a task."""
        raise NotImplementedError

    @property
    def is_windows(self) -> bool:
        """Tells whether the connection leads to Windows."""
        return leads_to_windows(self)

    def end(self) -> None:
        """Closes the connection, and removes what was copied over it."""
        self.cleanup(force=True)
        self._connection.close()


def connect_host(action: ActionBase, task_vars: Mapping[str, Any]) -> OwnConnection:
    """Returns a way to execute modules as root on the host of a task, which may be delegated to another."""
    variables = dict(task_vars)
    play = getattr(action._task._parent, "_play", None)
    if action._task.delegate_to:
        known = _known(action, play, task_vars)
        variables = {name: value for name, value in variables.items() if name in known or name not in _magic()}
    transport = action._templar.template(variables.get("ansible_connection"))
    if not transport:
        transport = (play and play.connection) if action._task.delegate_to else action._task.connection
    return _connect(action, variables, transport or constants.DEFAULT_TRANSPORT, None)


def connect_controller(action: ActionBase, task_vars: Mapping[str, Any]) -> OwnConnection:
    """Returns a way to execute modules on the controller, as the user that runs Ansible."""
    variables = {name: value for name, value in task_vars.items() if name not in _magic()}
    variables.update(ansible_connection=_LOCAL, ansible_python_interpreter=task_vars["ansible_playbook_python"])
    return _connect(action, variables, _LOCAL, False)


def _magic() -> Set[str]:
    """Variables that ansible-core sets itself, and in a delegated task to what they are for the delegate."""
    return {name for names in constants.MAGIC_VARIABLE_MAPPING.values() for name in names}


def _known(action: ActionBase, play: Any, task_vars: Mapping[str, Any]) -> Set[str]:
    """The names of variables that somebody gave for the host, the play or the task."""
    given = set(task_vars["hostvars"][task_vars["inventory_hostname"]]) | set(action._task.get_vars())
    return given | set(play.get_vars() if play else ())


def _connect(action: ActionBase, variables: Dict[str, Any], transport: str, become: Optional[bool]) -> OwnConnection:
    """``become`` is None to become root where that is not who connects."""
    task = action._task.copy()
    task.delegate_to, task.async_val, task.args, task.connection = None, 0, {}, transport
    task.become = task.become if become is None else become
    context = action._play_context.set_task_and_variable_override(task, variables, action._templar)
    context.remote_addr = action._templar.template(variables.get("ansible_host", variables["inventory_hostname"]))
    connection = action._shared_loader_obj.connection_loader.get(
        transport, context, None, task_uuid=task._uuid, ansible_playbook_pid=str(os.getppid())
    )
    if connection is None:
        raise AnsibleError(f"the connection plugin {transport!r} was not found")
    connection.set_become_plugin(None)
    _set_options(action, connection, task, context, variables)
    if become is None and _must_become(action, connection, task, variables):
        task.become, task.become_user = True, _ROOT
        method = action._templar.template(variables.get("ansible_become_method")) or task.become_method
        connection.set_become_plugin(become_loader.get(method))
        _set_options(action, connection, task, context, variables)
    made = OwnConnection(task, connection, context, action._loader, action._templar, action._shared_loader_obj)
    made.variables = variables
    return made


def _must_become(action: ActionBase, connection: Any, task: Any, variables: Mapping[str, Any]) -> bool:
    wanted = action._templar.template(variables.get("ansible_become"))
    if wanted is not None:
        return bool(boolean(wanted))
    if task.become:
        return True
    if connection.transport == _LOCAL:
        return os.geteuid() != 0
    try:
        user = connection.get_option("remote_user")
    except KeyError:
        user = None
    if not user:
        user = getpass.getuser() if connection.transport in _WITH_LOGIN else _ROOT
    return bool(user != _ROOT)


def _set_options(action: ActionBase, connection: Any, task: Any, context: Any, variables: Mapping[str, Any]) -> None:
    """Sets what variables and keywords say of the connection and its plugins, as ansible-core does for each task."""
    keys = task.dump_attrs()
    keys["timeout"] = context.timeout
    keys.pop("retries", None)
    if context.password:
        keys["password"] = context.password
    connection.set_options(task_keys=keys, var_options=connection._resolve_option_variables(variables, action._templar))
    if context.become_pass:
        keys["become_pass"] = context.become_pass
    for kind, plugin in (("shell", connection._shell), ("become", connection.become)):
        if plugin is not None:
            names = constants.config.get_plugin_vars(kind, plugin._load_name)
            given = {name: action._templar.template(variables[name]) for name in names if name in variables}
            plugin.set_options(task_keys=keys, var_options=given)
