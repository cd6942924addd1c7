# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses certificates that cannot be meant before any host is touched, and installs a certbot that is missing."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional

from ansible.errors import AnsibleActionFail
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import (
    ARGUMENTS,
    EXCLUSIVE,
    REQUIRED_ONE_OF,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.request import parse
from ansible_collections.port443.https.plugins.plugin_utils._checked_task import CheckedTask
from ansible_collections.port443.https.plugins.plugin_utils._packages import install_packages
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows
from ansible_collections.port443.https.plugins.plugin_utils._unreached import explain_unreached, is_unreached


class ActionModule(CheckedTask):
    """Runs certbot_certificate in one execution on the host, in two where certbot was missing."""

    module = "port443.https.certbot_certificate"
    argument_spec = ARGUMENTS
    mutually_exclusive = EXCLUSIVE
    required_one_of = REQUIRED_ONE_OF

    def refuse(self, params: Dict[str, Any]) -> None:
        """Raises RequestError for what cannot be meant, of all sites at once."""
        try:
            parse(params)
        except RequestError as problem:
            raise RequestError(self._name_variables(problem.message)) from None

    def perform(
        self, given: Dict[str, Any], params: Dict[str, Any], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail where certbot is missing and cannot be installed."""
        if leads_to_windows(self):
            return self._remove_from_windows(params, task_vars)
        packages: List[str] = params["package"]
        install = params["install"] and not self._task.async_val  # then nobody would be there to do it
        given["install"] = install
        ended = self.execute(given, task_vars)
        missing = ended.pop("missing", False)
        if missing and not self._task.check_mode:
            try:
                install_packages(self, packages, (), task_vars)
            except HostError as problem:
                raise AnsibleActionFail(
                    f"{self.module}: certbot is not installed on this host, and cannot be installed from "
                    f"{', '.join(packages)}: {problem.message}"
                ) from None
            ended = self.execute({**given, "install": False}, task_vars)
        if ended.get("failed") and task_vars and is_unreached(str(ended.get("msg"))):
            names = [name for site in params["sites"] or [params] for name in site["names"] or [site["name"]]]
            explain_unreached(self, ended, names, task_vars)
        if missing:
            self._tell_installed(ended, packages)
        elif install and params["state"] == "present" and not ended.get("failed"):
            ended["installed"] = []
        return ended

    def execute(self, given: Dict[str, Any], task_vars: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        """Runs the module on the host with the code that it needs, and returns its result without what is secret."""
        return execute_packed(self, self.module, given, self._secret_options(), task_vars)

    def _remove_from_windows(self, params: Dict[str, Any], task_vars: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        """Returns the result for a host where nothing is issued by this module, but certificates may be installed."""
        # Here, as most hosts are none of Windows, and a task waits for what is loaded.
        from ansible_collections.port443.https.plugins.plugin_utils._windows_task import WindowsTask

        if params["state"] != "absent":
            raise AnsibleActionFail(
                f"{self.module}: there is no certbot on Windows: have a client of that host, such as win-acme, get the "
                "certificate and bind it, or get it elsewhere and give it as certificate_file"
            )
        names = [site["name"] for site in params["sites"] or [params]]
        return WindowsTask(self, PairReader(self, self.module), task_vars).remove_all(names)

    def _tell_installed(self, ended: Dict[str, Any], packages: List[str]) -> None:
        """Adds to a result that these packages were installed, in check mode that they would be."""
        ended.update(changed=True, installed=packages)
        told = "".join(f"{package} is installed\n" for package in packages)
        diff = {"before_header": "packages", "after_header": "packages", "before": "", "after": told}
        shown = ended.get("diff", [])
        ended["diff"] = [diff, *(shown if isinstance(shown, list) else [shown])]

    def _name_variables(self, message: str) -> str:
        """Has a message that names options name the variables that set them, where the role runs the task."""
        role = self._task._role
        if role is None or role.get_name() != "port443.https.issue_certificate":
            return message
        named = [option for option in ARGUMENTS if "_" in option and re.search(rf"\b{option}\b", message)]
        example = f"issue_certificate_{named[0] if named else 'sites'}"
        return f"{message} (in the role issue_certificate an option is a variable, such as {example})"
