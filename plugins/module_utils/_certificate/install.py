# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a whole deployment from options to a served leaf; the module calls it, and so does each renewal."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import deploy, report
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.prepare import prepare_pair
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import choose_service

Result = Tuple[Dict[str, Any], Tuple[str, ...]]
Relabel = Callable[[str], None]


def run(
    params: Mapping[str, Any],
    host: Host,
    check_mode: bool,
    relabel: Relabel,
    folder: Optional[str] = None,
) -> Result:
    """Does what the options of the module certificate ask for, and returns its result and warnings.

    ``relabel`` is called with every path that was made; ``folder`` is a private one for a file that lives for a
    moment, used where the system has no memfd. Raises RequestError, HostError or OSError.
    """
    request = _request.parse(params)
    service = choose_service(
        host, request.service, request.service_config, request.test_command, request.reload_command
    )
    if request.state == "absent":
        removed = deploy.remove(request, service, check_mode)
        return report.report_removal(request, removed), removed.warnings
    now = int(time.time())
    ready = prepare_pair(request, params, host, now, folder)
    deployment = deploy.Deployment(request, ready.pair, ready.want, service, relabel)
    situation, outcome = deployment.check() if check_mode else deployment.deploy()
    warnings = ready.warnings + ((outcome.why,) if outcome.served == "other" else ())
    return report.report(request, ready.pair, ready.mended, situation, outcome, now), warnings + outcome.warnings
