# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Base of action plugins that check a module's arguments, keep its secrets apart, and run it as it is."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.plugin_utils._arguments import check_arguments
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import execute


class CheckedTask(ActionBase):
    """Checks the arguments of ``module``, and runs it in one execution on the host."""

    _supports_async = True
    module = ""
    argument_spec: Mapping[str, Mapping[str, Any]] = {}
    mutually_exclusive: Sequence[Tuple[str, str]] = ()
    required_one_of: Sequence[Tuple[str, ...]] = ()

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for arguments that will not do, and shows none."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        given = dict(self._task.args)
        params = self._check(given, self._secret_options())
        result.update(self.perform(given, params, task_vars))
        return result

    def refuse(self, params: Dict[str, Any]) -> None:
        """Raises RequestError for validated parameters that cannot be meant."""

    def perform(
        self, given: Dict[str, Any], params: Dict[str, Any], task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        """Returns the result for arguments as given, and as they were validated."""
        return self.execute(given, task_vars)

    def execute(self, given: Dict[str, Any], task_vars: Optional[Dict[str, Any]]) -> Dict[str, Any]:
        """Runs the module on the host with these arguments, and returns its result without what is secret."""
        return execute(self, self.module, given, self._secret_options(), task_vars)

    def _secret_options(self) -> List[str]:
        return [name for name, option in self.argument_spec.items() if option.get("no_log")]

    def _check(self, given: Dict[str, Any], secret: List[str]) -> Dict[str, Any]:
        """Returns the validated parameters."""
        return check_arguments(
            self.module,
            self.argument_spec,
            given,
            self._read,
            [str(given[name]) for name in secret if given.get(name) is not None],
            mutually_exclusive=list(self.mutually_exclusive),
            required_one_of=list(self.required_one_of),
        )

    def _read(self, params: Dict[str, Any]) -> Dict[str, Any]:
        self.refuse(params)
        return params
