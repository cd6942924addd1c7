# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs the certificates of a task on a Windows host, those of all its sites or of none."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.request import gather
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import StoreObservation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.operation import StorePlan
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import (
    report_change,
    report_pair,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.several import (
    refuse_for_windows,
    report_sites,
    site_options,
    tell_shared_places,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._iis_sites import IisSites
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import (
    SCRIPT,
    Observed,
    Site,
    WindowsCertificates,
    secrets_among,
    warnings_of,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import read_windows_pair


class WindowsTask:
    """A task about certificates on a Windows host; ``reader`` has the name of its module."""

    def __init__(self, action: ActionBase, reader: PairReader, task_vars: Optional[Dict[str, Any]]) -> None:
        self._action = action
        self._reader = reader
        self._task_vars = task_vars
        if action._task.async_val:
            raise AnsibleActionFail(
                f"{reader.module} cannot run with async on Windows, as it takes two steps there: leave async out"
            )

    def install_one(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Returns the result for validated parameters of win_certificate; raises AnsibleActionFail."""
        (result,) = self._install([self._read(params)])
        return result

    def install_all(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Returns the result for validated parameters of certificate, of one site or several.

        All that can be known of any site on the controller is judged before the host is touched. Raises
        AnsibleActionFail.
        """
        one = params.get("sites") is None
        each = site_options(params)
        told: List[str] = []
        try:
            refuse_for_windows(params)
        except RequestError as problem:
            told.append(problem.message)
        results = self._install(self.read_all(each, told, nameless=one))
        return results[0] if one else report_sites(each, results)

    def remove_all(self, names: Sequence[str]) -> Dict[str, Any]:
        """Returns the result once the certificates of these sites are gone; raises AnsibleActionFail."""
        nothing = {name: option.get("default") for name, option in _request.ARGUMENT_SPEC.items()}
        each = [{**nothing, "name": name, "state": "absent"} for name in names]
        return report_sites(each, self._install(self.read_all(each, ())))

    def read_all(self, each: Sequence[Mapping[str, Any]], told: Sequence[str], nameless: bool = False) -> List[Site]:
        """Returns the requests and pairs of all sites, given by parameters of win_certificate.

        Raises AnsibleActionFail with all that is wrong, what was ``told`` already included.
        """
        wrong: List[Tuple[str, str]] = []
        sites: List[Site] = []
        for options in each:
            try:
                sites.append(self._read(options))
            except RequestError as problem:
                wrong.append((options["name"], problem.message))
            except AnsibleActionFail as problem:  # of the reader, which names the module
                wrong.append((options["name"], str(problem).removeprefix(f"{self._reader.module}: ")))
        of_sites = [text for _name, text in wrong] if nameless else gather(wrong, len(each))
        shared = tell_shared_places([request for request, _pair in sites])
        if told or of_sites or shared:
            raise AnsibleActionFail(f"{self._reader.module}: {'; '.join([*told, *of_sites, *shared])}")
        return sites

    def carry_out(self, sites: Sequence[Site], purge: bool = False) -> Tuple[Observed, List[str]]:
        """Returns what was seen, done and foreseen, and what could not be cleaned up; raises HostError.

        With ``purge`` the bindings go that the module sites made for others.
        """
        iis = IisSites(self._action, self._task_vars)
        work = WindowsCertificates(self._execute, iis, sites, bool(self._action._task.check_mode), purge)
        observed = work.carry_out()
        return observed, work.left

    def report(self, site: Site, before: StoreObservation, after: StoreObservation, plan: StorePlan) -> Dict[str, Any]:
        """Returns the result for one site, as win_certificate has it."""
        request, pair = site
        result = report_change(request, before, after, plan)
        if result["diff"]["before"]:
            self._reader.warn_of_new_ca(f"{request.site} has")
        if pair is not None:
            thumbprint = pair.offered.leaf.thumbprint
            result.update(report_pair(request, pair.pair, thumbprint, pair.mended, after, int(time.time())))
        result["warnings"] = warnings_of(pair, plan)
        return result

    def _install(self, sites: Sequence[Site]) -> List[Dict[str, Any]]:
        """Returns the result of each site; raises AnsibleActionFail."""
        if not sites:
            return []
        try:
            (before, after, joint), left = self.carry_out(sites)
        except HostError as problem:
            raise AnsibleActionFail(f"{self._reader.module}: {problem.message}") from None
        results = [self.report(site, before, after, plan) for site, plan in zip(sites, joint.each)]
        results[-1]["warnings"] += left
        return results

    def _read(self, params: Mapping[str, Any]) -> Site:
        pair = read_windows_pair(self._reader, params) if params["state"] == "present" else None
        return _request.parse(params), pair

    def _execute(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return execute(self._action, SCRIPT, arguments, secrets_among(arguments), self._task_vars)
