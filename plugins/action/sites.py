# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Refuses sites that cannot be meant before any host is touched, reads their pairs, installs a missing server."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import brings_pair, fill_in
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.refusals import refuse_elsewhere
from ansible_collections.port443.https.plugins.module_utils._secrets import mask
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS, entry_for
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._sites.request import keep_lines, parse, shared_options
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._packages import install_packages
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_sites_firewall
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import SitePairs, read_pairs, secrets_of

MODULE = "port443.https.sites"
# What most hosts have, in ansible-playbook itself: the processes of all hosts are forked from it, and each would
# load it anew.
LANGUAGES["nginx"]()


class ActionModule(ActionBase):
    """Runs the module sites in one execution on the host, in two where the web server was missing."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for what will not do: sites, certificates, a server."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        reader = PairReader(self, MODULE)
        if leads_to_windows(self):
            # Here, as most hosts are none of Windows, and a task waits for what is loaded.
            from ansible_collections.port443.https.plugins.plugin_utils._windows_sites import WindowsSites

            result.update(WindowsSites(self, reader, task_vars).serve(dict(self._task.args)))
            return result
        params = self._check(dict(self._task.args))
        arguments, read = self._read_pairs(params, reader)
        arguments["install"] = params["install"] and not self._task.async_val  # then nobody would be there to do it
        ended = self._execute(arguments, read, task_vars)
        if "missing" in ended and not self._task.check_mode:
            self._install(ended["missing"], task_vars)
            ended = self._execute(arguments, read, task_vars)
            ended["changed"] = True
        if "missing" in ended:
            ended = self._tell_missing(ended, params)
        if ended.get("exchanged"):
            reader.warn_of_new_ca(f"{', '.join(ended['exchanged'])} had")
        for site, told in read.mended.items():
            ended.setdefault("mended", {})[site] = [*told, *ended["mended"].get(site, [])]
        result.update(ended)
        return result

    def _check(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """Returns validated parameters, with the CA and the passphrase for all sites in those that need them.

        Raises AnsibleActionFail with all that is wrong, and shows no secret.
        """
        return check_arguments(MODULE, ARGUMENTS, given, _read, secrets_of(given), keep_lines)

    def _read_pairs(self, params: Dict[str, Any], reader: PairReader) -> Tuple[Dict[str, Any], SitePairs]:
        """Returns the module's arguments without pairs, and the pairs."""
        present = params["state"] == "present"
        bringing = {site["name"] for site in params["sites"] if present and brings_pair(site)}
        read = read_pairs(reader, params["sites"], bringing, shared_options(params))
        rest = {name: value for name, value in params.items() if name not in ("ca", "ca_file")}
        return {**rest, "sites": read.sites}, read

    def _execute(
        self, arguments: Dict[str, Any], read: SitePairs, task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        secret = read.argument()
        given = {**arguments, **secret}
        others = tuple(f"_webservers/{server}" for server in WEB_SERVERS if server != arguments["server"])
        ended = execute_packed(self, MODULE, given, tuple(secret), task_vars, entry_for(arguments), others)
        return dict(mask(ended, read.secrets()))

    def _install(self, missing: Dict[str, Any], task_vars: Optional[Dict[str, Any]]) -> None:
        """Installs the packages of a server with Ansible's own module, or the command that the system needs."""
        try:
            install_packages(self, missing["packages"], missing["command"], task_vars)
        except HostError as problem:
            wanted = _tell_wanted(missing)
            raise AnsibleActionFail(f"{MODULE}: {wanted}, and cannot be installed: {problem.message}") from None

    def _tell_missing(self, ended: Dict[str, Any], params: Dict[str, Any]) -> Dict[str, Any]:
        """The result of a check of a host without the server: what a real run would begin with."""
        missing = ended.pop("missing")
        if not self._task.check_mode:
            raise AnsibleActionFail(f"{MODULE}: {_tell_wanted(missing)}")
        names = [site["name"] for site in params["sites"]]
        told = f"{', '.join(missing['packages'])} would be installed, and serve {', '.join(names)}"
        firewall = ended.get("firewall", {})
        return {
            **ended,
            "changed": True,
            "msg": told,
            "sites": [],
            "removed": [],
            "unknown_names": {"refused": None, "because": "the server is not installed", "places": []},
            "exchanged": [],
            "tested": "no",
            "commands": [],
            "diff": [
                {"before": "", "after": told + "\n", "before_header": "packages", "after_header": "packages"},
                *firewall.pop("diff", ()),
            ],
        }


def _read(params: Dict[str, Any]) -> Dict[str, Any]:
    shared = {name: params.pop(name) for name in ("own_ca", "passphrase")}
    params["sites"] = [fill_in(site, shared) for site in params["sites"]]
    request = parse(params)
    if request.state == "present":
        told = LANGUAGES[request.server]().complaints(request.sites, request.settings)
        if told:
            raise RequestError("; ".join(told))
    if params["firewall"] is not None:
        params["firewall"] = _read_firewall(params)
    return params


def _read_firewall(params: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the options of ports for the ports of the sites; raises RequestError for what only Windows has."""
    asked = check_sites_firewall(MODULE, params)
    refuse_elsewhere(asked)
    return asked


def _tell_wanted(missing: Dict[str, Any]) -> str:
    return f"{missing['server']} is not installed on this host (packages: {', '.join(missing['packages'])})"
