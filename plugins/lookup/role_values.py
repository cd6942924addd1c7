# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Derives from a role's variables what its tasks ask for, and refuses what cannot be meant."""

from __future__ import annotations

DOCUMENTATION = r"""
name: role_values
short_description: Derive what a role of this collection asks for from its variables
version_added: 0.2.0
author:
  - port443.https contributors (@port443)
description:
  - Returns what the tasks of the roles P(port443.https.enable_https#role) and P(port443.https.issue_certificate#role)
    ask for, made of the variables of the host.
  - With V(refusals) it fails where the variables cannot be meant. The roles ask for that while Ansible checks their
    arguments, so that it takes no task and comes before anything changes.
options:
  _terms:
    description:
      - The role, and what is asked for.
      - Of V(enable_https) that is V(ports) to open; V(firewall), the option of that name of M(port443.https.sites);
        V(issued), the sites whose certificates a CA issues; V(removed), those whose certificates go with them; V(ca),
        as PEM whom to trust in place of the system's stores.
      - Of V(issue_certificate), where the DNS proves names, that is V(names) of a site and those V(wanted) of its
        certificate, whether it is V(forced) to be issued again, the V(pairs) that go to the host, and the V(base) of
        relative paths.
    type: list
    elements: str
    required: true
notes:
  - It is made for the roles of this collection, and may change with them.
"""

EXAMPLES = r"""
- name: Show which ports would be opened
  ansible.builtin.debug:
    msg: "{{ lookup('port443.https.role_values', 'enable_https', 'ports') }}"
"""

RETURN = r"""
_list:
  description: What was asked for, alone; nothing for V(refusals).
  type: list
  elements: raw
"""

import os
from datetime import datetime, timezone
from typing import Any, Dict, List, Mapping, Optional

from ansible.errors import AnsibleError, AnsibleLookupError
from ansible.plugins.loader import filter_loader
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display
from ansible_collections.port443.https.plugins.plugin_utils import (
    _dns_certificates,
    _enabled_https,
    _issued_refusals,
)
from ansible_collections.port443.https.plugins.plugin_utils._folders import working_folder
from ansible_collections.port443.https.plugins.plugin_utils._role_variables import names_of

