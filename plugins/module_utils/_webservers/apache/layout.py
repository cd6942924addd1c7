# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where systems have Apache and its files, and the CAs that they trust."""

from __future__ import annotations

from typing import Dict, Optional

from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem, SiteLayout

_DEBIAN = SiteLayout(
    packages=("apache2",),
    service="apache2",
    program="apache2ctl",  # the program itself wants variables that this one sets
    main="/etc/apache2/apache2.conf",
    written_to="/etc/apache2/sites-available",
    linked_from="/etc/apache2/sites-enabled",
    root="/var/www/html",
    modules="/usr/lib/apache2/modules",
    pid_file="/run/apache2/apache2.pid",
)
_RHEL = SiteLayout(
    packages=("httpd", "mod_ssl"),
    service="httpd",
    program="httpd",
    main="/etc/httpd/conf/httpd.conf",
    written_to="/etc/httpd/conf.d",
    root="/var/www/html",
    modules="modules",
    pid_file="/run/httpd/httpd.pid",
)
_ALPINE = SiteLayout(
    packages=("apache2", "apache2-ssl", "apache2-proxy", "apache2-http2"),
    service="apache2",
    program="httpd",
    main="/etc/apache2/httpd.conf",
    written_to="/etc/apache2/conf.d",
    root="/var/www/localhost/htdocs",
    modules="modules",
    pid_file="/run/apache2/httpd.pid",
)
_ARCH = SiteLayout(
    packages=("apache",),
    service="httpd",
    program="httpd",
    main="/etc/httpd/conf/httpd.conf",
    written_to="/etc/httpd/conf/extra",
    include_in="/etc/httpd/conf/httpd.conf",
    root="/srv/http",
    modules="modules",
    pid_file="/run/httpd/httpd.pid",
)
_LAYOUTS: Dict[str, Optional[SiteLayout]] = {
    "Debian": _DEBIAN,
    "Alpine": _ALPINE,
    "Archlinux": _ARCH,
    "FreeBSD": None,
    "OpenBSD": None,
    "Darwin": None,
}
# What SSLProxyVerify takes where a site names no CA: Apache has no default of its own.
_RHEL_CAS = "/etc/pki/tls/certs/ca-bundle.crt"


def find_layout(system: HostSystem) -> Optional[SiteLayout]:
    """Returns where a system has Apache; None where it is not managed. A Linux that is not known is like RHEL."""
    return _LAYOUTS.get(system.family, _RHEL)


def find_system_cas(layout: SiteLayout) -> str:
    """Returns the file with the CAs that the system trusts."""
    rhel = layout.modules == "modules" and layout.main == _RHEL.main and not layout.include_in
    return _RHEL_CAS if rhel else "/etc/ssl/certs/ca-certificates.crt"


def find_server_root(layout: SiteLayout) -> str:
    """Returns the ServerRoot that is built in, from which relative paths go out."""
    folder = layout.main.rpartition("/")[0]
    return folder[: -len("/conf")] if folder.endswith("/conf") else folder
