# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes ufw's settings: enabled, IPv6, its policies, and whether the host starts it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot import starts

DEFAULTS = "/etc/default/ufw"
CONFIGURATION = "/etc/ufw/ufw.conf"
LOCK = "/run/ufw.lock"
_SETTING = re.compile(r'^(\w+)="?(\w+)"?', re.ASCII | re.MULTILINE)
_IPV6 = "/proc/sys/net/ipv6"
_STARTED_BY = (
    "/etc/systemd/system/multi-user.target.wants/ufw.service",
    "/etc/rcS.d/S01ufw",
    "/etc/runlevels/boot/ufw",
    "/etc/runlevels/default/ufw",
)


@dataclass(frozen=True)
class UfwSettings:
    """``values`` are the settings by their names in capitals, in small letters; ``at_boot``: the host starts ufw."""

    installed: bool
    values: Dict[str, str]
    kernel_has_ipv6: bool
    at_boot: bool

    @property
    def enabled(self) -> bool:
        """Whether ufw is switched on."""
        return self.values.get("ENABLED") == "yes"

    @property
    def ipv6(self) -> bool:
        """Whether ufw keeps rules for IPv6; without, it blocks all of it."""
        return self.values.get("IPV6") == "yes" and self.kernel_has_ipv6

    @property
    def filters_at_boot(self) -> bool:
        """Whether the next boot loads the rules."""
        return self.enabled and self.at_boot

    def policy(self, hook: str) -> str:
        """What becomes of packets that no rule decides about: ACCEPT, DROP or REJECT; ``hook`` as iptables has it."""
        return self.values.get(f"DEFAULT_{hook}_POLICY", "drop").upper()


def observe_settings(host: FirewallHost) -> UfwSettings:
    """Reads ufw's settings; no command is run."""
    values: Dict[str, str] = {}
    for path in (DEFAULTS, CONFIGURATION):
        text = (host.read(path) or b"").decode("utf-8", "replace")
        values.update((name, value.lower()) for name, value in _SETTING.findall(text))
    started = starts(host, _STARTED_BY)
    return UfwSettings(host.find("ufw") is not None, values, bool(host.list_folder(_IPV6)), started)
