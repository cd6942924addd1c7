# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what probe is asked for on the controller, looks from there itself, and has it told where connections end."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._secrets import SECRET_OPTIONS
from ansible_collections.port443.https.plugins.modules.probe import EXCLUSIVE, MARK, OF_SITES, OPTIONS, look
from ansible_collections.port443.https.plugins.plugin_utils._asked_sites import ask, read_sites
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask
from ansible_collections.port443.https.plugins.plugin_utils._folders import place_folder
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._locate import Locator
from ansible_collections.port443.https.plugins.plugin_utils._own_connection import connect_controller
from ansible_collections.port443.https.plugins.plugin_utils._shell import are_of_windows


class ActionModule(CheckedTask):
    """Runs probe, here where the controller is the machine that looks."""

    module = "port443.https.probe"
    argument_spec = OPTIONS
    mutually_exclusive = EXCLUSIVE

    def _check(self, given: Dict[str, Any], secret: List[str]) -> Dict[str, Any]:
        """Returns the validated parameters, the sites without their keys, which nobody needs to look from outside."""
        known = {**given, "sites": _drop_secrets(given["sites"])} if "sites" in given else given
        return super()._check(known, secret)

    def perform(
        self, given: Dict[str, Any], params: Dict[str, Any], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        """Returns what a look finds, and with ``locate`` where its connections end."""
        variables = task_vars or {}
        if not params["host"]:
            known = variables["hostvars"][variables["inventory_hostname"]]
            own = {"host": [str(known.get("ansible_host") or variables["inventory_hostname"])]}
            given, params = {**given, **own}, {**params, **own}
        rest = {name: value for name, value in given.items() if name not in OF_SITES}
        if params["sites"] is not None:
            asked = self._ask_for_sites(params, variables)
            rest, params = {**rest, **asked}, {**params, **asked}
        if params["locate"] != "never":
            return self._locate(rest, params, variables)
        return self._look(params, {}) if self._looks_from_here(variables) else self.execute(rest, task_vars)

    def _locate(self, rest: Dict[str, Any], params: Dict[str, Any], task_vars: Dict[str, Any]) -> Dict[str, Any]:
        """Looks from the host that the task is delegated to, or else from the controller."""
        if self._task.async_val:
            raise AnsibleActionFail(f"{self.module}: locate does not go with async: nobody waits to ask the host")
        locator = Locator(self, params, task_vars)
        if self._looks_from_here(task_vars) or not (self._task.delegate_to or sys.platform == "darwin"):
            return locator.run(lambda more: self._look(params, more))
        if self._task.delegate_to:
            return locator.run(lambda more: self.execute({**rest, **more}, task_vars))
        looker = connect_controller(self, task_vars)
        try:
            return locator.run(lambda more: execute(looker, self.module, {**rest, **more}, (), looker.variables))
        finally:
            looker.end()

    def _ask_for_sites(self, params: Dict[str, Any], variables: Dict[str, Any]) -> Dict[str, Any]:
        """Returns the options that sites come to; raises AnsibleActionFail for what is none."""
        try:
            sites = read_sites(params["sites"], params["served"], params["own_ca"] or "", _redirects(variables))
            asked = ask(sites, params["fingerprints"] or {}, bool(params["ca"] or params["ca_file"]))
        except RequestError as problem:
            raise AnsibleActionFail(f"{self.module}: {problem.message}") from None
        wanted = asked.own_ca and params["trust"] != "none"
        ca = os.path.join(place_folder(self._loader, asked.own_ca), "ca.pem") if wanted else ""
        if not os.path.isfile(ca):  # check mode has not made it
            return asked.options
        with open(ca, encoding="utf-8") as stream:
            return {**asked.options, "ca": stream.read()}

    def _looks_from_here(self, task_vars: Mapping[str, Any]) -> bool:
        """Tells whether the module would run on the controller, as this user, with this Python and nothing else set.

        On macOS a process that was forked may not resolve names.
        """
        delegated = task_vars.get("ansible_delegated_vars", {}).get(self._task.delegate_to)
        python = (delegated or task_vars).get("ansible_python_interpreter")
        return (
            self._connection.transport == "local"
            and not self._connection.become
            and not self._task.async_val
            and not any(self._task.environment or ())
            and python == sys.executable
            and sys.platform != "darwin"
        )

    def _look(self, params: Dict[str, Any], more: Dict[str, Any]) -> Dict[str, Any]:
        asked = {**params, **more}
        try:
            answer, left_out = look(asked, asked.pop(MARK, None))
        except UserError as problem:
            raise AnsibleActionFail(problem.message) from None
        for sentence in left_out:
            self._display.warning(sentence)
        return answer if answer["ok"] or params["report_only"] else {**answer, "failed": True}


def _redirects(variables: Mapping[str, Any]) -> bool:
    """Whether sites of the task's host redirect by themselves: on Windows the module sites manages no plain HTTP."""
    host = variables.get("inventory_hostname")
    return not are_of_windows(variables.get("hostvars", {}).get(host) or {})


def _drop_secrets(sites: Any) -> Any:
    if not isinstance(sites, list):
        return sites
    return [
        {name: value for name, value in site.items() if name not in SECRET_OPTIONS} if isinstance(site, dict) else site
        for site in sites
    ]
