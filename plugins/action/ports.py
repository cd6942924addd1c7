# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a request on the controller, so that a mistake is told before any host is touched."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.refusals import refuse_elsewhere
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import WINDOWS_MODULE
from ansible_collections.port443.https.plugins.module_utils._spec.request import CONFIRM_AUTO, CONFIRM_NOT, RISKY
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_ports_arguments
from ansible_collections.port443.https.plugins.plugin_utils._shell import is_cut_by_firewall, leads_to_windows

_SECONDS = "60"  # for what has to be confirmed though nobody said in which time


class ActionModule(ActionBase):
    """Runs ports, and every module that is ports with its backend fixed, in one execution on the host."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a request that cannot be meant."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        module = self._task.resolved_action or self._task.action
        name = module.rsplit(".", 1)[-1]
        arguments = check_ports_arguments(name, self._task.args)
        if leads_to_windows(self):
            # Here, as most hosts are none of Windows, and a play would wait for what is loaded.
            from ansible_collections.port443.https.plugins.plugin_utils._windows_ports import run_on_windows

            result.update(run_on_windows(self, module, arguments, task_vars))
        else:
            _refuse_elsewhere(name, arguments)
            result.update(self._execute(module, arguments, task_vars))
        return result

    def _execute(
        self, module: str, arguments: Mapping[str, Any], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        """Runs the module once, or has its change confirmed where that was asked for, or is wise."""
        asked = {name: value for name, value in arguments.items() if name != "confirm"}
        confirm, because = arguments.get("confirm", CONFIRM_NOT[0]) or CONFIRM_AUTO, ""
        if confirm in (CONFIRM_AUTO, *CONFIRM_NOT):
            cautious = confirm == CONFIRM_AUTO and is_cut_by_firewall(self) and not self._task.async_val
            more = {"confirm": CONFIRM_AUTO} if cautious else {}
            ended = execute_packed(self, module, {**asked, **more}, (), task_vars)
            because = ended.pop(RISKY, "")
            if not because:
                return ended
            confirm = _SECONDS
        # Here, as few tasks come to it, and a play would wait for what is loaded.
        from ansible_collections.port443.https.plugins.plugin_utils._confirmed import execute_confirmed

        return execute_confirmed(self, module, {**asked, "confirm": confirm}, task_vars, because)


def _refuse_elsewhere(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises AnsibleActionFail for what only Windows has, where the connection's shell is none of Windows."""
    if name == WINDOWS_MODULE:
        raise AnsibleActionFail(f"{name} manages Windows Firewall, and this connection does not lead to Windows")
    try:
        refuse_elsewhere(arguments)
    except RequestError as problem:
        raise AnsibleActionFail(f"{name}: {problem.message}") from None
