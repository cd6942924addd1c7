# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads and opens the files of pairs on the controller, and refuses bad pairs there, before any host is touched."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import PAIR_ARGUMENTS, fill_in
from ansible_collections.port443.https.plugins.module_utils._secrets import SECRET_OPTIONS, mask
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import read_pairs, secrets_of

MODULE = "port443.https.certificate"


class ActionModule(ActionBase):
    """Runs the module certificate in one execution on the host, with PEM in place of what is the controller's."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a pair or a request that will not do."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        given, reader = dict(self._task.args), PairReader(self, MODULE)
        if leads_to_windows(self):
            # Here, as most hosts are none of Windows, and a task waits for what is loaded.
            from ansible_collections.port443.https.plugins.plugin_utils._windows_task import WindowsTask

            result.update(WindowsTask(self, reader, task_vars).install_all(check(given)))
            return result
        _refuse_bindings(given)
        install = self._install_one if given.get("sites") is None else self._install_all
        result.update(install(given, reader, task_vars))
        self._name_variables(result)
        return result

    def _install_one(
        self, given: Dict[str, Any], reader: PairReader, task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        arguments, mended = reader.fetch(given)
        ended = execute(self, MODULE, arguments, SECRET_OPTIONS, task_vars)
        if (ended.get("diff") or {}).get("before"):
            reader.warn_of_new_ca("the site has")
        if "mended" in ended:
            ended["mended"] = [*mended, *ended["mended"]]
        return ended

    def _install_all(
        self, given: Dict[str, Any], reader: PairReader, task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        params = check(given)
        if not params["sites"]:
            return {"changed": False, "sites": [], "fingerprints": {}}
        sites = [fill_in(site, params) for site in params["sites"]]
        bringing = {site["name"] for site in sites if params["state"] == "present"}
        read = read_pairs(reader, sites, bringing, _request.shared_options(params))
        arguments = {name: value for name, value in given.items() if name not in (*_request.SHARED, "ca", "ca_file")}
        arguments["sites"] = _keep_paths(read.sites, given["sites"])
        secret = read.argument()
        ended = dict(mask(execute(self, MODULE, {**arguments, **secret}, tuple(secret), task_vars), read.secrets()))
        if ended.get("exchanged"):
            reader.warn_of_new_ca(f"{', '.join(ended['exchanged'])} had")
        for site in ended.get("sites", ()):
            if "mended" in site:
                site["mended"] = [*read.mended.get(site["name"], ()), *site["mended"]]
        return ended

    def _name_variables(self, result: Dict[str, Any]) -> None:
        """Has a message that names an option name the variables that set it, where a role runs the task."""
        if self._task._role is not None and "give it as ca" in str(result.get("msg", "")):
            result["msg"] += (
                " (ca is the variable install_certificate_ca, and with enable_https enable_https_ca or "
                "enable_https_ca_file; trust is install_certificate_trust or enable_https_trust)"
            )


def check(given: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the validated parameters of a task with ``sites``; raises AnsibleActionFail with all that is wrong."""
    return check_arguments(
        MODULE,
        _request.ARGUMENT_SPEC,
        given,
        _read,
        secrets_of(given),
        mutually_exclusive=_request.MUTUALLY_EXCLUSIVE,
        required_one_of=_request.REQUIRED_ONE_OF,
        required_if=_request.REQUIRED_IF,
    )


def _refuse_bindings(given: Mapping[str, Any]) -> None:
    """Raises AnsibleActionFail for bindings of http.sys, where the host is none of Windows."""
    sites = given.get("sites")
    for one in [given, *(sites if isinstance(sites, list) else [])]:
        if isinstance(one, Mapping) and one.get("bindings"):
            raise AnsibleActionFail(f"{MODULE}: bindings are those of http.sys: leave them out where no Windows is")


def _read(params: Dict[str, Any]) -> Dict[str, Any]:
    _request.parse_all(params)
    return params


def _keep_paths(sites: List[Dict[str, Any]], given: Any) -> List[Dict[str, Any]]:
    """Sites with their paths as they were given: what begins with a tilde is the host's to read."""
    paths = [name for name, option in PAIR_ARGUMENTS.items() if option["type"] == "path"]
    return [
        {**site, **{name: own[name] for name in paths if name in site and name in own}}
        if isinstance(own, Mapping)
        else site
        for site, own in zip(sites, given if isinstance(given, list) else sites)
    ]
