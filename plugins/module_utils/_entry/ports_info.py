# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module ports_info, which reports verdicts and rule sets and changes nothing."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._errors import UserError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.registry import platform_of
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request


def run(module: AnsibleModule) -> None:
    """Judges the ports, lists the rule sets, and ends the module."""
    try:
        request = parse_request(module.params)
        host = FirewallHost()
        found = platform_of(host).report(host, request)
    except UserError as problem:
        module.fail_json(msg=problem.message)
    module.exit_json(changed=False, **found)
