# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the result of the module certbot_certificate, for a site by its name and for a list of sites."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import gather_problems
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import (
    RenewalDiff,
    RunOutcome,
    SiteOutcome,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import RenewalPaths

# What a site's entry has of the result of its installation.
_INSTALLED = ("served", "served_because", "fingerprint", "not_after", "days_left", "paths")


def report(outcome: RunOutcome, layout: RenewalPaths) -> Dict[str, Any]:
    """Returns the module's result, also where sites failed."""
    result = _report_single(outcome, layout) if outcome.task.single else _report_sites(outcome, layout)
    return {**result, **({"missing": True} if outcome.lacks_certbot else {})}


def tell_problems(outcome: RunOutcome) -> str:
    """Returns which sites failed and why, and what became of the others; empty where none failed."""
    problems = [(site.request.site, site.problem) for site in outcome.sites if site.problem]
    if outcome.task.single or not problems:
        return "".join(problem for _site, problem in problems)
    done = [site.request.site for site in outcome.sites if not site.problem]
    kept = f"; what was done for the others is kept: {', '.join(done)}" if done else ""
    failed = f"{len(problems)} of {len(outcome.sites)} sites failed{kept}"
    return f"{failed}\n" + "\n".join(gather_problems(problems))


def tell_warnings(outcome: RunOutcome) -> Tuple[str, ...]:
    """Returns the warnings of all sites, each with the name of its site where there are several, and of the run."""
    told: List[str] = []
    for site in outcome.sites:
        told += [warning if outcome.task.single else f"{site.request.site}: {warning}" for warning in site.warnings]
    return (*told, *outcome.warnings)


def _report_single(outcome: RunOutcome, layout: RenewalPaths) -> Dict[str, Any]:
    (site,) = outcome.sites
    own, shared = site.difference, outcome.difference
    diff = RenewalDiff(own.path, own.before + shared.before, own.after + shared.after).render()
    changed, commands = site.changed or outcome.changed, [*outcome.commands, *site.commands]
    if outcome.task.state == "present":
        return {
            **site.installed,
            "changed": changed,
            **_tell_issued(site, layout),
            "commands": commands + list(site.installed.get("commands", ())),
            "diff": [diff, *_diffs_of(site)],
        }
    told = {"commands": commands} if outcome.task.state == "revoked" else {}
    return {"changed": changed, **told, "diff": diff}


def _report_sites(outcome: RunOutcome, layout: RenewalPaths) -> Dict[str, Any]:
    commands, diff = list(outcome.commands), [outcome.difference.render()]
    for site in outcome.sites:
        commands += [*site.commands, *site.installed.get("commands", ())]
        diff += [site.difference.render(), *_diffs_of(site)]
    result: Dict[str, Any] = {
        "changed": outcome.changed or any(site.changed for site in outcome.sites),
        "sites": [_report_site(site, layout) for site in outcome.sites],
        "commands": commands,
        "diff": [one for one in diff if one["before"] != one["after"]],
    }
    if outcome.task.state == "present":
        result["fingerprints"] = {
            name: site.installed["fingerprint"]
            for site in outcome.sites
            for name in site.request.given_names
            if "fingerprint" in site.installed
        }
    return result


def _report_site(site: SiteOutcome, layout: RenewalPaths) -> Dict[str, Any]:
    told: Dict[str, Any] = {
        "name": site.request.site,
        "names": list(site.request.given_names),
        "changed": site.changed,
        "problem": site.problem,
    }
    if site.request.state == "present":
        told.update(_tell_issued(site, layout))
    return {**told, **{name: site.installed[name] for name in _INSTALLED if name in site.installed}}


def _tell_issued(site: SiteOutcome, layout: RenewalPaths) -> Dict[str, Any]:
    return {
        "issued": bool(site.reasons),
        "issued_because": list(site.reasons),
        "lineage": layout.lineage(site.request.site),
    }


def _diffs_of(site: SiteOutcome) -> List[Dict[str, str]]:
    """The differences that the installation of a site made."""
    shown = site.installed.get("diff", [])
    return list(shown) if isinstance(shown, list) else [shown]
