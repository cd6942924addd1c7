# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs packages on a task's host with Ansible's own modules, as a part of that task."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._errors import HostError


def install_packages(
    action: ActionBase, packages: Sequence[str], command: Sequence[str], task_vars: Optional[Dict[str, Any]]
) -> None:
    """Installs packages with ``ansible.builtin.package``; raises HostError with the words of what could not.

    ``command`` is what installs them, the packages as its last arguments, where that module knows no way; else empty.
    """
    task = action._task.copy()
    if command:
        task.action = "ansible.builtin.command"
        task.args = {"argv": [*command, *packages]}
    else:
        task.action = "ansible.builtin.package"
        task.args = {"name": list(packages), "state": "present", "update_cache": True}
    task.async_val = 0
    plugin = action._shared_loader_obj.action_loader.get(
        task.action,
        task=task,
        connection=action._connection,
        play_context=action._play_context,
        loader=action._loader,
        templar=action._templar,
        shared_loader_obj=action._shared_loader_obj,
    )
    ended = plugin.run(task_vars=task_vars)
    if ended.get("failed"):
        words = [str(ended[said]).strip() for said in ("msg", "stderr") if ended.get(said)]
        raise HostError(": ".join(dict.fromkeys(words)) or str(ended))
