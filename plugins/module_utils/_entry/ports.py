# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the modules that make a rule set, and renders their result."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.result import render


def run(module: AnsibleModule) -> None:
    """Makes the rule set what the options say, and ends the module."""
    try:
        result = ensure(FirewallHost(), parse_request(module.params), module.check_mode)
    except UserError as problem:
        module.fail_json(msg=problem.message)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**render(result, module._diff))
