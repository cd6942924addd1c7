# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where systems have lighttpd: a table from a system to its files."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem, SiteLayout

# Theirs runs in a chroot(2), or brings a configuration in parts of its own.
_NOT_MANAGED = frozenset(("FreeBSD", "OpenBSD", "NetBSD", "DragonFly", "Darwin"))
_MAIN = "/etc/lighttpd/lighttpd.conf"
# RHEL's EPEL, Fedora, SUSE, Alpine and Arch have the main file there; which folders it includes differs.
_LINUX = SiteLayout(
    packages=("lighttpd",),
    service="lighttpd",
    program="/usr/sbin/lighttpd",
    main=_MAIN,
    written_to="/etc/lighttpd",
    include_in=_MAIN,
    pid_file="/run/lighttpd.pid",
)
_DEBIAN = replace(
    _LINUX,
    packages=("lighttpd", "lighttpd-mod-openssl"),
    written_to="/etc/lighttpd/conf-enabled",
    include_in="",
    root="/var/www/html",
)


def find_layout(system: HostSystem) -> Optional[SiteLayout]:
    """Returns where a system has lighttpd, None where it is not managed there."""
    if system.family in _NOT_MANAGED:
        return None
    return _DEBIAN if system.family == "Debian" else _LINUX
