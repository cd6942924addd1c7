# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a request on the controller, so that a mistake is told before any host is touched."""

from __future__ import annotations

import socket
from typing import Any, Dict, Mapping, Optional

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._payload import ANY, ARGUMENT, LINUX, UNFIT, entry_of, pack
from ansible_collections.port443.https.plugins.module_utils._spec.arguments import arguments_of
from ansible_collections.port443.https.plugins.module_utils._spec.options import SYSTEMS
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.plugin_utils._complaints import complaints
from ansible_collections.port443.https.plugins.plugin_utils._hand_over import Hidden
from ansible_collections.port443.https.plugins.plugin_utils._misplaced import refuse_misplaced


class ActionModule(ActionBase):
    """Runs ports, and every module that is ports with its backend fixed, in one execution on the host."""

    _supports_async = True

    def run(self, tmp: Optional[str] = None, task_vars: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Returns the module's result; raises AnsibleActionFail for a request that cannot be meant."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        module = self._task.resolved_action or self._task.action
        if getattr(self._connection._shell, "_IS_WINDOWS", False):
            raise AnsibleActionFail(f"{module} manages firewalls on {SYSTEMS}; this connection leads to Windows")
        name = module.rsplit(".", 1)[-1]
        arguments = check_arguments(name, self._task.args)
        # Nobody would be there to send the rest to a job in the background.
        system = ANY if self._task.async_val else guess_system(arguments, task_vars or {})
        ended = self._execute(module, arguments, pack(entry_of(name), system), task_vars)
        if ended.pop(UNFIT, False):
            ended = self._execute(module, arguments, pack(entry_of(name)), task_vars)
        result.update(ended)
        return result

    def _execute(
        self, module: str, arguments: Dict[str, Any], packed: str, task_vars: Optional[Dict[str, Any]]
    ) -> Dict[str, Any]:
        given = {**arguments, ARGUMENT: Hidden(packed)}
        result: Dict[str, Any] = self._execute_module(
            module_name=module, module_args=given, task_vars=task_vars, wrap_async=self._task.async_val
        )
        return result


def guess_system(arguments: Mapping[str, Any], task_vars: Mapping[str, Any]) -> str:
    """Returns the system that a host most likely has: Linux, or any.

    Facts tell it where they were gathered, but they are not those of a host that the task is delegated to.
    """
    facts = task_vars.get("ansible_facts") or {}
    return LINUX if facts.get("system", LINUX) == LINUX and arguments.get("backend") != "pf" else ANY


def check_arguments(module: str, given: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the arguments with every port and source in the form that the host reads without a service list."""
    try:
        refuse_misplaced(given)
    except RequestError as problem:
        raise AnsibleActionFail(f"{module}: {problem.message}") from None
    validated = ArgumentSpecValidator(arguments_of(module)).validate(given)
    wrong = complaints(validated)
    if wrong:
        raise AnsibleActionFail(f"{module}: {wrong}")
    options = dict(validated.validated_parameters)
    try:
        request = parse_request(options, socket.getservbyname)
    except RequestError as problem:
        raise AnsibleActionFail(f"{module}: {problem.message}") from None
    if request.ports:
        options["ports"] = [str(port) for port in request.ports]
    options["source"] = [str(network) for network in request.source]
    return options
