# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module certbot_certificate, alike on the controller and on the host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import request as _request
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    gather_problems,
    tell_doubles,
)
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._renewal.arguments import INHERITED, INSTALLATION
from ansible_collections.port443.https.plugins.module_utils._renewal.certbot import Account
from ansible_collections.port443.https.plugins.module_utils._renewal.settings import SiteSettings

_ACCOUNT = re.compile(r"[0-9a-f]{32}")  # certbot/_internal/account.py: the MD5 of its public key
_WORD = re.compile(r"[!-~]+")
# What means itself in a configuration of certbot's; RFC 8555, 7.3.4: the key is base64url.
_KEY_ID = re.compile(r"[\w.:/@+=-]+", re.ASCII)
_MAC_KEY = re.compile(r"[\w-]+=*", re.ASCII)


@dataclass(frozen=True)
class RenewalRequest:
    """What is asked for one site, checked; ``settings`` is what every renewal of it needs to know.

    ``names`` are normalised DNS names, ``given_names`` the same as they were given.
    """

    site: str
    state: str
    names: Tuple[str, ...]
    given_names: Tuple[str, ...]
    account: Account
    server: str
    key_type: str
    webroot: str
    standalone_port: Optional[int]
    revocation_reason: str
    settings: SiteSettings


@dataclass(frozen=True)
class RenewalTask:
    """What a task asks for: one site by its name, which is then ``single``, or a list of them; all in one state."""

    state: str
    sites: Tuple[RenewalRequest, ...]
    single: bool
    install: bool


def parse(params: Mapping[str, Any]) -> RenewalTask:
    """Returns what validated module parameters ask for; raises RequestError with all that cannot be meant."""
    single = params["sites"] is None
    given: List[Mapping[str, Any]] = [params] if single else [_join(params, site) for site in params["sites"]]
    sites: List[RenewalRequest] = []
    wrong: List[Tuple[str, str]] = []
    for number, one in enumerate(given):
        try:
            sites.append(_parse_site(one))
        except RequestError as problem:
            wrong.append((f"sites[{number}] ({one['name']})", problem.message))
    told = [*gather_problems(wrong, len(given)), *tell_doubles(site.site for site in sites)]
    if not given:
        told.append("sites is empty: list the sites, each with its name")
    if params["install"] and not params["package"]:
        told.append("package is empty: name the package that brings certbot, or leave it out")
    if told:
        raise RequestError("; ".join(told))
    return RenewalTask(params["state"], tuple(sites), single, params["install"])


def _join(params: Mapping[str, Any], site: Mapping[str, Any]) -> Dict[str, Any]:
    """The options of a task for one of its sites."""
    own = {option: site[option] for option in INHERITED if site.get(option) not in (None, "")}
    return {**params, "name": site["name"], "names": site.get("names"), **own}


def _parse_site(params: Mapping[str, Any]) -> RenewalRequest:
    settings = SiteSettings(params["name"], {option: params[option] for option in INSTALLATION})
    # What the certificate has to be refused for later is refused now.
    checked = _request.parse(settings.params("", ""))
    settings = SiteSettings(checked.site, {**settings.options, "names": list(checked.demand.names)})
    if params["state"] == "present":
        _refuse_unprovable(checked.demand.names)
    agreed, state = params["terms_agreed"], params["state"]
    # Who disagrees is told before anything is prepared; who only prepares need not have said it yet.
    if (state == "present" and not agreed) or (state == "prepared" and agreed is False):
        raise RequestError(
            f"read the terms of the CA, {params['server']}, and set terms_agreed: true if you agree to them"
        )
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
        given_names=tuple(name.strip() for name in params["names"] or [params["name"]]),
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
