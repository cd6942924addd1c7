# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a whole deployment from options to served leaves; the module calls it, and so does each renewal."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Type

from ansible_collections.port443.https.plugins.module_utils._certificate import report
from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.deploy import Deployment
from ansible_collections.port443.https.plugins.module_utils._certificate.prepare import PreparedPair, prepare_pair
from ansible_collections.port443.https.plugins.module_utils._certificate.removal import remove
from ansible_collections.port443.https.plugins.module_utils._certificate.request import CertificateRequest
from ansible_collections.port443.https.plugins.module_utils._certificate.requested_pair import RequestedPair
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner
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
    requests = _request.parse_all(params)
    if not requests:
        return report.report_all((), ()), ()
    asked = requests[0]
    service = choose_service(host, asked.service, asked.service_config, asked.test_command, asked.reload_command)
    several = params.get("sites") is not None
    each = _request.split(params)
    if asked.state == "absent":
        removal = remove(requests, service, check_mode, relabel)
        removed = [report.report_removal(request, removal) for request in requests]
        result = report.report_all(each, removed) if several else removed[0]
        return {**result, "changed": result["changed"] or removal.recovered}, removal.warnings
    now = int(time.time())
    ready = _prepare(requests, each, host, now, folder) if several else [prepare_pair(asked, params, host, now, folder)]
    pairs = tuple(
        RequestedPair(request, one.pair, one.want, f"{given['name']}: " if several else "")
        for request, one, given in zip(requests, ready, each)
    )
    deployment = Deployment(pairs, service, relabel)
    deployed = deployment.check() if check_mode else deployment.deploy()
    reports = [
        report.report(pair, one.mended, state, outcome, now)
        for pair, one, state, outcome in zip(pairs, ready, deployed.states, deployed.outcomes)
    ]
    warnings: List[str] = []
    for pair, one, outcome in zip(pairs, ready, deployed.outcomes):
        other = (outcome.why,) if outcome.served == "other" else ()
        warnings += [pair.label + told for told in (*one.warnings, *other, *outcome.warnings)]
    result = report.report_all(each, reports, deployed.states) if several else reports[0]
    return {**result, "changed": result["changed"] or deployed.recovered}, (*warnings, *deployed.warnings)


def _prepare(
    requests: Sequence[CertificateRequest],
    each: Sequence[Mapping[str, Any]],
    host: Runner,
    now: int,
    folder: Optional[str],
) -> List[PreparedPair]:
    """Returns the pairs that options bring; raises a UserError with what is wrong with any of them."""
    ready: List[PreparedPair] = []
    wrong: List[Tuple[str, str]] = []
    kind: Type[UserError] = RequestError
    for request, params in zip(requests, each):
        try:
            ready.append(prepare_pair(request, params, host, now, folder))
        except UserError as problem:
            wrong.append((params["name"], problem.message))
            kind = kind if isinstance(problem, RequestError) else HostError
    if wrong:
        raise kind("; ".join(_request.gather(wrong, len(each))))
    return ready
