# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the modules that make a rule set, with a change that is taken back unless it is confirmed."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any, Dict, FrozenSet, Tuple

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._confirm import program
from ansible_collections.port443.https.plugins.module_utils._confirm.confirmation import Confirmation
from ansible_collections.port443.https.plugins.module_utils._entry.ports import exit_with
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._renewal.zipapp import build
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result


def run(module: AnsibleModule) -> None:
    """Makes the rule set what the options say for as long as they do, and ends the module."""

    def work(request: PortsRequest) -> Tuple[Result, Dict[str, Any]]:
        host = FirewallHost()
        guard = Confirmation(host, request.name, request.confirm or 0, build_program)
        result = ensure(host, request, module.check_mode, guard)
        return replace(result, warnings=(*result.warnings, *guard.warnings)), guard.as_result()

    exit_with(module, work)


def build_program(modules: FrozenSet[str]) -> bytes:
    """Returns the program that is left on the host, with these modules in it beside its own."""
    return build(program.__name__, program.main.__name__, sys.executable, also=modules)
