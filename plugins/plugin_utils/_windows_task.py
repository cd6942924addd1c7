# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs the certificates of a task on a Windows host, one site after another, each of them whole or not at all."""

from __future__ import annotations

import time
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.request import gather
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as _request
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
    SECRET,
    WindowsCertificate,
    warnings_of,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import WindowsPair, read_windows_pair

Site = Tuple[_request.StoreRequest, Optional[WindowsPair]]


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
        try:
            return self._carry_out(self._read(params))
        except HostError as problem:
            raise AnsibleActionFail(f"{self._reader.module}: {problem.message}") from None

    def install_all(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Returns the result for validated parameters of certificate, of one site or several.

        All that can be known of any site on the controller is judged before the host is touched. Raises
        AnsibleActionFail.
        """
        one = params.get("sites") is None
        each = site_options(params)
        sites = self._read_all(params, each)
        results: List[Dict[str, Any]] = []
        for options, site in zip(each, sites):
            try:
                results.append(self._carry_out(site))
            except HostError as problem:
                done = [given["name"] for given, result in zip(each, results) if result["changed"]]
                before = f". Before it, {', '.join(done)} was installed, and stays" if done else ""
                label = "" if one else f"{options['name']}: "
                raise AnsibleActionFail(f"{self._reader.module}: {label}{problem.message}{before}") from None
        return results[0] if one else report_sites(each, results)

    def _read(self, params: Mapping[str, Any]) -> Site:
        pair = read_windows_pair(self._reader, params) if params["state"] == "present" else None
        return _request.parse(params), pair

    def _read_all(self, params: Mapping[str, Any], each: Sequence[Mapping[str, Any]]) -> List[Site]:
        """Returns the requests and pairs of all sites; raises AnsibleActionFail with all that is wrong."""
        told: List[str] = []
        try:
            refuse_for_windows(params)
        except RequestError as problem:
            told.append(problem.message)
        wrong: List[Tuple[str, str]] = []
        sites: List[Site] = []
        for options in each:
            try:
                sites.append(self._read(options))
            except RequestError as problem:
                wrong.append((options["name"], problem.message))
            except AnsibleActionFail as problem:  # of the reader, which names the module
                wrong.append((options["name"], str(problem).removeprefix(f"{self._reader.module}: ")))
        told += gather(wrong, len(each)) if params.get("sites") is not None else [text for _name, text in wrong]
        told += tell_shared_places([request for request, _pair in sites])
        if told:
            raise AnsibleActionFail(f"{self._reader.module}: {'; '.join(told)}")
        return sites

    def _carry_out(self, site: Site) -> Dict[str, Any]:
        """Returns the result for one site; raises HostError."""
        request, pair = site
        check_mode = bool(self._action._task.check_mode)
        work = WindowsCertificate(self._execute, IisSites(self._action, self._task_vars), request, pair, check_mode)
        before, after, plan = work.carry_out()
        result = report_change(request, before, after, plan)
        if result["diff"]["before"]:
            self._reader.warn_of_new_ca(f"{request.site} has")
        if pair is not None:
            thumbprint = pair.offered.leaf.thumbprint
            result.update(report_pair(request, pair.pair, thumbprint, pair.mended, after, int(time.time())))
        result["warnings"] = warnings_of(pair, plan, work.left)
        return result

    def _execute(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return execute(self._action, SCRIPT, arguments, SECRET, self._task_vars)
