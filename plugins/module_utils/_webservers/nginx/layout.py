# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where systems have nginx: a table of layouts, and which of them a host has."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem, SiteLayout

_MAIN = "/etc/nginx/nginx.conf"
_LINKS = "/etc/nginx/sites-enabled"
_ALPINE = "/etc/nginx/http.d"
_BREW_OF_APPLE_SILICON = "/opt/homebrew"

# What tells layouts of one family apart: whoever makes a HostSystem looks for these.
LOOKED_AT = (_MAIN, _LINKS, _ALPINE, f"{_BREW_OF_APPLE_SILICON}/bin/brew")

_DEFAULT = SiteLayout(
    packages=("nginx",),
    service="nginx",
    program="/usr/sbin/nginx",
    main=_MAIN,
    written_to="/etc/nginx/conf.d",
    root="/usr/share/nginx/html",
    pid_file="/run/nginx.pid",
)
_DEBIAN = replace(_DEFAULT, written_to="/etc/nginx/sites-available", linked_from=_LINKS, root="/var/www/html")
# Its conf.d is included beside http{}, not in it.
_OF_ALPINE = replace(_DEFAULT, written_to=_ALPINE, root="/var/lib/nginx/html")
_ARCH = replace(_DEFAULT, include_in=_MAIN)
_FREEBSD = SiteLayout(
    packages=("nginx",),
    install=("env", "ASSUME_ALWAYS_YES=yes", "pkg", "install"),  # without it pkg(7) asks before it fetches itself
    service="nginx",
    program="/usr/local/sbin/nginx",
    main="/usr/local/etc/nginx/nginx.conf",
    written_to="/usr/local/etc/nginx",
    include_in="/usr/local/etc/nginx/nginx.conf",  # the file that comes with the port includes nothing
    root="/usr/local/www/nginx",
    pid_file="/var/run/nginx.pid",
)
_OPENBSD = SiteLayout(
    packages=("nginx--",),  # without the dashes pkg_add would ask which flavour is meant
    install=("pkg_add", "-I"),
    service="nginx",
    program="/usr/local/sbin/nginx",
    main=_MAIN,
    written_to="/etc/nginx",
    include_in=_MAIN,
    root="/var/www/htdocs",  # nginx sees nothing outside of /var/www, where the package puts it in a chroot(2)
    pid_file="/var/run/nginx.pid",
)
_TABLE = {
    "Debian": _DEBIAN,
    "RedHat": _DEFAULT,
    "Suse": replace(_DEFAULT, root="/srv/www/htdocs"),
    "Alpine": _OF_ALPINE,
    "Archlinux": _ARCH,
    "FreeBSD": _FREEBSD,
    "OpenBSD": _OPENBSD,
}


def find_layout(system: HostSystem) -> Optional[SiteLayout]:
    """Returns where nginx is or will be; on Linux, a system that is not in the table has conf.d.

    nginx.org's packages have conf.d on every Linux, in http{}: they are told by the main file that is there without
    the folder of the distribution's own.
    """
    if system.family == "Darwin":
        return _homebrew(_BREW_OF_APPLE_SILICON if LOOKED_AT[-1] in system.existing else "/usr/local")
    layout = _TABLE.get(system.family, _DEFAULT)
    own_folder = {"Debian": _LINKS, "Alpine": _ALPINE}.get(system.family)
    if own_folder and _MAIN in system.existing and own_folder not in system.existing:
        return _DEFAULT
    return layout


def _homebrew(prefix: str) -> SiteLayout:
    """Homebrew's nginx includes every file of servers/; ``install`` has to run as the owner of ``brew``.

    Its services are root's with root's rights, which port 443 and the keys need.
    """
    return SiteLayout(
        packages=("nginx",),
        install=(f"{prefix}/bin/brew", "install"),
        service="nginx",
        program=f"{prefix}/bin/nginx",
        main=f"{prefix}/etc/nginx/nginx.conf",
        written_to=f"{prefix}/etc/nginx/servers",
        root=f"{prefix}/var/www",
        pid_file=f"{prefix}/var/run/nginx.pid",
        start=(f"{prefix}/bin/brew", "services", "start", "nginx"),
        reload=(f"{prefix}/bin/nginx", "-s", "reload"),
    )
