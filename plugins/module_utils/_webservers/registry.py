# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The web servers that are known; each is loaded when it is needed, as most hosts have one of them."""

from __future__ import annotations

from typing import Callable, Dict, Optional

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Command,
    NoService,
    OwnCommands,
    WebServer,
)


def _load_apache(host: Host, config: Optional[str]) -> WebServer:
    from ansible_collections.port443.https.plugins.module_utils._webservers.apache.control import Apache

    return Apache(host, config)


def _load_haproxy(host: Host, config: Optional[str]) -> WebServer:
    from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.control import Haproxy

    return Haproxy(host, config)


def _load_lighttpd(host: Host, config: Optional[str]) -> WebServer:
    from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.control import Lighttpd

    return Lighttpd(host, config)


def _load_nginx(host: Host, config: Optional[str]) -> WebServer:
    from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.control import Nginx

    return Nginx(host, config)


SERVICES: Dict[str, Callable[[Host, Optional[str]], WebServer]] = {
    "apache": _load_apache,
    "haproxy": _load_haproxy,
    "lighttpd": _load_lighttpd,
    "nginx": _load_nginx,
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
