# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells what the role issue_certificate would not ask a CA for, before anything changes."""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping, Sequence

from ansible.module_utils.parsing.convert_bool import boolean

VARIABLES = (
    *("issue_certificate_challenge", "issue_certificate_dns_tasks", "issue_certificate_terms_agreed"),
    *("issue_certificate_server", "issue_certificate_account_key_id", "issue_certificate_account_mac_key"),
)
# A variable that is not set, as where another role asks.
_CHALLENGE = "http-01"
_SERVER = "https://acme-v02.api.letsencrypt.org/directory"
# States in which a certificate is asked for, now or later.
_ASKING = ("present", "prepared")


def list_refusals(sites: Sequence[Any], values: Mapping[str, Any], state: str, has_crypto: bool) -> List[str]:
    """Returns what cannot be meant, as sentences.

    ``values`` are the role's variables, and ``has_crypto`` tells whether the controller has community.crypto 2.10.
    """
    return list(_refusals(sites, values, state, has_crypto)) if sites else []


def _refusals(sites: Sequence[Any], values: Mapping[str, Any], state: str, has_crypto: bool) -> Iterator[str]:
    by_dns = proves_by_dns(values)
    if by_dns and state != "absent" and not has_crypto:
        yield (
            "dns-01 takes the collection community.crypto on the controller, which has none, or one before 2.10.0: "
            "ansible-galaxy collection install 'community.crypto:>=2.10.0'."
        )
    if by_dns and state in _ASKING and not values.get("issue_certificate_dns_tasks"):
        yield "With dns-01, issue_certificate_dns_tasks names a file of tasks that set the records."
    if state in _ASKING and not boolean(values.get("issue_certificate_terms_agreed", False), strict=False):
        yield (
            f"Read the terms of {values.get('issue_certificate_server', _SERVER)}, and set "
            "issue_certificate_terms_agreed to true if you agree to them."
        )
    if bool(values.get("issue_certificate_account_key_id")) != bool(values.get("issue_certificate_account_mac_key")):
        yield (
            "issue_certificate_account_key_id and issue_certificate_account_mac_key go together, as the CA gave them "
            "out."
        )
    wildcards = [name for site in sites for name in list_names(site) if "*" in name]
    if wildcards and state in _ASKING and not by_dns:
        yield (
            "A wildcard is proved by DNS alone: set issue_certificate_challenge to dns-01, or leave out "
            f"{', '.join(wildcards)}."
        )


def proves_by_dns(values: Mapping[str, Any]) -> bool:
    """Tells whether the DNS is to prove whose the names are."""
    return bool(values.get("issue_certificate_challenge", _CHALLENGE) == "dns-01")


def list_names(site: Any) -> List[str]:
    """Returns the names of a site as given. A text is what Ansible makes of it for a module, a list with commas."""
    if not isinstance(site, Mapping):
        return []
    names = site.get("names", [site.get("name")])
    listed = names.split(",") if isinstance(names, str) else names
    return [str(name).strip() for name in listed if name is not None] if isinstance(listed, (list, tuple)) else []
