# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rule sets of this collection that are on a Linux host, in whatever firewall."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import ETC
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import parse_service
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import encode_comment
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import PATHS, parse_user_rules
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

_FAMILIES = {"ip": "ipv4", "ip6": "ipv6"}  # a table of family inet is for both
_SERVICES = f"{ETC}/services"

Found = Dict[str, Any]
"""name, family, frontend, table, rules."""


def list_sets(host: Host, kernel: Kernel) -> List[Found]:
    """Returns each rule set with its rules; raises HostError for a file that cannot be read."""
    return [*list_chains(kernel), *_list_ufw(host), *_list_firewalld(host)]


def list_chains(kernel: Kernel) -> List[Found]:
    """Returns the sets that are chains of their own, the jumps to them first."""
    sets: List[Found] = []
    for table in kernel.ruleset:
        for chain in table.chains:
            if chain.name.startswith(CHAIN_PREFIX):
                jumps = [rule.text for other in table.chains for rule in other.rules if rule.target == chain.name]
                rules = jumps + [rule.text for rule in chain.rules]
                family = _FAMILIES.get(table.family, "both")
                sets.append(_found(chain.name, family, table.frontend, table.name, rules))
    return sets


def _list_ufw(host: Host) -> List[Found]:
    """The sets that are rules of ufw, told by their comments."""
    prefix = encode_comment(CHAIN_PREFIX)
    sets: Dict[str, Found] = {}
    for family, path in PATHS.items():
        file = parse_user_rules((host.read(path) or b"").decode("utf-8", "surrogateescape"), family)
        for block in file.blocks if file else ():
            if block.rule and block.rule.comment.startswith(prefix):
                name = bytes.fromhex(block.rule.comment).decode("utf-8", "replace")
                found = sets.setdefault(f"{name} {family}", _found(name, f"ipv{family}", "ufw", "filter", []))
                found["rules"] += [line for line in block.text.split("\n") if line.startswith("-A ")]
    return list(sets.values())


def _list_firewalld(host: Host) -> List[Found]:
    """The sets that are services of firewalld; what a zone of a stopped firewalld says of them is not looked up."""
    sets: List[Found] = []
    for file in host.list_folder(_SERVICES):
        if file.startswith(CHAIN_PREFIX) and file.endswith(".xml"):
            try:
                ports = parse_service(host.read(f"{_SERVICES}/{file}") or b"").ports
            except ValueError:
                ports = ()
            name = file[: -len(".xml")]
            sets.append(_found(name, "both", "firewalld", "services", [str(port) for port in ports]))
    return sets


def _found(chain: str, family: str, frontend: str, table: str, rules: List[str]) -> Found:
    return {
        "name": chain[len(CHAIN_PREFIX) :],
        "family": family,
        "frontend": frontend,
        "table": table,
        "rules": rules,
    }
