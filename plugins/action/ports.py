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
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_ports_arguments
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows


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
            result.update(execute_packed(self, module, arguments, (), task_vars))
        return result


def _refuse_elsewhere(name: str, arguments: Mapping[str, Any]) -> None:
    """Raises AnsibleActionFail for what only Windows has, where the connection's shell is none of Windows."""
    if name == WINDOWS_MODULE:
        raise AnsibleActionFail(f"{name} manages Windows Firewall, and this connection does not lead to Windows")
    try:
        refuse_elsewhere(arguments)
    except RequestError as problem:
        raise AnsibleActionFail(f"{name}: {problem.message}") from None
