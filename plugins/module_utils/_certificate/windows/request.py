# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the options of the module win_certificate."""

from __future__ import annotations

import hashlib
import ipaddress
import uuid
from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate import request as _pair_request
from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import (
    BINDINGS,
    NAME_ARGUMENTS,
    PAIR_ARGUMENTS,
)
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import name_address, name_host
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError, UserError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address, normalise_name, normalise_site

# Names this collection as the owner of bindings that it makes; those of the module sites end in digits of their site.
APPLICATION = "7d2b9a54-0f6e-4f2b-9a3c-443044300443"
_OURS = APPLICATION[:24]
_NAME = "port443:"  # what the friendly names of all certificates of ours begin with
STORES = ("My", "WebHosting")
ANY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # where http.sys looks for a binding, and nothing that listens
# Of a pair's options, what is about files and users of a POSIX host.
_NOT_HERE = ("remote_src", "owner", "group")
_PAIR = {name: option for name, option in PAIR_ARGUMENTS.items() if name not in _NOT_HERE}
# Options that mean what they mean in the module certificate.
SHARED_OPTIONS = (*NAME_ARGUMENTS, *_PAIR, "state", "trust", "ca", "ca_file", "minimum_days")

ARGUMENT_SPEC: Dict[str, Dict[str, Any]] = {
    **{name: _pair_request.ARGUMENT_SPEC[name] for name in ("state", "trust", "ca", "ca_file", "minimum_days")},
    **NAME_ARGUMENTS,
    **_PAIR,
    "store": {"type": "str", "choices": list(STORES), "default": "My"},
    "exportable": {"type": "bool", "default": False},
    "bindings": BINDINGS,
    "keep": {"type": "int", "default": 2},
    "prove": {"type": "bool", "default": True},
    "prove_timeout": {"type": "int", "default": 10},
}
MUTUALLY_EXCLUSIVE = [pair for pair in _pair_request.MUTUALLY_EXCLUSIVE if pair != ("name", "sites")]
REQUIRED_IF = _pair_request.PAIR_REQUIRED_IF


@dataclass(frozen=True)
class AskedBinding:
    """A place of http.sys in netsh's word, and the GUID of the application it is to have, empty for what it has."""

    place: str
    application: str


@dataclass(frozen=True)
class StoreRequest:
    """A checked request; ``prove_timeout`` is in seconds, ``keep`` counts the certificate that is in use.

    ``siblings`` are the applications of all sites of a task of the module sites, this one's included, and empty for
    any other task: such a site is all of its bindings, none of another program's, and its certificates may stay where
    it goes.
    """

    site: str
    state: str
    store: str
    exportable: bool
    bindings: Tuple[AskedBinding, ...]
    keep: int
    prove: bool
    prove_timeout: int
    siblings: FrozenSet[str] = frozenset()
    certificates_stay: bool = False

    @property
    def application(self) -> str:
        """The GUID that a new binding of the site gets, unless one is asked for."""
        return site_application(self.site) if self.siblings else APPLICATION

    def owns(self, application: str, carries: bool) -> bool:
        """Tells whether a binding goes with the site: by its application, and whether it carries one of its own."""
        if application == site_application(self.site):
            return carries or bool(self.siblings)
        return application == APPLICATION and carries and not self.certificates_stay

    @property
    def prefix(self) -> str:
        """What the names of the site's certificates begin with."""
        return f"{_NAME}{self.site}:"

    def name_of(self, thumbprint: str) -> str:
        """Returns the friendly name by which a certificate is known as the site's."""
        return self.prefix + thumbprint[:8]


def site_application(site: str) -> str:
    """Returns the GUID of the bindings that the module sites makes for a site, by which they are known as the site's.

    Two sites may have one certificate, so that what a binding carries does not tell whose it is.
    """
    return _OURS + hashlib.sha256(site.encode("utf-8")).hexdigest()[:12]


def site_of(friendly_name: str) -> str:
    """Returns the site that a certificate is of by its friendly name, empty for one that is not of this collection."""
    return friendly_name[len(_NAME) :].rpartition(":")[0] if friendly_name.startswith(_NAME) else ""


def is_of_a_site(application: str) -> bool:
    """Tells whether a binding was made by the module sites, whatever the site."""
    return application.startswith(_OURS) and application != APPLICATION


def parse(params: Mapping[str, Any]) -> StoreRequest:
    """Returns the request that validated parameters make; raises RequestError with all that cannot be meant."""
    wrong: List[str] = []
    for option, least, most in (("keep", 1, 100), ("prove_timeout", 1, 600)):
        if not least <= params[option] <= most:
            wrong.append(f"{option} {params[option]} is not between {least} and {most}")
    bindings: Dict[str, AskedBinding] = {}
    for number, given in enumerate(params["bindings"] or [], 1):
        try:
            asked = _read_binding(given)
        except UserError as problem:
            wrong.append(f"binding {number}: {problem.message}")
            continue
        for one in asked:
            known = bindings.setdefault(one.place, one)
            if known != one:
                wrong.append(f"binding {number}: {one.place} is there twice, with another appid")
    if wrong:
        raise RequestError("; ".join(wrong))
    return StoreRequest(
        site=normalise_site(params["name"]),
        bindings=tuple(bindings.values()),
        **{option: params[option] for option in ("state", "store", "exportable", "keep", "prove", "prove_timeout")},
    )


def pair_options(params: Mapping[str, Any]) -> Dict[str, Any]:
    """Returns the options of the module certificate for the pair, as far as they are given."""
    return {name: params[name] for name in SHARED_OPTIONS if params.get(name) is not None}


def _read_binding(given: Mapping[str, Any]) -> Tuple[AskedBinding, ...]:
    port = given["port"]
    if not 1 <= port <= 65535:
        raise RequestError(f"port {port} is not between 1 and 65535")
    application = _read_application(given["appid"])
    if given["sni"] is not None:
        if given["address"] is not None:
            raise RequestError("a binding by sni answers at every address: leave out address, or sni")
        name = normalise_name(given["sni"])
        if is_address(name) or name.startswith("*."):
            raise RequestError(f"sni {given['sni']!r} is not a host name that a client asks for: give one, or address")
        return (AskedBinding(name_host(name, port), application),)
    addresses = ANY_ADDRESS if given["address"] is None else (_read_address(given["address"]),)
    return tuple(AskedBinding(name_address(address, port), application) for address in addresses)


def _read_address(given: str) -> str:
    text = given[1:-1] if given.startswith("[") and given.endswith("]") else given
    try:
        return str(ipaddress.ip_address(text)) if "%" not in text else _refuse_address(given)
    except ValueError:
        return _refuse_address(given)


def _refuse_address(given: str) -> str:
    raise RequestError(
        f"address {given!r} is not an IP address: give one such as 192.0.2.7 or ::, or leave it out for all addresses"
    )


def _read_application(given: Any) -> str:
    if given is None:
        return ""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        raise RequestError(f"appid {given!r} is not a GUID such as {APPLICATION}") from None
