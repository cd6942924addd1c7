# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives certificates up, revoked or not: pair, settings and lineage, and with the last site what all of them share."""

from __future__ import annotations

from dataclasses import replace
from typing import List

from ansible_collections.port443.https.plugins.module_utils._certificate import install as _install
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal.application import PATIENCE
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import (
    InstalledFiles,
    holds_no_file,
    remove_own_folders,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.issue import describe_refusal
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import observe
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import (
    RenewalContext,
    RenewalDiff,
    RunOutcome,
    SiteOutcome,
    attempt,
    describe_files,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.purge_lineage import find_traces, purge_lineage
from ansible_collections.port443.https.plugins.module_utils._renewal.request import RenewalRequest, RenewalTask
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import list_sites


def remove(context: RenewalContext, task: RenewalTask) -> RunOutcome:
    """Gives up what is asked for, in check mode only looks; raises HostError or OSError for what all sites share."""
    machinery = context.machinery()
    sites: List[SiteOutcome] = []
    for request in task.sites:
        outcome = SiteOutcome(request, RenewalDiff(context.layout.live(request.site)))
        if task.state == "revoked":
            outcome = attempt(outcome, lambda outcome: _revoke(context, outcome))
        if not outcome.problem:
            outcome = attempt(outcome, lambda outcome: _give_up(context, machinery, outcome))
        sites.append(outcome)
    gone = {outcome.request.site for outcome in sites if not outcome.problem}
    shared, webroot = RenewalDiff(context.layout.own), False
    if set(list_sites(context.layout)) <= gone:
        rest = machinery.find_shared()
        shared = replace(shared, before=describe_files(rest))
        webroot = holds_no_file(context.layout.webroot)
        if not context.check_mode:
            machinery.write(rest, dict.fromkeys(rest))
            remove_own_folders(f"{context.layout.webroot}/.well-known/acme-challenge", context.layout.own)
    return RunOutcome(task, tuple(sites), shared, changed=bool(shared.before) or webroot)


def _give_up(context: RenewalContext, machinery: InstalledFiles, outcome: SiteOutcome) -> SiteOutcome:
    request = outcome.request
    removed, warnings = _remove_pair(context, request, check_mode=True)
    settings = machinery.find_settings(request.site)
    traces = find_traces(context.layout, request.site)
    if not context.check_mode:
        # The settings go before the pair, and no renewal is half way between the two: it must not bring the pair back.
        with hold_lock(context.layout.settings, make=False, patience=PATIENCE):
            machinery.write(settings, dict.fromkeys(settings))
            _removed, warnings = _remove_pair(context, request, check_mode=False)
        purge_lineage(context.host, context.layout, request.site)
    pair = (removed["diff"]["before"].strip(),) if removed["changed"] else ()
    return replace(
        outcome,
        changed=outcome.changed or removed["changed"] or bool(settings) or bool(traces),
        difference=replace(outcome.difference, before=(*describe_files(settings), *traces, *pair)),
        warnings=warnings,
    )


def _revoke(context: RenewalContext, outcome: SiteOutcome) -> SiteOutcome:
    """Has the CA revoke the newest certificate of a site, if certbot has one; raises HostError."""
    request = outcome.request
    have = observe(context.host, context.layout, request.site)
    if have is None:
        return outcome
    name = context.layout.lineage(request.site)
    command = _certbot.revoke_command(name, have.server, have.account, request.revocation_reason)
    if not context.check_mode:
        completed = _certbot.run(context.host, command)
        if completed.returncode != 0 and _certbot.REVOKED not in completed.out + completed.err:
            raise describe_refusal(context, completed, have.server)
    return replace(outcome, changed=True, commands=(" ".join(command),))


def _remove_pair(context: RenewalContext, request: RenewalRequest, check_mode: bool) -> _install.Result:
    """Removes the installed pair; one that was revoked stays as long as a configuration names it."""
    params = {**request.settings.params("", ""), "state": "absent"}
    try:
        return _install.run(params, context.host, check_mode, context.relabel)
    except HostError as problem:
        if request.state != "revoked":
            raise
        return {"changed": False, "diff": {"before": ""}}, (problem.message,)
