# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration languages that sites are rendered in; imported statically, as only that is sent to a host."""

from __future__ import annotations

from typing import Dict

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.language import ApacheLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.language import HaproxyLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.language import LighttpdLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.language import NginxLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import SiteLanguage

LANGUAGES: Dict[str, SiteLanguage] = {
    "apache": ApacheLanguage(),
    "haproxy": HaproxyLanguage(),
    "lighttpd": LighttpdLanguage(),
    "nginx": NginxLanguage(),
}
