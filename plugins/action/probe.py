# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what the module probe is asked for on the controller, and tells where a connection ends that is lost."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.modules.probe import EXCLUSIVE, OPTIONS
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._locate import Locator
from ansible_collections.port443.https.plugins.plugin_utils._own_connection import connect_controller


class ActionModule(CheckedTask):
    """Runs probe."""

    module = "port443.https.probe"
    argument_spec = OPTIONS
    mutually_exclusive = EXCLUSIVE

    def perform(
        self, given: Dict[str, Any], params: Dict[str, Any], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        """Returns the result of a look from where the task runs; to locate, from the controller if not delegated."""
        variables = task_vars or {}
        if not params["host"]:
            known = variables["hostvars"][variables["inventory_hostname"]]
            given = {**given, "host": [known.get("ansible_host") or variables["inventory_hostname"]]}
        if params["locate"] == "never":
            return self.execute(given, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail(f"{self.module}: locate does not go with async: nobody waits to ask the host")
        if self._task.delegate_to:
            return Locator(self, params, variables).run(lambda more: self.execute({**given, **more}, task_vars))
        looker = connect_controller(self, variables)
        try:
            return Locator(self, params, variables).run(
                lambda more: execute(looker, self.module, {**given, **more}, (), looker.variables)
            )
        finally:
            looker.end()
