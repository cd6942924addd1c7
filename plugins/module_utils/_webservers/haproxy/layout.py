# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where systems have HAProxy: a table from a system to its files."""

from __future__ import annotations

from typing import Optional

from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem, SiteLayout

# Their packages bring no configuration to add to.
_NOT_MANAGED = frozenset(("FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "Darwin"))
_MAIN = "/etc/haproxy/haproxy.cfg"
# Debian, RHEL, Fedora, SUSE, Alpine and Arch have it at the same places; Arch' /usr/sbin is a link to /usr/bin.
_LINUX = SiteLayout(
    packages=("haproxy",),
    service="haproxy",
    program="/usr/sbin/haproxy",
    main=_MAIN,
    block_in=_MAIN,
    pid_file="/run/haproxy.pid",
)


def find_layout(system: HostSystem) -> Optional[SiteLayout]:
    """Returns where a system has HAProxy, None where it is not managed there."""
    return None if system.family in _NOT_MANAGED else _LINUX
