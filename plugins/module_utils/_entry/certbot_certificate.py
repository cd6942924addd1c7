# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the module certbot_certificate."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._certificate.install import Result
from ansible_collections.port443.https.plugins.module_utils._entry.certificate import exit_with, relabel_with
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._renewal.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._renewal.issue import MissingCertbotError
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import RenewalContext
from ansible_collections.port443.https.plugins.module_utils._renewal.report import (
    report,
    tell_problems,
    tell_warnings,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.request import parse
from ansible_collections.port443.https.plugins.module_utils._secrets import SecretModule


def run(module: SecretModule) -> None:
    """Makes the sites what the options say, and ends the module."""
    exit_with(module, _run)


def _run(module: SecretModule) -> Result:
    """Returns the result and the warnings; ends the module where sites failed, with what was done for the others."""
    task = parse(module.all_params())
    context = RenewalContext(Host(), module.check_mode, relabel_with(module), module.tmpdir)
    try:
        outcome = ensure(context, task)
    except MissingCertbotError:
        return {"changed": False, "missing": True}, ()
    result, problems = report(outcome, context.layout), tell_problems(outcome)
    if problems:
        for warning in tell_warnings(outcome):
            module.warn(warning)
        module.fail_json(msg=problems, **({} if task.single else result))
    return result, tell_warnings(outcome)
