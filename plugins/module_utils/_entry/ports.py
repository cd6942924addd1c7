# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the modules that make a rule set, and renders their result."""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._ports.guard import Caution, Risky
from ansible_collections.port443.https.plugins.module_utils._spec.request import (
    CONFIRM_AUTO,
    RISKY,
    PortsRequest,
    parse_request,
)
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result, render


def run(module: AnsibleModule) -> None:
    """Makes the rule set what the options say, and ends the module."""

    def work(request: PortsRequest) -> Tuple[Result, Dict[str, Any]]:
        host = FirewallHost()
        cautious = module.params.get("confirm") == CONFIRM_AUTO and host.system() == "Linux"
        guard = Caution(host) if cautious else None
        return ensure(host, request, module.check_mode, guard), {}

    try:
        exit_with(module, work)
    except Risky as risky:
        module.exit_json(changed=False, **{RISKY: risky.message})


def exit_with(module: AnsibleModule, work: Callable[[PortsRequest], Tuple[Result, Dict[str, Any]]]) -> None:
    """Ends the module with the result that work comes to for its request, and what else there is to return."""
    try:
        result, also = work(parse_request(module.params))
    except Risky:
        raise
    except UserError as problem:
        module.fail_json(msg=problem.message)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**render(result, module._diff), **also)
