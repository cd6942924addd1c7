# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module sites on a Windows host: all sites get their certificates and places as one, then the ports open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import fill_in
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import site_application
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest, keep_lines
from ansible_collections.port443.https.plugins.module_utils._sites.windows import (
    WINDOWS_ARGUMENTS,
    read_for_windows,
    store_options,
)
from ansible_collections.port443.https.plugins.module_utils._sites.windows_report import (
    join_firewall,
    report_windows_sites,
)
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._ports_arguments import check_sites_firewall
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import secrets_of
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import Site
from ansible_collections.port443.https.plugins.plugin_utils._windows_ports import (
    WindowsHost,
    ensure,
    read_request,
    rehearse,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_task import WindowsTask


class WindowsSites:
    """One task of the module sites over one Windows host; ``reader`` has the name of the module."""

    def __init__(self, action: ActionBase, reader: PairReader, task_vars: Optional[Dict[str, Any]]) -> None:
        self._action = action
        self._reader = reader
        self._task_vars = task_vars
        self._work = WindowsTask(action, reader, task_vars)
        self._firewall: Optional[WindowsFirewall] = None

    def serve(self, given: Dict[str, Any]) -> Dict[str, Any]:
        """Returns the result for arguments as they were given; raises AnsibleActionFail, and shows no secret."""
        params = check_arguments(
            self._reader.module, WINDOWS_ARGUMENTS, given, self._read, secrets_of(given), keep_lines
        )
        request: SitesRequest = params["request"]
        sites = self._read_pairs(request, params)
        try:
            result = self._carry_out(request, sites)
        except HostError as problem:
            raise AnsibleActionFail(f"{self._reader.module}: {problem.message}") from None
        if not self._action._task.diff:
            del result["diff"]
        return result

    def _read(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Returns parameters with their request; raises RequestError with all that cannot be meant on Windows."""
        shared = {name: params.pop(name) for name in ("own_ca", "passphrase")}
        params["sites"] = [fill_in(site, shared) for site in params["sites"]]
        told: List[str] = []
        try:
            params["request"] = read_for_windows(params)
        except RequestError as problem:
            told.append(problem.message)
        if params["firewall"] is not None:
            try:
                self._firewall = self._read_firewall(params)
            except (RequestError, AnsibleActionFail) as problem:
                told.append(str(problem.message).removeprefix(f"{self._reader.module}: "))
        if told:
            raise RequestError("; ".join(told))
        return params

    def _read_firewall(self, params: Mapping[str, Any]) -> WindowsFirewall:
        asked = check_sites_firewall(self._reader.module, params)
        try:
            return WindowsFirewall(self._action, asked, self._task_vars)
        except RequestError as problem:
            raise RequestError(f"firewall: {problem.message}") from None

    def _read_pairs(self, request: SitesRequest, params: Mapping[str, Any]) -> List[Site]:
        """Returns what is wanted of the stores and places for each site; raises AnsibleActionFail for a bad pair."""
        siblings = frozenset(site_application(name) for name in request.names())
        stay = request.state == "absent" and not request.remove_certificates
        read = self._work.read_all(store_options(request, params), ())
        return [(replace(wanted, siblings=siblings, certificates_stay=stay), pair) for wanted, pair in read]

    def _carry_out(self, request: SitesRequest, sites: List[Site]) -> Dict[str, Any]:
        """Returns the result; a firewall that cannot be told is a failure before anything changes. Raises HostError."""
        if self._firewall is not None:
            self._firewall.rehearse()
        (before, after, joint), left = self._work.carry_out(sites, request.purge)
        each = [self._work.report(site, before, after, plan) for site, plan in zip(sites, joint.each)]
        result = report_windows_sites(request, each, before, joint)
        result["warnings"] += left
        if self._firewall is None:
            return result
        try:
            return join_firewall(result, self._firewall.ensure())
        except UserError as problem:
            done = "gone" if request.state == "absent" else "served"
            told = f"the sites are {done} as asked" if result["changed"] else "nothing had to be done about the sites"
            raise HostError(f"firewall: {problem.message} ({told})") from None


class WindowsFirewall:
    """The ports of a task's sites; raises RequestError for options that Windows Firewall has not."""

    def __init__(self, action: ActionBase, arguments: Mapping[str, Any], task_vars: Optional[Dict[str, Any]]) -> None:
        self._action = action
        self._request = read_request(arguments)
        self._host = WindowsHost(action, self._request, task_vars)

    def rehearse(self) -> None:
        """Looks at the rules; raises HostError where they cannot be told, or cannot be as they have to."""
        try:
            rehearse(self._host, self._request)
        except UserError as problem:
            raise HostError(f"firewall: {problem.message}") from None

    def ensure(self) -> Dict[str, Any]:
        """Returns the result of the module ports; raises HostError."""
        return ensure(self._action, self._host, self._request)
