# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds which firewall owns the tables that filter, from the rules alone."""

from __future__ import annotations

from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.match import rule_matches
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import HOST, UNLISTED_SOURCE, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

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
# The families whose tables connections to this host are opened in. What drops in others (ebtables and arptables make
# such tables, too, and iptables-nft one for firewalld) is no second manager: nobody opens a port there.
_FAMILIES = ("ip", "ip6", "inet")
# The second is there in panic mode, and while firewalld loads its rules.
_FIREWALLD_TABLES = ("firewalld", "firewalld_policy_drop")
BASES = {"in": "INPUT", "out": "OUTPUT"}
"""The chain of iptables that connections of a direction pass."""

_HOOKS = {"in": ("ingress", "prerouting", "input"), "out": ("output", "postrouting", "egress")}
_KINDS = tuple((family, PROTOCOL_NUMBERS[protocol]) for family in (4, 6) for protocol in ("tcp", "udp"))
_STRANGERS = {
    "in": tuple(Packet(*kind) for kind in _KINDS),
    "out": tuple(
        Packet(
            *kind,
            (0, 65535),
            (1024, 65535),
            HOST,
            UNLISTED_SOURCE,
            "",
            None,
            source_type="LOCAL",
            destination_type="UNICAST",
        )
        for kind in _KINDS
    ),
}
_FIREWALLD_CHAINS = ("INPUT_ZONES", "INPUT_direct")
_UFW_JUMPS = ("ufw-before-input", "ufw6-before-input")


def find_managers(ruleset: Ruleset, directions: Sequence[str] = ("in",)) -> Dict[str, str]:
    """Returns each firewall that filters connections of these directions, with the rules that show it."""
    found: Dict[str, str] = {}
    for table in ruleset:
        native = table.frontend == "nft"
        name = _native_manager(table, directions) if native else _iptables_manager(table, directions)
        if name:
            found.setdefault(name, f"{table.frontend} table {table.family} {table.name}")
    if "iptables" in found and len(found) > 1 and not _own_rules(ruleset):
        del found["iptables"]
    if "nftables" in found and len(found) > 1 and not _may_drop_natively(ruleset, directions):
        del found["nftables"]
    return found


def is_kept_by_program(table: Table) -> bool:
    """Tells whether a native table belongs to a program that makes it anew whenever it likes."""
    return table.name in _FIREWALLD_TABLES or table.name.startswith(_PROGRAMS)


def filters(table: Table, base: str = "INPUT") -> bool:
    """Tells whether a base chain of an iptables filter table does anything, our own sets left out."""
    chain = table.chain(base)
    return chain is not None and (chain.policy == "drop" or any(not _is_ours(rule) for rule in _effective(table, base)))


def _effective(table: Table, base: str = "INPUT") -> Tuple[Rule, ...]:
    """The rules of a chain, without those that lead to an empty one: a ufw that was switched off leaves such rules."""
    chain = table.chain(base)
    empty = {other.name for other in table.chains if not other.rules}
    return tuple(rule for rule in chain.rules if rule.target not in empty) if chain else ()


def _is_ours(rule: Rule) -> bool:
    return rule.target.startswith(CHAIN_PREFIX)


def _iptables_manager(table: Table, directions: Sequence[str] = ("in",)) -> Optional[str]:
    if table.name != "filter":
        return None
    if any(rule.target in _UFW_JUMPS for rule in _effective(table)):
        return "ufw"
    chain = table.chain("INPUT")
    if any(rule.target in _FIREWALLD_CHAINS for rule in (chain.rules if chain else ())):
        return "firewalld"
    has_set = any(other.name.startswith(CHAIN_PREFIX) for other in table.chains)
    return "iptables" if has_set or any(filters(table, BASES[one]) for one in directions) else None


def _may_drop_natively(ruleset: Ruleset, directions: Sequence[str]) -> bool:
    """Whether nft's own tables can block anything; some count and mark alone, and one may hold our set and no more."""
    native = [table for table in ruleset if table.frontend == "nft"]
    chains = [chain for one in native if _native_manager(one, directions) == "nftables" for chain in one.chains]
    hooks = [None, *_hooks_of(directions)]
    return any(
        chain.policy == "drop"
        or any(rule.verdict == "opaque" or _may_shut_out(rule, directions) for rule in chain.rules)
        for chain in chains
        if chain.hook in hooks
    )


def _native_manager(table: Table, directions: Sequence[str]) -> Optional[str]:
    if table.name in _FIREWALLD_TABLES:
        return "firewalld"
    if table.family not in _FAMILIES or table.name.startswith(_PROGRAMS):
        return None
    hooks = _hooks_of(directions)
    return "nftables" if any(_filters_natively(chain, hooks) for chain in table.chains) else None


def _hooks_of(directions: Sequence[str]) -> List[str]:
    return [hook for direction in directions for hook in _HOOKS[direction]]


def _filters_natively(chain: Chain, hooks: Sequence[str]) -> bool:
    hooked = chain.hook in hooks and chain.kind == "filter"
    return hooked and (chain.policy == "drop" or bool(chain.rules))


def _own_rules(ruleset: Sequence[Table]) -> bool:
    """Whether somebody keeps rules of his own in INPUT beside a manager's, which alone would be a second manager."""
    for table in ruleset:
        chain = table.chain("INPUT") if table.name == "filter" and table.frontend != "nft" else None
        if chain is None or _iptables_manager(table) != "iptables" or _is_shut_by_ufw(chain):
            continue
        if chain.policy == "drop" or any(_may_shut_out(rule, ("in",)) for rule in chain.rules):
            return True
    return False


def _may_shut_out(rule: Rule, directions: Sequence[str]) -> bool:
    """Whether a rule may stop who is nobody in particular: to ban some addresses is not to manage a firewall.

    Of a set that could not be read nothing is known but that somebody is in it, as with most bans.
    """
    if any(match.field == "source_set" and not match.negated for match in rule.matches):
        return False
    packets = (packet for direction in directions for packet in _STRANGERS[direction])
    return rule.verdict in ("drop", "reject") and any(rule_matches(rule, packet) is not False for packet in packets)


def _is_shut_by_ufw(chain: Chain) -> bool:
    """Whether INPUT lets in loopback alone: so ufw leaves IPv6 where it is told not to manage it."""
    return chain.policy == "drop" and [rule.text for rule in chain.rules] == ["-A INPUT -i lo -j ACCEPT"]
