# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration languages that sites are rendered in; each is loaded when it is needed, as a run needs one."""

from __future__ import annotations

from typing import Callable, Dict

from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import SiteLanguage


def _load_apache() -> SiteLanguage:
    from ansible_collections.port443.https.plugins.module_utils._webservers.apache.language import ApacheLanguage

    return ApacheLanguage()


def _load_haproxy() -> SiteLanguage:
    from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.language import HaproxyLanguage

    return HaproxyLanguage()


def _load_lighttpd() -> SiteLanguage:
    from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.language import LighttpdLanguage

    return LighttpdLanguage()


def _load_nginx() -> SiteLanguage:
    from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.language import NginxLanguage

    return NginxLanguage()


LANGUAGES: Dict[str, Callable[[], SiteLanguage]] = {
    "apache": _load_apache,
    "haproxy": _load_haproxy,
    "lighttpd": _load_lighttpd,
    "nginx": _load_nginx,
}
"""Each language by the name of its server, loaded by a call."""
