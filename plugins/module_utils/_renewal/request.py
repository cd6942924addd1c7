# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module certbot_certificate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._renewal.certbot import Account
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import KEY_TYPES
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import OPTIONS, RenewalPaths, SiteSettings

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"
REASONS = ("unspecified", "keycompromise", "affiliationchanged", "superseded", "cessationofoperation")

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "prepared", "absent", "revoked"], "default": "present"},
    "email": {"type": "str"},
    "account": {"type": "str"},
    "account_key_id": {"type": "str", "no_log": False},  # a name, not the key
    "account_mac_key": {"type": "str", "no_log": True},
    "terms_agreed": {"type": "bool", "default": False},
    "server": {"type": "str", "default": LETS_ENCRYPT},
    # no_log: it says which key, and is none.
    "key_type": {"type": "str", "choices": list(KEY_TYPES), "default": "ecdsa-p256", "no_log": False},
    "webroot": {"type": "path", "default": RenewalPaths.webroot},
    "standalone_port": {"type": "int"},
    "revocation_reason": {"type": "str", "choices": list(REASONS), "default": "unspecified"},
    **{option: _request.ARGUMENT_SPEC[option] for option in OPTIONS},
}
_ACCOUNT = re.compile(r"[0-9a-f]{32}")  # certbot/_internal/account.py: the MD5 of its public key
_WORD = re.compile(r"[!-~]+")
# What means itself in a configuration of certbot's; RFC 8555, 7.3.4: the key is base64url.
_KEY_ID = re.compile(r"[\w.:/@+=-]+", re.ASCII)
_MAC_KEY = re.compile(r"[\w-]+=*", re.ASCII)


@dataclass(frozen=True)
class RenewalRequest:
    """A checked request; ``names`` are normalised DNS names, ``settings`` what every renewal needs to know."""

    site: str
    state: str
    names: Tuple[str, ...]
    account: Account
    server: str
    key_type: str
    webroot: str
    standalone_port: Optional[int]
    revocation_reason: str
    settings: SiteSettings


def parse(params: Mapping[str, Any]) -> RenewalRequest:
    """Returns the request that validated module parameters make; raises RequestError for what cannot be meant."""
    settings = SiteSettings(params["name"], {option: params[option] for option in OPTIONS})
    # What the certificate has to be refused for later is refused now.
    checked = _request.parse(settings.params("", ""))
    settings = SiteSettings(checked.site, {**settings.options, "names": list(checked.demand.names)})
    if params["state"] == "present":
        _refuse_unprovable(checked.demand.names)
        if not params["terms_agreed"]:
            raise RequestError("read the terms of the CA, and set terms_agreed: true if you agree to them")
    for option in ("email", "server", "webroot"):
        if params[option] and (not _WORD.fullmatch(params[option]) or params[option].startswith("-")):
            raise RequestError(f"{option} {params[option]!r} is not one plain word")
    if not params["server"].startswith("https://"):
        raise RequestError(f"server {params['server']!r} is not the https:// address of a CA's directory")
    if not params["webroot"].startswith("/") or ".." in params["webroot"].split("/"):
        raise RequestError(f"webroot {params['webroot']!r} is not an absolute path without '..'")
    account = _read_account(params)
    if params["standalone_port"] is not None and not 1 <= params["standalone_port"] <= 65535:
        raise RequestError(f"standalone_port {params['standalone_port']} is not between 1 and 65535")
    return RenewalRequest(
        site=checked.site,
        names=checked.demand.names,
        account=account,
        webroot=params["webroot"].rstrip("/"),
        settings=settings,
        **{option: params[option] for option in ("state", "server", "key_type", "standalone_port")},
        revocation_reason=params["revocation_reason"],
    )


def _read_account(params: Mapping[str, Any]) -> Account:
    """The key itself is in no message."""
    account = Account(*(params[name] or "" for name in ("email", "account_key_id", "account_mac_key", "account")))
    if account.chosen and not _ACCOUNT.fullmatch(account.chosen):
        raise RequestError(
            f"account {account.chosen!r} is not how certbot calls one, that is 32 digits and letters from a to f: see "
            "the folders in /etc/letsencrypt/accounts"
        )
    if bool(account.key_id) != bool(account.mac_key):
        raise RequestError("account_key_id and account_mac_key go together: a CA that wants them gives out both")
    if account.key_id and not _KEY_ID.fullmatch(account.key_id):
        raise RequestError(f"account_key_id {account.key_id!r} is not one word of letters, digits and . : / @ + = _ -")
    if account.mac_key and not _MAC_KEY.fullmatch(account.mac_key):
        raise RequestError("account_mac_key is not base64url, that is letters, digits, - and _")
    return account


def _refuse_unprovable(names: Tuple[str, ...]) -> None:
    """RFC 8555, 7.1.3 and 8.3: a file on a web server proves a host name, and nothing below it."""
    for name in names:
        if name.startswith("*"):
            raise RequestError(f"{name}: a wildcard is proved by DNS alone (dns-01), which certbot does not do here")
        if is_address(name):
            raise RequestError(f"{name}: certificates for IP addresses are not asked for here: give host names")
