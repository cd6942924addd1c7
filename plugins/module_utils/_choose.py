# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which firewall is in charge of a host, decided from the rules that are there, or why that cannot be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._port_rule import CHAIN_PREFIX
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Rule, Ruleset, Table

NONE = "none"
MANAGED = ("iptables",)

# Native tables that a program keeps for itself; nobody manages the host's firewall with them.
_PROGRAMS = (
    "f2b-",
    "fail2ban",
    "crowdsec",
    "sshguard",
    "docker",
    "libvirt",
    "kube-proxy",
    "cilium",
    "netavark",
    "podman",
    "wg-quick-",
    "incus",
    "lxd",
    "netbird",
)
_FIREWALLD_CHAINS = ("INPUT_ZONES", "INPUT_direct")
_UFW_JUMPS = ("ufw-before-input", "ufw6-before-input")


@dataclass(frozen=True)
class Choice:
    """The backend to use; ``none`` where nothing on the host filters."""

    backend: str


def choose(ruleset: Ruleset, asked: str) -> Choice:
    """Returns the backend for what the kernel holds; ``asked`` is the option backend.

    Raises HostError where the firewall in charge is not managed here, or where two are.
    """
    if asked != "auto":
        return Choice(asked)
    managers = find_managers(ruleset)
    if not managers:
        return Choice(NONE)
    if len(managers) > 1:
        raise HostError(
            "two firewalls filter what reaches this host: {}. Switch one off, or say which one is meant with the "
            "option backend ({})".format(_named(managers), ", ".join(MANAGED))
        )
    name = next(iter(managers))
    if name not in MANAGED:
        raise HostError(
            f"the firewall in charge of this host is {_named(managers)}, which this version does not manage: open "
            "the ports with its own tools, or insist with backend: iptables"
        )
    return Choice(name)


def _named(managers: Dict[str, str]) -> str:
    return " and ".join(f"{name} ({evidence})" for name, evidence in managers.items())


def find_managers(ruleset: Ruleset) -> Dict[str, str]:
    """Returns each firewall that filters what comes in, with the rules that show it."""
    found: Dict[str, str] = {}
    for table in ruleset:
        name = _native_manager(table) if table.frontend == "nft" else _iptables_manager(table)
        if name:
            found.setdefault(name, f"{table.frontend} table {table.family} {table.name}")
    if "iptables" in found and ("ufw" in found or "firewalld" in found) and not _own_rules(ruleset):
        del found["iptables"]
    return found


def filters_input(table: Table) -> bool:
    """Tells whether an iptables filter table does anything to what comes in, our own sets left out."""
    chain = table.chain("INPUT")
    return chain is not None and (chain.policy == "drop" or any(not _is_ours(rule) for rule in chain.rules))


def _is_ours(rule: Rule) -> bool:
    return rule.target.startswith(CHAIN_PREFIX)


def _iptables_manager(table: Table) -> Optional[str]:
    if table.name != "filter":
        return None
    chain = table.chain("INPUT")
    targets = {rule.target for rule in chain.rules} if chain else set()
    if targets.intersection(_UFW_JUMPS):
        return "ufw"
    if targets.intersection(_FIREWALLD_CHAINS):
        return "firewalld"
    has_set = any(other.name.startswith(CHAIN_PREFIX) for other in table.chains)
    return "iptables" if has_set or filters_input(table) else None


def _native_manager(table: Table) -> Optional[str]:
    if table.name == "firewalld":
        return "firewalld"
    if table.name.startswith(_PROGRAMS):
        return None
    return "nftables" if any(_filters_natively(chain) for chain in table.chains) else None


def _filters_natively(chain: Chain) -> bool:
    hooked = chain.hook in ("ingress", "prerouting", "input") and chain.kind == "filter"
    return hooked and (chain.policy == "drop" or bool(chain.rules))


def _own_rules(ruleset: Sequence[Table]) -> bool:
    """Whether somebody keeps rules of his own in INPUT beside a manager's, which alone would be a second manager."""
    for table in ruleset:
        chain = table.chain("INPUT") if table.name == "filter" and table.frontend != "nft" else None
        if chain is None or _iptables_manager(table) != "iptables":
            continue
        if chain.policy == "drop" or any(
            not _is_ours(rule) and rule.verdict in ("drop", "reject") for rule in chain.rules
        ):
            return True
    return False
