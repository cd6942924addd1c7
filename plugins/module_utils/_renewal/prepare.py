# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets a web server start before there are certificates: self-signed pairs, and the folder that answers the CA."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import List

from ansible_collections.port443.https.plugins.module_utils._certificate import install as _install
from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder, store
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_folder
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import make_folders
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import (
    RenewalContext,
    RenewalDiff,
    RunOutcome,
    SiteOutcome,
    attempt,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.request import RenewalRequest, RenewalTask


def prepare(context: RenewalContext, task: RenewalTask) -> RunOutcome:
    """Makes the folder for the CA, and a pair of its own for each site that has none; in check mode only looks.

    Raises HostError or OSError for what all sites share.
    """
    lacks_webroot = needs_webroot(context, task)
    if not context.check_mode:
        make_webroot(context, task)
    sites: List[SiteOutcome] = []
    for request in task.sites:
        nothing = SiteOutcome(request, RenewalDiff(os.path.join(_folder_of(request), store.CURRENT)))
        sites.append(attempt(nothing, lambda outcome: _prepare_site(context, outcome)))
    return RunOutcome(task, tuple(sites), RenewalDiff(context.layout.own), changed=lacks_webroot)


def needs_webroot(context: RenewalContext, task: RenewalTask) -> bool:
    """Tells whether the folder for the CA has to be made; raises HostError for one that is not ours to make."""
    request = task.sites[0]  # it is the same for all of them
    if request.standalone_port is not None or os.path.isdir(request.webroot):
        return False
    if request.webroot != context.layout.webroot:
        raise HostError(f"webroot {request.webroot} does not exist: only {context.layout.webroot} is made here")
    return True


def make_webroot(context: RenewalContext, task: RenewalTask) -> None:
    """Makes the folder for the CA where it has to be made; raises as needs_webroot does, or OSError."""
    if needs_webroot(context, task):
        make_folders(task.sites[0].webroot)


def _prepare_site(context: RenewalContext, outcome: SiteOutcome) -> SiteOutcome:
    """Installs a self-signed pair where the site has none; raises HostError or OSError."""
    request = outcome.request
    with open_folder(os.path.dirname(_folder_of(request))) as folder:
        if store.observe(folder, request.site).link is not None:
            return outcome
    if not context.check_mode:
        params = request.settings.params("", "")
        params.update(certificate_file=None, key_file=None, remote_src=False, ca=None, prove=False)
        params.update(placeholder.make_options(context.host, request.names))
        _install.run(params, context.host, False, context.relabel, context.folder)
    path = outcome.difference.path
    after = (f"{path}: self-signed, until the certificate is issued",)
    return replace(outcome, changed=True, difference=replace(outcome.difference, after=after))


def _folder_of(request: RenewalRequest) -> str:
    return os.path.join(str(request.settings.options["directory"]), request.site)
