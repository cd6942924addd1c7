# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the result of the module sites on Windows: what is served where, and bindings, and never a key."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import application_of
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import StoreObservation
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    site_application,
    site_of,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.result import commands_of, describe
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.several import is_exchanged
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.together import JointPlan
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest

_YES = "yes"


def report_windows_sites(
    request: SitesRequest, results: Sequence[Mapping[str, Any]], before: StoreObservation, joint: JointPlan
) -> Dict[str, Any]:
    """Returns the result of the module, of that of win_certificate for each site."""
    present = request.state == "present"
    gone = [site.name for site, result in zip(request.sites, results) if not present and result["changed"]]
    purged = [step.id for step in joint.purged.operations]
    sites = [_describe(site.names, site.name, result) for site, result in zip(request.sites, results) if present]
    diff = [result["diff"] for result in results]
    if purged:
        header = "other sites (http.sys)"
        diff.insert(
            0,
            {
                "before_header": header,
                "after_header": header,
                "before": describe(before, purged),
                "after": "",
            },
        )
    return {
        "changed": joint.whole.changes(),
        "sites": sites,
        "removed": [*gone, *_name_purged(before, purged)],
        "exchanged": [site["name"] for site, result in zip(sites, results) if is_exchanged(result)],
        "tested": "not needed",
        "commands": commands_of(joint.whole),
        "mended": {site["name"]: result["mended"] for site, result in zip(sites, results) if result["mended"]},
        "diff": [one for one in diff if one["before"] != one["after"]],
        "warnings": _gather_warnings(sites, results),
    }


def join_firewall(result: Mapping[str, Any], firewall: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the sites' result with that of the module ports; what changes is told of both, in their order."""
    rest = {name: value for name, value in firewall.items() if name not in ("diff", "warnings")}
    return {
        **result,
        "changed": result["changed"] or firewall["changed"],
        "firewall": rest,
        "diff": [*result["diff"], *firewall.get("diff", ())],
        "warnings": [*result["warnings"], *firewall.get("warnings", ())],
    }


def _describe(names: Sequence[str], name: str, result: Mapping[str, Any]) -> Dict[str, Any]:
    path = f"Cert:\\LocalMachine\\My\\{result['thumbprint']}"
    known = ("served", "served_because", "fingerprint", "thumbprint", "not_after", "days_left", "bindings")
    return {
        "name": name,
        "names": list(names),
        **{option: result[option] for option in known},
        "places": result["seen"],
        "certificate": path,
        "key": path,
    }


def _name_purged(seen: StoreObservation, places: Sequence[str]) -> List[str]:
    """The sites whose bindings go; the place, where no certificate is left that tells of which site it was."""
    sites = {site_of(one.name) for one in seen.read_all().values()} - {""}
    known = {site_application(site): site for site in sites}
    found = [known.get(application_of(seen.bindings[place]), place) for place in places]
    return list(dict.fromkeys(found))


def _gather_warnings(sites: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> List[str]:
    told = [warning for result in results for warning in result["warnings"]]
    told += [f"{site['name']}: {site['served_because']}" for site in sites if site["served"] != _YES]
    return list(dict.fromkeys(told))
