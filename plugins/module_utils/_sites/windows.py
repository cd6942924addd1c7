# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a task of the module sites means on Windows, where a site is its certificate and its places of http.sys."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    NAME_ARGUMENTS,
    PAIR_ARGUMENTS,
    brings_pair,
    gather_problems,
    pair_options,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.request import ARGUMENT_SPEC
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._sites.arguments import ARGUMENTS, SITE_ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._sites.request import SitesRequest, parse, shared_options
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

# Nothing there answers plain HTTP, so that the default, which is to redirect, is not meant.
_SITE_ARGUMENTS: Dict[str, Dict[str, Any]] = {**SITE_ARGUMENTS, "redirect": {"type": "bool"}}
WINDOWS_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    **ARGUMENTS,
    "sites": {**ARGUMENTS["sites"], "options": _SITE_ARGUMENTS},
}
# All else is the business of IIS, or of another program that has http.sys serve it. Nothing is installed there.
_MANAGED = (
    *("sites", "state", "purge", "remove_certificates", "port", "http_port", "firewall", "install"),
    *("trust", "ca", "ca_file", "own_ca", "passphrase", "minimum_days", "keep", "prove_timeout"),
)
_ELSEWHERE = ("remote_src", "owner", "group")  # of a pair's options, those about files and users of a POSIX host
_MANAGED_OF_SITE = (*NAME_ARGUMENTS, "default_server", *(name for name in PAIR_ARGUMENTS if name not in _ELSEWHERE))
_NOTHING: Tuple[Any, ...] = (None, False, "", "none", [])


def read_for_windows(params: Dict[str, Any]) -> SitesRequest:
    """Returns the request that validated parameters make; raises RequestError with all that cannot be meant there."""
    told = [*_tell_unmanaged(params), *_tell_sites(params)] if params["state"] == "present" else []
    for site in params["sites"]:
        site["redirect"] = False
    try:
        request = parse({**params, "server": ARGUMENTS["server"]["default"]})
    except RequestError as problem:
        told.append(problem.message)
    if told:
        raise RequestError("; ".join(told))
    return request


def store_options(request: SitesRequest, params: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Returns the parameters of win_certificate for each site of a request."""
    nothing = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    shared = {name: value for name, value in shared_options(params).items() if name in ARGUMENT_SPEC}
    options = []
    for site, given in zip(request.sites, params["sites"]):
        own: Dict[str, Any] = {"name": site.name, "state": request.state}
        if request.state == "present":
            own.update(pair_options(given, shared), bindings=_ask_bindings(site, request.settings.port))
        options.append({name: own.get(name, default) for name, default in nothing.items()})
    return options


def _ask_bindings(site: Site, port: int) -> List[Dict[str, Any]]:
    """The places of a site: one for each of its names, or all addresses, where whoever asks for another name comes."""
    nothing = {"port": port, "address": None, "sni": None, "appid": None}
    return [nothing] if site.default_server else [{**nothing, "sni": name} for name in site.names]


def _tell_unmanaged(params: Mapping[str, Any]) -> Iterator[str]:
    found = [name for name, option in ARGUMENTS.items() if name not in _MANAGED and _is_set(params, name, option)]
    for site in params["sites"]:
        found += [
            f"{name} of {site['name']}"
            for name, option in _SITE_ARGUMENTS.items()
            if name not in _MANAGED_OF_SITE and _is_set(site, name, option)
        ]
    if found:
        yield (
            "not on Windows, where a site is its certificate and its places of http.sys, and IIS or another program "
            f"of yours answers there: {', '.join(found)}. Leave that out for such hosts"
        )


def _tell_sites(params: Mapping[str, Any]) -> List[str]:
    """What sites lack: a certificate, or a name that http.sys can be asked for."""
    wrong: List[Tuple[str, str]] = []
    for site in params["sites"]:
        if not brings_pair(site):
            wrong.append((site["name"], "it needs a certificate: give certificate, certificate_file, bundle or own_ca"))
        wild = [name for name in site["names"] or () if name.startswith("*.")]
        if wild and not site["default_server"]:
            told = (
                f"http.sys has no place for {', '.join(wild)}: name hosts, or set default_server for all that are asked"
            )
            wrong.append((site["name"], told))
    return gather_problems(wrong)


def _is_set(given: Mapping[str, Any], name: str, option: Mapping[str, Any]) -> bool:
    value = given.get(name)
    if value == option.get("default"):
        return False
    return value is not None if isinstance(value, dict) else value not in _NOTHING or option.get("default") is True
