# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Executes a module with the code that it needs among its arguments, and with all of it where that did not fit."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from ansible import constants
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
    unused: Tuple[str, ...] = (),
) -> Dict[str, Any]:
    """Returns the result of a module; ``secret`` are the names of the arguments that nobody may see.

    ``entry`` is what ``entry_of`` is asked for, where that is not the module's short name; what lies in the folders
    ``unused`` is not sent. The code is that for the system that the host most likely has. Null is sent for no option:
    on a host Ansible takes it for a value, which is none of the choices. Raises AnsibleActionFail as execute does.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    needed = entry_of(entry or full_name.rpartition(".")[2])
    # Nobody would be there to send the rest to a job in the background.
    system = ANY if action._task.async_val else guess_system(arguments, task_vars or {})
    code = Hidden(pack_once(needed, system, unused))
    ended = execute(action, full_name, {**given, ARGUMENT: code}, secret, task_vars)
    if ended.pop(UNFIT, False):
        code = Hidden(pack_once(needed, ANY, unused))
        ended = execute(action, full_name, {**given, ARGUMENT: code}, secret, task_vars)
    return ended


def pack_once(entry: str, system: str, unused: Tuple[str, ...]) -> str:
    """Returns what ``pack`` does, made once for all tasks and hosts of a run of ansible-playbook.

    Each of them is a process of its own; they share the run's folder, which is the user's alone and goes with it. Hosts
    of one task begin together: the first makes it, and the others wait for that.
    """
    digest = hashlib.sha256("\n".join((entry, system, *unused)).encode()).hexdigest()[:16]
    kept = Path(constants.DEFAULT_LOCAL_TMP, f"port443-{digest}")
    with _alone(kept.with_suffix(".lock")):
        with contextlib.suppress(OSError):
            return kept.read_text(encoding="ascii")
        packed = pack(entry, system, unused)
        with contextlib.suppress(OSError):  # it is only made again by the next
            own = kept.with_name(f"{kept.name}.{os.getpid()}")
            own.write_text(packed, encoding="ascii")
            own.replace(kept)
        return packed


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Has one process at a time do what follows; where no lock can be made, several do it."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):
            fcntl.flock(held.enter_context(lock.open("w", encoding="ascii")), fcntl.LOCK_EX)
        yield


def guess_system(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
    """Returns the system that a host most likely has: Linux, or any.

    Facts tell it where they were gathered, but they are not those of a host that the task is delegated to.
    """
    facts = task_vars.get("ansible_facts") or {}
    return LINUX if facts.get("system", LINUX) == LINUX and arguments.get("backend") != "pf" else ANY
