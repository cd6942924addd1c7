# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Firewalls of packages that make iptables' rules from a configuration of their own: known by their unit or chains."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset, Table

_TARGETS = ("multi-user", "basic", "sysinit", "network-pre", "network", "network-online")
_SERVICES = ("/etc/rc2.d", "/etc/rcS.d", "/etc/runlevels/boot", "/etc/runlevels/default", "/etc/runlevels/sysinit")
_IPTABLES = ("iptables-nft", "iptables-legacy")


@dataclass(frozen=True)
class Packaged:
    """Such a firewall: its ``units`` (services of other init systems are named so, too), and how its chains are named.

    ``settings`` is where its user opens a port. A ``whole`` one makes the built-in chains anew, too, when it starts;
    the others only fill chains of their own.
    """

    name: str
    units: Tuple[str, ...]
    chains: str
    settings: str
    whole: bool = True

    def made(self, chain: str) -> bool:
        """Tells whether a chain is named as this one names its chains."""
        return bool(self.chains) and re.fullmatch(self.chains, chain) is not None


PACKAGED = (
    Packaged("pve-firewall", ("pve-firewall",), r"PVEFW-.+", "/etc/pve/firewall", whole=False),
    Packaged(
        "shorewall",
        ("shorewall", "shorewall6", "shorewall-lite", "shorewall6-lite"),
        r"shorewall|smurfs|logflags|sfilter|net[2-]fw|fw[2-]net",
        "/etc/shorewall/rules",
    ),
    Packaged("ferm", ("ferm",), "", "/etc/ferm/ferm.conf"),
    Packaged("firehol", ("firehol",), r"(?:in|out)_\w+_[sc]\d+", "/etc/firehol/firehol.conf"),
    Packaged("csf", ("csf", "lfd"), r"LOCALINPUT|LOGDROPIN|DENYIN|ALLOWIN", "/etc/csf/csf.conf"),
    Packaged("apf", ("apf", "apf-firewall"), r"TALLOW|TDENY|TGALLOW|TGDENY|REFRESH_TEMP", "/etc/apf/conf.apf"),
    Packaged("arno-iptables-firewall", ("arno-iptables-firewall",), r"EXT_INPUT_CHAIN", "/etc/arno-iptables-firewall"),
    Packaged("Calico", ("calico-felix", "calico-node"), r"cali-.+", "a policy of Calico for this host", whole=False),
    Packaged("ufw-docker", ("ufw-docker",), r"ufw-docker-.+", "/etc/ufw/after.rules", whole=False),
)


def find_packaged(host: FirewallHost, ruleset: Ruleset) -> Tuple[Packaged, ...]:
    """Returns those that start at boot, or whose chains are in iptables' tables."""
    enabled = _enabled_services(host)
    chains = [chain.name for table in ruleset if table.frontend in _IPTABLES for chain in table.chains]
    return tuple(one for one in PACKAGED if enabled.intersection(one.units) or any(map(one.made, chains)))


def _enabled_services(host: FirewallHost) -> FrozenSet[str]:
    names: List[str] = []
    for target in _TARGETS:
        names += [name.partition(".")[0] for name in host.list_folder(f"/etc/systemd/system/{target}.target.wants")]
    for folder in _SERVICES:
        names += [re.sub(r"^S\d\d", "", name) for name in host.list_folder(folder)]
    return frozenset(names)


def find_filled(packaged: Sequence[Packaged], table: Table) -> Tuple[str, ...]:
    """Returns the chains that such a firewall fills; of one that makes them all anew, every chain but the built-in."""
    whole = any(one.whole for one in packaged)
    chains = [chain.name for chain in table.chains if chain.hook is None]
    return tuple(name for name in chains if whole or any(one.made(name) for one in packaged))
