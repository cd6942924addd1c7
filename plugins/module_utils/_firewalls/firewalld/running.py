# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Asks the system's D-Bus whether firewalld runs.

Every run on every host asks that, so nothing else of firewalld is read for it.
"""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.dbus import BUS_SOCKET, Method
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

NAME = "org.fedoraproject.FirewallD1"
_BUS = "org.freedesktop.DBus"
_HAS_OWNER = Method(_BUS, "/org/freedesktop/DBus", _BUS, "NameHasOwner", "s", (NAME,))


def is_running(host: FirewallHost) -> bool:
    """Tells whether firewalld is on the system's D-Bus; it is not started by that.

    Without a bus that answers it does not run, and nor could it be told anything.
    """
    try:
        return host.has_link(BUS_SOCKET) and tuple(host.ask((_HAS_OWNER,))) == ((True,),)
    except HostError:
        return False
