# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Derives from the variables of the role enable_https what it asks of the roles that do its work, and what it refuses.

The variables come as templated, and before Ansible has looked at their types: one of them may be anything.
"""

from __future__ import annotations

from typing import Any, Collection, Dict, List, Mapping, Optional

from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_confirm

# The variables that ports are made of, and all that count for what is refused.
OF_PORTS = ("enable_https_ports", "serve_https_port", "serve_https_http3")
OF_CONFIRM = ("enable_https_confirm", "open_ports_confirm")
VARIABLES = (
    *("enable_https_state", "enable_https_sites", "enable_https_ca", "enable_https_ca_file"),
    *(*OF_PORTS, *OF_CONFIRM, "serve_https_server", "serve_https_acme_port"),
)
# What of a site counts for its certificate; the rest of that is in its option acme.
ISSUED_PART = ("name", "names", "owner", "group")
# Options of the module ports that no variable gives here; a change to be confirmed has a task of its own.
_DERIVED_OPTIONS = ("ports", "state", "confirm")


def list_refusals(values: Mapping[str, Any], for_every_host: bool, others_have_sites: bool) -> List[str]:
    """Returns what cannot be meant, as sentences.

    A play ``for_every_host`` leaves one alone that has no sites, unless no other has any either.
    """
    if values.get("enable_https_state") != "present":
        return []
    if not values.get("enable_https_sites"):
        if not for_every_host:
            return [
                "enable_https_sites is empty: set it to the sites to serve. Nothing was done. To take HTTPS away, set "
                "enable_https_state to absent."
            ]
        return (
            []
            if others_have_sites
            else [
                "No host of this play has sites. Set enable_https_sites for the hosts that are to serve them, such as "
                "in group_vars. Nothing was done."
            ]
        )
    told = []
    if values.get("enable_https_ca_file") and values.get("enable_https_ca"):
        told.append(
            "enable_https_ca_file is in place of enable_https_ca (by default install_certificate_ca): set one of them."
        )
    if not list_ports(values):
        told.append("enable_https_ports is empty: it names the ports to open, such as 443/tcp.")
    told += list_confirm_refusals(values)
    if _nobody_answers(values):
        told.append(
            "HAProxy serves no files, so certbot itself answers the CA behind it: set serve_https_acme_port to a port "
            "of 127.0.0.1 that is free, such as 8402."
        )
    return told


def list_confirm_refusals(values: Mapping[str, Any]) -> List[str]:
    """Returns why there is no such time for a confirmation, as a sentence; whether sites come or go."""
    try:
        parse_confirm(_confirm_of(values))
    except RequestError as problem:
        return [f"enable_https_confirm: {problem.message}."]
    return []


def list_ports(values: Mapping[str, Any]) -> List[str]:
    """Returns the ports to open, each once: a text in place of the list has commas, and HTTP/3 comes over UDP."""
    given = values.get("enable_https_ports")
    listed = given.split(",") if isinstance(given, str) else _flatten(given)
    ports = [text for text in (str(port).strip() for port in listed) if text]
    if boolean(values.get("serve_https_http3", False), strict=False):
        ports.append(f"{values.get('serve_https_port', 443)}/udp")
    return list(dict.fromkeys(ports))


def firewall_options(
    values: Mapping[str, Any], tags: Collection[str], skipped_tags: Collection[str]
) -> Optional[Dict[str, Any]]:
    """Returns what the module sites is told about the ports, as the variables of open_ports say.

    None where they are left to a task of their own, because the tags ask for one of both roles alone, or the change is
    to be confirmed.
    """
    if _is_confirmed(values):
        return None
    if "open_ports" in skipped_tags or ("serve_https" in tags and "open_ports" not in tags):
        return None
    options = {name[len("open_ports_") :]: value for name, value in values.items() if name.startswith("open_ports_")}
    given = {name: value for name, value in options.items() if name not in _DERIVED_OPTIONS and not _is_empty(value)}
    return {**given, "ports": list_ports(values)}


def issued_sites(values: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Returns the sites of issue_certificate: those with ``acme``."""
    return [
        {**{name: site[name] for name in ISSUED_PART if name in site}, **(site["acme"] or {})}
        for site in _sites(values)
        if site.get("acme") is not None
    ]


def removed_sites(values: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Returns the sites whose certificates go with them: not one of somebody else's, which is not looked after here.

    A site may have had its certificate issued before it was given one: a name is enough to remove either.
    """
    return [{"name": site["name"]} for site in _sites(values) if "certificate_path" not in site and "name" in site]


def _is_confirmed(values: Mapping[str, Any]) -> bool:
    """Tells whether a change is to be confirmed; what is no time is refused by the task of its own."""
    try:
        return parse_confirm(_confirm_of(values)) is not None
    except RequestError:
        return True


def _confirm_of(values: Mapping[str, Any]) -> Any:
    """Returns what was said of open_ports, else of the role; 0 is an answer, an empty text is none."""
    own = values.get("open_ports_confirm")
    return values.get("enable_https_confirm") if own in (None, "") else own


def _sites(values: Mapping[str, Any]) -> List[Mapping[str, Any]]:
    sites = values.get("enable_https_sites")
    return [site for site in sites if isinstance(site, Mapping)] if isinstance(sites, (list, tuple)) else []


def _nobody_answers(values: Mapping[str, Any]) -> bool:
    """Tells whether HAProxy hands the CA's questions to nobody."""
    by_http = values.get("issue_certificate_challenge", "http-01") == "http-01"
    behind = values.get("serve_https_server") == "haproxy" and by_http
    return behind and str(values.get("serve_https_acme_port", 0)) in ("0", "") and bool(issued_sites(values))


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, (str, list, tuple)) and not value)


def _flatten(given: Any) -> List[Any]:
    if isinstance(given, (list, tuple)):
        return [one for inner in given for one in _flatten(inner)]
    return [] if given is None else [given]
