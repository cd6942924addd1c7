# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module on a host, and keeps its secrets out of core's debug output, its jobs, and the files that it keeps."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, Mapping, Optional

from ansible import constants
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._secrets import FILE, mask


class Hidden(str):
    """Text that is sent as it is, and of which no more is printed than that it is there.

    With ANSIBLE_DEBUG the controller prints the arguments of every module, those that are ``no_log`` as well.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'********'"


def execute(
    action: ActionBase,
    module: str,
    arguments: Mapping[str, Any],
    secret: Iterable[str],
    task_vars: Optional[Dict[str, Any]],
) -> Dict[str, Any]:
    """Returns the module's result; raises AnsibleActionFail where Ansible would keep its secrets on the host.

    ``secret`` are the names of the arguments that nobody may see.
    """
    given = dict(arguments)
    secrets = {name: str(given.pop(name)) for name in secret if given.get(name) not in (None, "")}
    asynchronous = action._task.async_val
    if secrets and constants.DEFAULT_KEEP_REMOTE_FILES:
        raise AnsibleActionFail(
            f"{module}: Ansible is told to keep the files of modules on the hosts (keep_remote_files, "
            "ANSIBLE_KEEP_REMOTE_FILES), and a secret would stay there in one: switch that off for this task"
        )
    if secrets and asynchronous:
        given[FILE] = _send(action, secrets)
    else:
        given.update({name: Hidden(text) for name, text in secrets.items()})
    result: Dict[str, Any] = action._execute_module(
        module_name=module, module_args=given, task_vars=task_vars, wrap_async=asynchronous
    )
    return dict(mask(result, secrets.values()))


def _send(action: ActionBase, secrets: Mapping[str, str]) -> str:
    """Returns the path of a file on the host that holds the secrets, in the task's own folder, for its user alone."""
    shell = action._connection._shell
    if shell.tmpdir is None:
        action._make_tmp_path()
    path: str = shell.join_path(shell.tmpdir, "secrets")
    action._transfer_data(path, json.dumps(secrets))
    action._remote_chmod([path], "u=rw,go=")
    # Gives it to the user that the module runs as; nothing to do where that is root, or who connected.
    action._fixup_perms2([shell.tmpdir, path], execute=False)
    return path
