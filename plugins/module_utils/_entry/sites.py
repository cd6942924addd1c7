# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module sites, and renders its result; what is secret came apart from its parameters."""

from __future__ import annotations

import time

from ansible_collections.port443.https.plugins.module_utils._certificate.install import Result
from ansible_collections.port443.https.plugins.module_utils._entry.certificate import exit_with, relabel_with
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule
from ansible_collections.port443.https.plugins.module_utils._sites.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._sites.report import report, tell_others
from ansible_collections.port443.https.plugins.module_utils._sites.request import parse
from ansible_collections.port443.https.plugins.module_utils._sites.server import MissingServerError


def run(module: SecretModule) -> None:
    """Has the sites served as the options say, and ends the module."""
    exit_with(module, serve)


def serve(module: SecretModule) -> Result:
    """Returns the result and the warnings; where the server is missing, what would bring it.

    Raises HostError where nobody is there to install that, as with ``async``.
    """
    now = int(time.time())
    request = parse(module.all_params())
    try:
        outcome = ensure(request, Host(), module.check_mode, now, relabel_with(module), module.tmpdir)
    except MissingServerError as missing:
        packages, command = list(missing.layout.packages), list(missing.layout.install)
        if not request.install:
            raise HostError(
                f"{request.server} is not installed on this host (packages: {', '.join(packages)}): install it before, "
                "or set install: true in a task without async"
            ) from None
        told = {"server": request.server, "packages": packages, "command": command}
        return {"changed": module.check_mode, "missing": told}, ()
    result = report(request, outcome, now)
    if not module._diff:
        del result["diff"]
    return result, (*outcome.warnings, *tell_others(outcome))
