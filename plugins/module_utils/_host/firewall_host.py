# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host as firewalls need it: D-Bus, over which firewalld is asked, and deleting chains of nf_tables.

What installs certificates needs neither, and the program that renews them on a host comes without.
"""

from __future__ import annotations

from typing import Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host import dbus
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.nft_prune import delete_if_empty


class FirewallHost(Host):
    """The machine this runs on, with what its firewalls are changed by."""

    def prune(self, family: str, table: str, chain: str) -> None:
        """Deletes an empty chain of nf_tables, and its table if that was all; raises HostError."""
        delete_if_empty(family, table, chain)

    def ask(self, methods: Sequence[dbus.Method]) -> Tuple[dbus.Answer, ...]:
        """Calls methods of programs on the system's D-Bus, in order; raises HostError where there is no bus."""
        return dbus.ask(methods)
