# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The services that are known, a line each. Imports are static, as only what is imported so is sent to a host."""

from __future__ import annotations

from typing import Callable, Dict, Optional

from ansible_collections.port443.https.plugins.module_utils._certificate.request import CertificateRequest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._webservers.apache import Apache
from ansible_collections.port443.https.plugins.module_utils._webservers.base import NoService, OwnCommands, WebServer
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy import Haproxy
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx import Nginx

SERVICES: Dict[str, Callable[[Host, Optional[str]], WebServer]] = {
    "apache": Apache,
    "haproxy": Haproxy,
    "nginx": Nginx,
}


def choose_service(request: CertificateRequest, host: Host) -> WebServer:
    """Returns the service that a request names; for ``none`` the user's commands, or nothing where there are none."""
    if request.service != "none":
        return SERVICES[request.service](host, request.service_config)
    if request.reload_command:
        return OwnCommands(host, request.test_command, request.reload_command)
    return NoService()
