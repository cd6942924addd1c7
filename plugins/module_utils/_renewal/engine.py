# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The engine of certbot_certificate: issues, installs, renews or removes, one run at a time on a host."""

from __future__ import annotations

import contextlib
from typing import Iterator

from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import remove_own_folders
from ansible_collections.port443.https.plugins.module_utils._renewal.issue import issue
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import RenewalContext, RunOutcome
from ansible_collections.port443.https.plugins.module_utils._renewal.prepare import prepare
from ansible_collections.port443.https.plugins.module_utils._renewal.removal import remove
from ansible_collections.port443.https.plugins.module_utils._renewal.request import RenewalTask

LOCK_PATIENCE = 900.0  # seconds: another run may be waiting for the CA


def ensure(context: RenewalContext, task: RenewalTask) -> RunOutcome:
    """Makes the sites what the task asks for, in check mode only looks; a site that fails is told in the outcome.

    Raises MissingCertbotError, and HostError or OSError for what concerns all sites.
    """
    states = {"present": issue, "prepared": prepare, "absent": remove, "revoked": remove}
    with _alone(context, task):
        return states[task.state](context, task)


@contextlib.contextmanager
def _alone(context: RenewalContext, task: RenewalTask) -> Iterator[None]:
    """A run that fails takes back what it made, which must not be what another has just found there."""
    if task.state == "prepared":
        yield
        return
    folder, check = context.layout.own, context.check_mode
    with hold_lock(folder, make=task.state == "present" and not check, patience=LOCK_PATIENCE):
        try:
            yield
        finally:
            if not check:
                remove_own_folders(folder, folder)  # which stays unless it is empty
