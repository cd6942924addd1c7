# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The web servers that are known; imported statically, as only that is sent to a host."""

from __future__ import annotations

from typing import Callable, Dict, Optional

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.control import Apache
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Command,
    NoService,
    OwnCommands,
    WebServer,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.control import Haproxy
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.control import Lighttpd
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.control import Nginx

SERVICES: Dict[str, Callable[[Host, Optional[str]], WebServer]] = {
    "apache": Apache,
    "haproxy": Haproxy,
    "lighttpd": Lighttpd,
    "nginx": Nginx,
}


def choose_service(
    host: Host, kind: str, config: Optional[str], test_command: Command, reload_command: Command
) -> WebServer:
    """Returns the service of a kind; for ``none`` the user's commands, or nothing where there are none."""
    if kind != "none":
        return SERVICES[kind](host, config)
    if reload_command:
        return OwnCommands(host, test_command, reload_command)
    return NoService()
