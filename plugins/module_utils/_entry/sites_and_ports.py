# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module sites with its option firewall: rules are looked at first, and changed once the sites are served."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.port443.https.plugins.module_utils._certificate.install import Result
from ansible_collections.port443.https.plugins.module_utils._entry.certificate import exit_with
from ansible_collections.port443.https.plugins.module_utils._entry.sites import serve
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.result import Result as PortsResult
from ansible_collections.port443.https.plugins.module_utils._verdict.result import render


def run(module: SecretModule) -> None:
    """Has the sites served and the rule set made as the options say, and ends the module."""
    exit_with(module, _serve_and_open)


def _serve_and_open(module: SecretModule) -> Result:
    """Returns the result of both and their warnings.

    A firewall that cannot be told is a failure before anything changes. Raises HostError, or RequestError.
    """
    request = parse_request(module.params["firewall"])
    found = ensure(FirewallHost(), request, True)
    result, warnings = serve(module)
    if found.steps and not module.check_mode and "missing" not in result:
        found = _open(request, result["changed"])
    return _join(result, render(found, module._diff)), (*warnings, *found.warnings)


def _open(request: PortsRequest, changed: bool) -> PortsResult:
    """Returns the result for the rule set; where it fails, the error says what became of the sites."""
    try:
        return ensure(FirewallHost(), request, False)
    except UserError as problem:
        done = "gone" if request.state == "absent" else "served"
        told = f"the sites are {done} as asked" if changed else "nothing had to be done about the sites"
        raise HostError(f"firewall: {problem.message} ({told})") from None


def _join(result: Dict[str, Any], firewall: Dict[str, Any]) -> Dict[str, Any]:
    """Returns the sites' result with that of the ports; what would change is told of both, in their order."""
    joined = {**result, "changed": result["changed"] or firewall["changed"], "firewall": firewall}
    if "diff" in firewall and "diff" in result:
        joined["diff"] = [*result["diff"], *firewall.pop("diff")]
    return joined
