# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The argument specification of the module certbot_certificate, for the module and for the action plugin before it."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS

_TEXT: Dict[str, Any] = {"type": "str"}
_PATH: Dict[str, Any] = {"type": "path"}
_NAMES: Dict[str, Any] = {"type": "list", "elements": "str"}
_COMMAND: Dict[str, Any] = {"type": "list", "elements": "str", "default": []}

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
_KEY_TYPES = ["ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"]
_REASONS = ["unspecified", "keycompromise", "affiliationchanged", "superseded", "cessationofoperation"]

# Options of a site that are the task's own where the site has none.
INHERITED = ("email", "server", "key_type", "owner", "group")

SITE_ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "names": _NAMES,
    "email": _TEXT,
    "server": _TEXT,
    "key_type": {"type": "str", "choices": _KEY_TYPES, "no_log": False},
    "owner": _TEXT,
    "group": _TEXT,
}

# Those with which the module certificate installs the pair.
INSTALLATION: Dict[str, Dict[str, Any]] = {
    "names": _NAMES,
    "trust": {"type": "str", "choices": ["system", "none"], "default": "system"},
    "ca": _TEXT,
    "directory": {"type": "path", "default": "/etc/port443"},
    "owner": _TEXT,
    "group": _TEXT,
    "keep": {"type": "int", "default": 2},
    "service": {"type": "str", "choices": [*WEB_SERVERS, "none"], "default": "nginx"},
    "service_config": _PATH,
    "test_command": _COMMAND,
    "reload_command": _COMMAND,
    "prove": {"type": "bool", "default": True},
    "prove_address": _TEXT,
    "prove_port": {"type": "int"},
    "prove_timeout": {"type": "int", "default": 10},
}

ARGUMENTS: Dict[str, Dict[str, Any]] = {
    "name": _TEXT,
    "sites": {"type": "list", "elements": "dict", "options": SITE_ARGUMENTS},
    "state": {"type": "str", "choices": ["present", "prepared", "absent", "revoked"], "default": "present"},
    "email": _TEXT,
    "account": _TEXT,
    "account_key_id": {"type": "str", "no_log": False},  # a name, not the key
    "account_mac_key": {"type": "str", "no_log": True},
    "terms_agreed": {"type": "bool"},
    "server": {"type": "str", "default": LETS_ENCRYPT},
    # no_log: it says which key, and is none.
    "key_type": {"type": "str", "choices": _KEY_TYPES, "default": "ecdsa-p256", "no_log": False},
    "webroot": {"type": "path", "default": "/var/lib/port443/acme"},
    "standalone_port": {"type": "int"},
    "revocation_reason": {"type": "str", "choices": _REASONS, "default": "unspecified"},
    "install": {"type": "bool", "default": False},
    "package": {"type": "list", "elements": "str", "default": ["certbot"]},
    **INSTALLATION,
}
EXCLUSIVE = [("name", "sites"), ("names", "sites")]
REQUIRED_ONE_OF = [("name", "sites")]
