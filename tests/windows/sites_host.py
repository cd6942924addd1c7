# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the action plugin of the module sites over a played Windows, whose scripts run in one PowerShell that stays."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pki
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.action.sites import ActionModule
from played_certificates import thumbprint
from powershell import FIREWALL

STEPS = {
    "port443.https.win_certificate": "Invoke-CertificateStep",
    "port443.https.win_firewall_ports": "Invoke-FirewallStep",
}


class _Action(ActionModule):
    """Without what the base does for a connection that is there."""

    def run(self, tmp=None, task_vars=None):
        before, ActionBase.run = ActionBase.run, lambda self, tmp, task_vars: {}
        try:
            return super().run(tmp, task_vars)
        finally:
            ActionBase.run = before


class SitesHost:
    """The host, and the tasks that are run on it; ``executions`` are the scripts that the last one ran."""

    def __init__(self, session, windows):
        self.session = session
        self.windows = windows
        self.executions = []

    def run(self, *sites, check=False, **options):
        """Returns the result of a task, ``{"failed": ...}`` with what was said where it failed."""
        self.executions = []
        action = object.__new__(_Action)
        args = {"sites": list(sites), "trust": "none", "prove_timeout": 1, "port": 8443, **options}
        action._task = SimpleNamespace(args=args, async_val=0, check_mode=check, diff=True, _role=None)
        action._connection = SimpleNamespace(_shell=SimpleNamespace(_IS_WINDOWS=True), get_option=lambda option: 5986)
        action._play_context = SimpleNamespace(port=None)
        action._execute_module = self._execute
        try:
            return action.run(task_vars={})
        except AnsibleActionFail as problem:
            return {"failed": True, "changed": False, "msg": problem.message}

    def _execute(self, module_name, module_args, task_vars, wrap_async=False):
        self.executions.append(module_name.rpartition(".")[2])
        arguments = json.loads(json.dumps(module_args))
        return self.session.call(STEPS[module_name], arguments, PORT443_PLAYED=str(self.windows.path))

    def look(self):
        """All that a run may change: certificates with their names, bindings, and rules of the firewall."""
        nothing = {"prefixes": [], "thumbprints": [], "prove": False, "places": [], "chains": []}
        seen = self.session.call(
            "Invoke-CertificateStep", {"format": 2, **nothing}, PORT443_PLAYED=str(self.windows.path)
        )
        return seen["certificates"], self.windows.bindings(), self.windows.state()["local"]


def site(name, issued=None, **options):
    """Options of a site, whose certificate is followed by its chain."""
    if issued is None:
        return {"name": name, **options}
    chain = "" if issued.certificate.issuer == issued.certificate.subject else pki.intermediate().pem().decode()
    return {
        "name": name,
        "certificate": issued.pem().decode() + chain,
        "key": issued.key_pem().decode(),
        **options,
    }


def carried(issued, *names, port=8443):
    """The bindings of these names that carry a certificate."""
    return {f"{name}:{port}": thumbprint(issued) for name in names}


SCRIPTS_OF_PORTS = tuple(name for name in FIREWALL if name != "_windows_step")
