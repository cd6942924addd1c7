# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the result of the module sites: what is served where, files as a diff, and never a key."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import store
from ansible_collections.port443.https.plugins.module_utils._certificate.report import describe_pair
from ansible_collections.port443.https.plugins.module_utils._pki.policy import days_left, show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import Certificate
from ansible_collections.port443.https.plugins.module_utils._sites.engine import SitesOutcome
from ansible_collections.port443.https.plugins.module_utils._sites.plan import describe_changes
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Look
from ansible_collections.port443.https.plugins.module_utils._tls.unknown_names import tell_served
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

YES, NO, OTHER = "yes", "no", "other"


def report(request: SitesRequest, outcome: SitesOutcome, now: int) -> Dict[str, Any]:
    """Returns the module's result; ``now`` is in seconds of the epoch."""
    by_name = {one.site: one for one in outcome.plan.expectations}
    told = {site: [*ready.mended, *ready.pair.mended] for site, ready in outcome.plan.pairs.items()}
    mended = {site: words for site, words in told.items() if words}
    return {
        "changed": outcome.changed,
        "sites": [_describe(site, by_name[site.name], outcome, now) for site in request.sites if site.name in by_name],
        "unknown_names": _describe_strangers(request, outcome),
        "removed": list(outcome.plan.removed),
        "exchanged": [site for site in outcome.plan.pairs if outcome.have[site].link is not None],
        "tested": outcome.tested,
        "commands": [" ".join(command) for command in outcome.commands],
        "mended": mended,
        "diff": describe_changes(outcome.plan) + _diff_pairs(request, outcome),
    }


def judge(one: Expectation, outcome: SitesOutcome) -> Tuple[str, str]:
    """Returns whether a site is served, ``yes``, ``no`` or ``other``, and what decides that, empty for yes."""
    looks = outcome.looks.get(one.site, ())
    contested = [look for look in outcome.contested.get(one.site, ()) if look.fingerprint != one.fingerprint]
    if outcome.foreseen or one.is_met(outcome.looks):
        if not contested:
            return YES, ""
        return OTHER, "another site has that very address, and the server gives connections to it: " + _join(contested)
    unmet = [look for look in looks if look.fingerprint != one.fingerprint]
    return (OTHER if any(look.fingerprint for look in unmet) else NO), _join(unmet) or "it listens nowhere"


def tell_others(outcome: SitesOutcome) -> Tuple[str, ...]:
    """Returns a warning for each site that is not served at every address, a sentence each."""
    told = ((one.site, *judge(one, outcome)) for one in outcome.plan.expectations)
    return tuple(f"{site}: {why}" for site, served, why in told if served != YES)


def _describe(site: Site, one: Expectation, outcome: SitesOutcome, now: int) -> Dict[str, Any]:
    leaf = outcome.plan.leaves[site.name]
    served, why = judge(one, outcome)
    looks = (*outcome.looks.get(site.name, ()), *outcome.contested.get(site.name, ()))
    return {
        "name": site.name,
        "names": list(site.names),
        "served": served,
        "served_because": why,
        "places": [look.describe() for look in looks],
        "fingerprint": leaf.fingerprint(),
        "not_after": show_time(leaf.not_after),
        "days_left": days_left(leaf, now),
        "certificate": site.certificate,
        "key": site.key,
        "also": _describe_mail(site, outcome),
    }


def _describe_mail(site: Site, outcome: SitesOutcome) -> List[Dict[str, Any]]:
    """What became of the site's certificate with each mail server that has it as well."""
    told = []
    for one in outcome.plan.mail:
        if one.site.name == site.name:
            missed = [] if outcome.foreseen or one.is_met(outcome.mail_looks) else one.missed(outcome.mail_looks)
            served = NO if missed else YES
            told.append(
                {
                    "service": one.server,
                    "served": OTHER if any(look.fingerprint for look in missed) else served,
                    "served_because": one.tell(outcome.mail_looks) if missed else "",
                    "places": [look.describe() for look in outcome.mail_looks.get(one.one.site, ())],
                }
            )
    return told


def _describe_strangers(request: SitesRequest, outcome: SitesOutcome) -> Dict[str, Any]:
    """What clients get who say no name of a site's; ``refused`` is None where that is not for our files to say."""
    if not outcome.plan.refusal.places:
        if not outcome.plan.expectations:
            why = "no site is served"
        elif request.settings.unknown_names != "refuse":
            why = "unknown_names is serve"
        else:
            why = "a site with default_server, or a default of somebody else's, answers to them"
        return {"refused": None, "because": why, "places": []}
    served = [] if outcome.foreseen else tell_served(outcome.strangers)
    places = [look.describe() for look in outcome.strangers]
    return {"refused": not served, "because": "; ".join(served), "places": places}


def _diff_pairs(request: SitesRequest, outcome: SitesOutcome) -> List[Dict[str, str]]:
    """Before and after in words that hold no secret: the digest of a pair tells nothing about its key."""
    diff = []
    for site, pair in outcome.plan.pairs.items():
        path = os.path.join(request.certificate_directory, site, store.CURRENT)
        have = outcome.have[site]
        link = have.link if have.holds(pair.want) else pair.want.name
        diff.append(
            {
                "before_header": path,
                "after_header": path,
                "before": _show(store.read_leaf(have), have.link, have.files.get(store.KEY)),
                "after": _show(pair.pair.leaf, link, pair.want.files[store.KEY]),
            }
        )
    return diff


def _show(leaf: Optional[Certificate], link: Optional[str], key: Any) -> str:
    return "".join(line + "\n" for line in describe_pair(leaf, link, key))


def _join(looks: Sequence[Look]) -> str:
    return ", ".join(map(str, looks))
