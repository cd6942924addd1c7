# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule sets of this collection among firewalld's services."""

from __future__ import annotations

from typing import List

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import ETC
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import parse_service
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet, describe_set
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

_SERVICES = f"{ETC}/services"


def list_sets(host: FirewallHost) -> List[RuleSet]:
    """Returns the sets that are services of firewalld; what a zone of a stopped firewalld says is not looked up."""
    sets: List[RuleSet] = []
    for file in host.list_folder(_SERVICES):
        if file.startswith(CHAIN_PREFIX) and file.endswith(".xml"):
            try:
                ports = parse_service(host.read(f"{_SERVICES}/{file}") or b"").ports
            except ValueError:
                ports = ()
            name = file[: -len(".xml")]
            sets.append(describe_set(name, "both", "firewalld", "services", [str(port) for port in ports]))
    return sets
