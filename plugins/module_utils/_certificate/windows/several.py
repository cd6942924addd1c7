# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task of the module certificate, about one site or several, means on a Windows host."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ansible_collections.port443.https.plugins.module_utils._certificate import request as _pair_request
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import fill_in, pair_options
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import (
    ARGUMENT_SPEC,
    StoreRequest,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

# Options about folders, users and services of a POSIX host.
_ELSEWHERE = (
    *("directory", "service", "service_config", "test_command", "reload_command", "prove_address", "prove_port"),
    *("remote_src", "owner", "group"),
)
_SERVED = ("nginx", "none")  # the default, which says nothing of what a Windows host serves with


def refuse_for_windows(params: Mapping[str, Any]) -> None:
    """Raises RequestError with every option of validated parameters that means nothing on Windows, by its name."""
    found = [name for name in _ELSEWHERE if _is_set(name, params.get(name))]
    for site in params.get("sites") or ():
        found += [f"{name} of {site['name']}" for name in _ELSEWHERE if _is_set(name, site.get(name))]
    if found:
        raise RequestError(
            f"not on Windows, where certificates are in the stores of the machine and http.sys serves them: "
            f"{', '.join(found)}. Leave that out there"
        )


def site_options(params: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Returns the parameters of win_certificate for each site of validated parameters of certificate."""
    nothing = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    if params.get("sites") is None:
        return [{name: params.get(name, default) for name, default in nothing.items()}]
    shared = _pair_request.shared_options(params)
    options = []
    for site in params["sites"]:
        own = pair_options(fill_in(site, params), shared)
        given = {**own, "bindings": site.get("bindings") or []}
        options.append({name: given.get(name, default) for name, default in nothing.items()})
    return options


def tell_shared_places(requests: Sequence[StoreRequest]) -> List[str]:
    """Returns what is wrong with places that several sites ask for: each carries one certificate."""
    sites: Dict[str, List[str]] = {}
    for request in requests:
        for one in request.bindings:
            sites.setdefault(one.place, []).append(request.site)
    return [
        f"{place} carries one certificate, and {' and '.join(names)} ask for it: give each its sni, or its address"
        for place, names in sites.items()
        if len(names) > 1
    ]


def report_sites(each: Sequence[Mapping[str, Any]], results: Sequence[Dict[str, Any]]) -> Dict[str, Any]:
    """Returns the result for several sites, as the module certificate has it, of the options and result of each."""
    fingerprints = {
        name.strip(): result["fingerprint"]
        for given, result in zip(each, results)
        for name in given["names"] or [given["name"]]
        if "fingerprint" in result and "*" not in name
    }
    apart = ("commands", "diff", "warnings")
    return {
        "changed": any(result["changed"] for result in results),
        "sites": [
            {"name": given["name"], **{key: value for key, value in result.items() if key not in apart}}
            for given, result in zip(each, results)
        ],
        "fingerprints": fingerprints,
        "exchanged": [given["name"] for given, result in zip(each, results) if is_exchanged(result)],
        "commands": [command for result in results for command in result["commands"]],
        "diff": [result["diff"] for result in results if result["diff"]["before"] != result["diff"]["after"]],
        "warnings": list(dict.fromkeys(warning for result in results for warning in result["warnings"])),
    }


def is_exchanged(result: Mapping[str, Any]) -> bool:
    """Tells whether a site had a certificate before, and has another one."""
    return "fingerprint" in result and any(
        one["before"] and one["after"] and one["before"] != one["after"] for one in result["bindings"]
    )


def _is_set(name: str, value: Any) -> bool:
    if name == "service":
        return value is not None and value not in _SERVED
    return bool(value) and value != _pair_request.ARGUMENT_SPEC[name].get("default")