_SITES = "enable_https_sites"  # ansible-doc warns of two names on a line
_SITE = "__issue_certificate_site"


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core has no types
    """Looks at the variables of the host that a task is for."""

    def run(self, terms: List[str], variables: Optional[Mapping[str, Any]] = None, **kwargs: Any) -> List[Any]:
        """Returns what is asked for; raises AnsibleLookupError for variables that cannot be meant."""
        role, part = (*map(str, terms), "", "")[:2]
        if (role, part) not in _PARTS:
            raise AnsibleLookupError(f"role_values knows no {role} {part}")
        found = _PARTS[role, part](self, variables or {})
        return [] if part == "refusals" else [found]

    def refuse_enabling(self, given: Mapping[str, Any]) -> None:
        """Raises AnsibleLookupError for what cannot be meant; tells of a host that has no sites."""
        values = self._values(given, *_enabled_https.VARIABLES, *_issued_refusals.VARIABLES)
        for_every_host = bool(given.get("__enable_https_for_every_host"))
        alone = for_every_host and not values.get(_SITES)
        told = _enabled_https.list_refusals(values, for_every_host, alone and self._do_others_have_sites(given))
        state = str(values.get("enable_https_state"))
        if state == "present":
            told += self._list_issue_refusals(_enabled_https.issued_sites(values), values, state)
        self._refuse(told)
        if alone and state == "present":
            Display().display(f"{given['inventory_hostname']} has no enable_https_sites, so nothing was done there")

    def refuse_issuing(self, given: Mapping[str, Any]) -> None:
        """Raises AnsibleLookupError for what the DNS would not prove; of http-01 certbot_certificate itself tells."""
        values = self._values(given, "issue_certificate_sites", "issue_certificate_state", *_issued_refusals.VARIABLES)
        if _issued_refusals.proves_by_dns(values):
            state = str(values["issue_certificate_state"])
            self._refuse(self._list_issue_refusals(values["issue_certificate_sites"], values, state))

    def list_ports(self, given: Mapping[str, Any]) -> List[str]:
        """Returns the ports to open."""
        return _enabled_https.list_ports(self._values(given, *_enabled_https.OF_PORTS))

    def describe_firewall(self, given: Mapping[str, Any]) -> Optional[Dict[str, Any]]:
        """Returns what the module sites is told about the ports; raises AnsibleLookupError for what is no time.

        Sites that go are looked at here first: they would be gone before the task about ports refused it.
        """
        values = self._values(given, *_enabled_https.OF_PORTS, *_enabled_https.OF_CONFIRM, *names_of("open_ports"))
        self._refuse(_enabled_https.list_confirm_refusals(values))
        tags = (given.get("ansible_run_tags", ()), given.get("ansible_skip_tags", ()))
        return _enabled_https.firewall_options(values, *tags)

    def list_issued(self, given: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Returns the sites whose certificates a CA issues."""
        return _enabled_https.issued_sites(self._values(given, _SITES))

    def list_removed(self, given: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Returns the sites whose certificates go with them."""
        return _enabled_https.removed_sites(self._values(given, _SITES))

    def _refuse(self, told: List[str]) -> None:
        if told:
            raise AnsibleLookupError(" ".join(told))

    def _list_issue_refusals(self, sites: Any, values: Mapping[str, Any], state: str) -> List[str]:
        listed = sites if isinstance(sites, (list, tuple)) else []
        has_crypto = not listed or not _issued_refusals.proves_by_dns(values) or _has_crypto()
        return _issued_refusals.list_refusals(listed, values, state, has_crypto)

    def _do_others_have_sites(self, given: Mapping[str, Any]) -> bool:
        return any(given["hostvars"][host].get(_SITES) for host in given["ansible_play_hosts_all"])

    def find_base(self, given: Mapping[str, Any]) -> str:
        """Returns where relative paths of the controller start, as they do for the module certificate."""
        folder = str(given["playbook_dir"])
        return working_folder(folder) or folder

    def list_names(self, given: Mapping[str, Any]) -> List[str]:
        """Returns the names of the site that is being issued for, as they were given."""
        return _issued_refusals.list_names(self._values(given, _SITE)[_SITE])

    def list_wanted(self, given: Mapping[str, Any]) -> List[str]:
        """Returns these as a certificate has them."""
        return _dns_certificates.wanted_names(self.list_names(given))

    def is_forced(self, given: Mapping[str, Any]) -> bool:
        """Tells whether the certificate that is there is issued again."""
        names = [f"__issue_certificate_{name}" for name in ("have", "own_key", "old_server", "server")]
        have, key, old_server, server = self._values(given, *names).values()
        days = self._values(given, "issue_certificate_remaining_days")["issue_certificate_remaining_days"]
        values = {
            "names": self.list_wanted(given),
            "key": key.get("fingerprint", {}).get("sha256", ""),
            "old_server": old_server,
            "server": server,
            "remaining_days": days,
        }
        return _dns_certificates.is_issued_again(have, values, datetime.now(timezone.utc))

    def list_pairs(self, given: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Returns the sites as the module certificate takes them."""
        names = ("issue_certificate_sites", "__issue_certificate_folder", "issue_certificate_state")
        sites, folder, state = self._values(given, *names).values()
        return _dns_certificates.pairs(sites, folder, state, os.path.exists)

    def read_ca(self, given: Mapping[str, Any]) -> str:
        """Returns the certificates to trust in place of the system's."""
        values = self._values(given, "enable_https_ca_file", "enable_https_ca")
        named = os.path.expanduser(os.path.expandvars(str(values.get("enable_https_ca_file") or "")))
        if not named:
            return str(values.get("enable_https_ca") or "")
        path = os.path.join(self.find_base(given), named)
        try:
            return str(self._loader.get_text_file_contents(path)).rstrip()
        except AnsibleError:
            raise AnsibleLookupError(f"enable_https_ca_file {path} cannot be read on the controller") from None

    def _values(self, given: Mapping[str, Any], *names: str) -> Dict[str, Any]:
        """Returns those of these variables that there are, as templated."""
        return {name: self._templar.template(given[name]) for name in names if name in given}


_PARTS = {
    ("enable_https", "refusals"): LookupModule.refuse_enabling,
    ("enable_https", "ports"): LookupModule.list_ports,
    ("enable_https", "firewall"): LookupModule.describe_firewall,
    ("enable_https", "issued"): LookupModule.list_issued,
    ("enable_https", "removed"): LookupModule.list_removed,
    ("enable_https", "ca"): LookupModule.read_ca,
    ("issue_certificate", "refusals"): LookupModule.refuse_issuing,
    ("issue_certificate", "names"): LookupModule.list_names,
    ("issue_certificate", "wanted"): LookupModule.list_wanted,
    ("issue_certificate", "forced"): LookupModule.is_forced,
    ("issue_certificate", "pairs"): LookupModule.list_pairs,
    ("issue_certificate", "base"): LookupModule.find_base,
}


def _has_crypto() -> bool:
    """Tells whether the controller has community.crypto since 2.10.0, which brought this filter."""
    try:
        return filter_loader.get("community.crypto.split_pem") is not None
    except (AnsibleError, KeyError):
        return False
