# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The argument specification of the module sites, for the module and for the action plugin before it."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import PAIR_ARGUMENTS
from ansible_collections.port443.https.plugins.module_utils._spec.mail_servers import MAIL_SERVERS
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS
from ansible_collections.port443.https.plugins.module_utils._webservers.values import REDIRECT_CODES

_TEXT: Dict[str, Any] = {"type": "str"}
_PATH: Dict[str, Any] = {"type": "path"}
_LINES: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}
_EMPTY: Dict[str, Any] = {"type": "str", "default": ""}

# Options that are lines of a configuration.
LINES = ("directives", "http_directives")

# Of these a location has exactly one.
ANSWERS = ("proxy_pass", "root", "php", "redirect_to", "directives")

LOCATION_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "proxy_pass": {"type": "list", "elements": "str", "no_log": False},  # no password, whatever the name ends in
    "root": _PATH,
    "php": _TEXT,
    "redirect_to": _TEXT,
    "redirect_code": {"type": "int", "choices": list(REDIRECT_CODES), "default": 301},
    "directives": _LINES,
}

SITE_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "names": {"type": "list", "elements": "str"},
    "root": _PATH,
    "make_root": {"type": "bool", "default": False},
    "proxy_pass": {"type": "list", "elements": "str", "no_log": False},  # no password, whatever the name ends in
    "health_path": _EMPTY,
    "verify_backend": {"type": "bool", "default": True},
    "backend_ca": _PATH,
    "locations": {"type": "list", "elements": "dict", "options": LOCATION_ARGUMENTS, "default": []},
    "redirect": {"type": "bool", "default": True},
    "hsts_max_age": {"type": "int", "default": 0},
    "default_server": {"type": "bool", "default": False},
    "directives": _LINES,
    "certificate_path": _PATH,
    "key_path": _PATH,
    "acme": {"type": "dict"},
    "client_ca": _PATH,
    "client_verification": {"type": "str", "choices": ["none", "optional", "required"]},
    "users_file": _PATH,
    "security_headers": {"type": "bool", "default": False},
    "also_reload": {"type": "list", "elements": "str", "choices": list(MAIL_SERVERS), "default": []},
    **PAIR_ARGUMENTS,
}

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "server": {"type": "str", "choices": list(WEB_SERVERS), "default": "nginx"},
    "sites": {"type": "list", "elements": "dict", "options": SITE_ARGUMENTS, "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "purge": {"type": "bool", "default": False},
    "remove_certificates": {"type": "bool", "default": False},
    "port": {"type": "int", "default": 443},
    "http_port": {"type": "int", "default": 80},
    "ipv6": {"type": "bool", "default": True},
    "http2": {"type": "bool", "default": True},
    "http3": {"type": "bool", "default": False},
    "profile": {"type": "str", "choices": ["intermediate", "modern"], "default": "intermediate"},
    "unknown_names": {"type": "str", "choices": ["refuse", "serve"], "default": "refuse"},
    "trusted_proxies": _LINES,
    "proxy_protocol": {"type": "bool", "default": False},
    "http_directives": _LINES,
    "acme_root": {"type": "path", "default": "/var/lib/port443/acme"},
    "acme_port": {"type": "int", "default": 0},
    "certificates_follow": {"type": "bool", "default": False},
    "certificate_directory": {"type": "path", "default": "/etc/port443"},
    "directory": _PATH,
    "config": _PATH,
    "firewall": {"type": "dict"},
    "install": {"type": "bool", "default": True},
    "package": _LINES,
    "service": _TEXT,
    "trust": {"type": "str", "choices": ["system", "none"], "default": "system"},
    "ca": _TEXT,
    "ca_file": _PATH,
    "own_ca": _PATH,
    "passphrase": {"type": "str", "no_log": True},
    "minimum_days": {"type": "int", "default": 0},
    "keep": {"type": "int", "default": 2},
    "prove_timeout": {"type": "int", "default": 10},
}


def entry_for(params: Mapping[str, Any]) -> str:
    """Returns which code a run needs, as ``entry_of`` is asked for it: that about ports goes where there are any."""
    return "sites" if params.get("firewall") is None else "sites_and_ports"
