# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads, judges and plans a certificate for Windows on the controller; the host looks, and does what it is told."""

from __future__ import annotations

import time
from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import (
    report_change,
    report_pair,
)
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute
from ansible_collections.port443.https.plugins.plugin_utils._iis_sites import IisSites
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import secrets_of
from ansible_collections.port443.https.plugins.plugin_utils._windows_certificate import (
    MODULE,
    SECRET,
    WindowsCertificate,
    warnings_of,
)
from ansible_collections.port443.https.plugins.plugin_utils._windows_pair import WindowsPair, read_windows_pair


class ActionModule(ActionBase):
    """Runs the script of win_certificate once where nothing is to be changed, else once more."""

    _supports_async = True  # so that this plugin says why not

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for what will not do, and shows no secret."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if not getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(
                f"{MODULE} manages Windows hosts, and this connection leads to none: use port443.https.certificate"
            )
        if self._task.async_val:
            raise AnsibleActionFail(f"{MODULE} cannot run with async, as it takes two steps: leave async out")
        given = dict(self._task.args)
        params = check_arguments(
            MODULE,
            _request.ARGUMENT_SPEC,
            given,
            _read,
            secrets_of(given),
            mutually_exclusive=_request.MUTUALLY_EXCLUSIVE,
            required_if=_request.REQUIRED_IF,
        )
        reader = PairReader(self, MODULE)
        pair = read_windows_pair(reader, params) if params["state"] == "present" else None
        result.update(self._carry_out(_request.parse(params), pair, reader, task_vars))
        return result

    def _carry_out(
        self,
        request: _request.StoreRequest,
        pair: Optional[WindowsPair],
        reader: PairReader,
        task_vars: Optional[Dict[str, Any]],
    ) -> Dict[str, Any]:

        def run_script(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            return execute(self, MODULE, arguments, SECRET, task_vars)

        work = WindowsCertificate(run_script, IisSites(self, task_vars), request, pair, bool(self._task.check_mode))
        before, after, plan = work.carry_out()
        result = report_change(request, before, after, plan)
        if result["diff"]["before"]:
            reader.warn_of_new_ca("the site has")
        if pair is not None:
            thumbprint = pair.offered.leaf.thumbprint
            result.update(report_pair(request, pair.pair, thumbprint, pair.mended, after, int(time.time())))
        result["warnings"] = warnings_of(pair, plan, work.left)
        return result


def _read(params: Dict[str, Any]) -> Dict[str, Any]:
    _request.parse(params)
    return params
