# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The firewalls and platforms that can be managed; each is loaded when it is needed, as most hosts have one of them."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._ports.firewall import Firewall, Platform


def _load_iptables() -> Firewall[Any, Any, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.backend import Iptables

    return Iptables()


def _load_firewalld() -> Firewall[Any, Any, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.backend import Firewalld

    return Firewalld()


def _load_nftables() -> Firewall[Any, Any, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.backend import Nftables

    return Nftables()


def _load_ufw() -> Firewall[Any, Any, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.backend import Ufw

    return Ufw()


def _load_pf() -> Firewall[Any, Any, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.backend import Pf

    return Pf()


BACKENDS: Dict[str, Callable[[], Any]] = {
    "iptables": _load_iptables,
    "firewalld": _load_firewalld,
    "nftables": _load_nftables,
    "ufw": _load_ufw,
    "pf": _load_pf,
}
"""Each firewall by its name, loaded by a call; those of Linux are LinuxFirewalls."""


def _firewalld_runs(host: FirewallHost) -> bool:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import is_running

    return is_running(host)


SERVICES: Dict[str, Callable[[FirewallHost], bool]] = {"firewalld": _firewalld_runs}
"""Those of them whose service may change rules at any time, and whether it runs."""


def platform_of(host: FirewallHost) -> Platform[Any]:
    """Returns the platform of a host; systems that are none of ours are refused by it."""
    if host.system() == "Linux":
        from ansible_collections.port443.https.plugins.module_utils._ports.platform_linux import Linux

        return Linux()
    from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.platform import PfPlatform

    return PfPlatform()
