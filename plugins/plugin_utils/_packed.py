# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executes a module with the code that it needs among its arguments, and with all of it where that did not fit."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Optional

from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._payload import ANY, ARGUMENT, LINUX, UNFIT, entry_of, pack
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import Hidden, execute


def execute_packed(
    action: ActionBase,
    full_name: str,
    arguments: Mapping[str, Any],
    secret: Iterable[str],
    task_vars: Optional[Dict[str, Any]],
    entry: str = "",
) -> Dict[str, Any]:
    """Returns the result of a module; ``secret`` are the names of the arguments that nobody may see.

    ``entry`` is what ``entry_of`` is asked for, where that is not the module's short name. The code is that for
    the system that the host most likely has. Raises AnsibleActionFail as execute does.
    """
    needed = entry_of(entry or full_name.rpartition(".")[2])
    # Nobody would be there to send the rest to a job in the background.
    system = ANY if action._task.async_val else guess_system(arguments, task_vars or {})
    ended = execute(action, full_name, {**arguments, ARGUMENT: Hidden(pack(needed, system))}, secret, task_vars)
    if ended.pop(UNFIT, False):
        ended = execute(action, full_name, {**arguments, ARGUMENT: Hidden(pack(needed))}, secret, task_vars)
    return ended


def guess_system(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
    """Returns the system that a host most likely has: Linux, or any.

    Facts tell it where they were gathered, but they are not those of a host that the task is delegated to.
    """
    facts = task_vars.get("ansible_facts") or {}
    return LINUX if facts.get("system", LINUX) == LINUX and arguments.get("backend") != "pf" else ANY
