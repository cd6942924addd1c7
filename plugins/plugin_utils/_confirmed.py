# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Confirms a change over a new connection to the host, which takes the change back by itself where that fails."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.port443.https.plugins.module_utils._payload import CONFIRMED
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._shell import is_cut_by_firewall

_CONFIRMED, _TAKEN_BACK = "confirmed", "taken back"  # what the program on the host says
_GONE = "gone"  # nothing is left of the change, nor word that it was taken back
_LOST = {
    "failed": True,
    "unconfirmed": "",
    "msg": "whether the change was confirmed or taken back is not known: nothing of it waits on the host any more, nor "
    "is there word of it. That is so where the answer to the confirmation is lost, or the host is started anew. Run it "
    "again: that tells what is open",
}
_PAUSE = 1.0  # seconds between two tries
_AFTERWARDS = 20.0  # seconds in which the host is asked whether it took the change back


def execute_confirmed(
    action: ActionBase,
    module: str,
    arguments: Mapping[str, Any],
    task_vars: Optional[Dict[str, Any]],
    because: str = "",
) -> Dict[str, Any]:
    """Returns the result of a module whose change was confirmed, or how it ended; raises AnsibleActionFail.

    ``because`` tells why it has to be, where nobody asked for that.
    """
    _refuse_unable(action, module)
    try:
        ended = execute_packed(action, module, arguments, (), task_vars, CONFIRMED)
    except AnsibleConnectionFailure as problem:
        raise AnsibleConnectionFailure(
            f"{problem} (if anything was changed, the host takes it back within {arguments['confirm']} seconds)"
        ) from None
    waiting = ended.pop("_confirm", None)
    if waiting is None:
        return ended
    name = str((task_vars or {}).get("inventory_hostname", "the host"))
    ended.update(_Waiting(action, name, ended["unconfirmed"], waiting).confirm())
    if because and ended.get("failed"):
        ended["msg"] += f". The change was to be confirmed because {because}; confirm: none makes it without"
    return ended


def _refuse_unable(action: ActionBase, module: str) -> None:
    """Raises AnsibleActionFail where no new connection could prove anything, or nobody would be there to make one."""
    name, transport = module.rsplit(".", 1)[-1], action._connection.transport
    if not is_cut_by_firewall(action):
        raise AnsibleActionFail(
            f"{name}: confirm needs a connection that the host's firewall could cut, such as ssh, and {transport} is "
            "none: a new one would prove nothing. Leave confirm out, or set it to none for this host"
        )
    if action._task.async_val:
        raise AnsibleActionFail(
            f"{name}: confirm and async do not go together, as nobody would come back to a job in the background to "
            "confirm it: leave one of them out"
        )


class _Waiting:
    """A change that waits on the host ``name``; ``told`` is what the module said of it beside its ``identity``.

    That is the command that confirms it, the seconds that are left, and the file that says it was taken back.
    """

    def __init__(self, action: ActionBase, name: str, identity: str, told: Mapping[str, Any]) -> None:
        self._action, self._name, self._identity = action, name, identity
        self._command = _render_command(told["command"], told["taken_back"])
        self._end = time.monotonic() + told["left"]
        self._clock = time.strftime("%H:%M:%S", time.localtime(time.time() + told["left"]))

    def confirm(self) -> Dict[str, Any]:
        """Returns what the result is to say: that the change is confirmed, or how it failed."""
        said = self._ask(self._end, self._say)
        if said.get("state") == _CONFIRMED:
            return {"unconfirmed": "", "confirmed": self._identity}
        if said.get("state") == _TAKEN_BACK:
            return self._failed(said, said["message"])
        if said.get("state") == _GONE:
            return dict(_LOST)
        why = f"no new connection to the host could be made after the change ({said['message']})"
        time.sleep(max(0.0, self._end - time.monotonic()))
        after = self._ask(time.monotonic() + _AFTERWARDS)
        if after.get("state") == _TAKEN_BACK:
            return self._failed(after, f"{why}: {after['message']}")
        if after.get("state") == _GONE:
            return dict(_LOST)
        told = f"{why}, nor since: it takes the change back by itself at {self._clock}, and its next run tells of it"
        return {"failed": True, "msg": told}

    def _failed(self, said: Mapping[str, Any], message: str) -> Dict[str, Any]:
        """The result for a change of which nothing is left but what could not be taken back."""
        return {"failed": True, "changed": bool(said.get("problems")), "unconfirmed": "", "msg": message}

    def _ask(self, end: float, complain: Callable[[str], object] = str) -> Dict[str, Any]:
        """Returns what the program on the host says that is called over a new connection, tried until that time.

        Where it could not be asked, ``state`` is none of its own, and ``message`` says why; the first time
        ``complain`` is called with that.
        """
        first = True
        while True:
            said = self._ask_once()
            if said.get("state") in (_CONFIRMED, _TAKEN_BACK, _GONE):
                return said
            if first:
                complain(said["message"])
            first = False
            if time.monotonic() + _PAUSE >= end:
                return said
            time.sleep(_PAUSE)

    def _ask_once(self) -> Dict[str, Any]:
        try:
            self._action._connection.reset()
            ran = self._action._low_level_execute_command(self._command)
        except AnsibleError as problem:
            return {"message": str(problem)}
        for said in filter(None, map(_read, ran["stdout"].splitlines())):
            if "state" in said:
                return {"message": said["state"], **said}
            if said.get("identity") == self._identity:
                return {"state": _TAKEN_BACK, **said}
        return {"message": (ran.get("stderr") or "").strip()[-500:] or "no answer"}

    def _say(self, why: str) -> None:
        """Says once that something is waited for."""
        told = f"{self._name}: no new connection yet ({why}); without one the host takes the change back"
        Display().display(f"{told} at {self._clock}")


def _render_command(confirm: Sequence[str], taken_back: str) -> str:
    """Returns what confirms a change, and says what became of one that is not there."""
    gone = shlex.quote(json.dumps({"state": _GONE}))
    program = " ".join(map(shlex.quote, confirm))
    return f"{program} || cat {shlex.quote(taken_back)} || test -e {shlex.quote(confirm[-2])} || echo {gone}"


def _read(line: str) -> Dict[str, Any]:
    """Returns an object that is printed on a line, empty where none is."""
    try:
        found = json.loads(line) if line.startswith("{") else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
