# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads, judges and plans a certificate for Windows on the controller; the host looks, and does what it is told."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._certificate.windows import request as _request
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._pair_reader import PairReader
from ansible_collections.port443.https.plugins.plugin_utils._shell import leads_to_windows
from ansible_collections.port443.https.plugins.plugin_utils._site_pairs import secrets_of
from ansible_collections.port443.https.plugins.plugin_utils._windows_task import WindowsTask

MODULE = "port443.https.win_certificate"


class ActionModule(ActionBase):
    """Runs the script of win_certificate once where nothing is to be changed, else once more."""

    _supports_async = True  # so that this plugin says why not

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for what will not do, and shows no secret."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        if not leads_to_windows(self):
            raise AnsibleActionFail(
                f"{MODULE} manages Windows hosts, and this connection leads to none: use port443.https.certificate"
            )
        work = WindowsTask(self, PairReader(self, MODULE), task_vars)
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
        result.update(work.install_one(params))
        return result


def _read(params: Dict[str, Any]) -> Dict[str, Any]:
    _request.parse(params)
    return params
