# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a request on the controller, so that a mistake is told before any host is touched."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._spec.options import SYSTEMS
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_ports_arguments


class ActionModule(ActionBase):
    """Runs ports, and every module that is ports with its backend fixed, in one execution on the host."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a request that cannot be meant."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        module = self._task.resolved_action or self._task.action
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(f"{module} manages firewalls on {SYSTEMS}; this connection leads to Windows")
        name = module.rsplit(".", 1)[-1]
        arguments = check_ports_arguments(name, self._task.args)
        result.update(execute_packed(self, module, arguments, (), task_vars))
        return result
