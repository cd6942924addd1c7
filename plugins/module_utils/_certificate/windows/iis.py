# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans which bindings in the configuration of IIS are to name another certificate, as microsoft.iis.website does it.

IIS serves with http.sys. Where its configuration names a certificate of its own for a binding, that one comes back when
IIS writes its bindings to http.sys again, so it has to be exchanged there as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Collection, Dict, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.windows.binding import name_address, name_host
from ansible_collections.port443.https.plugins.module_utils._certificate.windows.observation import IisBinding
from ansible_collections.port443.https.plugins.module_utils._errors import HostError

WEBSITE, WEBSITE_INFO = "microsoft.iis.website", "microsoft.iis.website_info"
_BY_NAME = 1  # sslFlags; 2 is the central store, and what is above that module does not carry over


@dataclass(frozen=True)
class IisExchange:
    """A binding of an IIS site that is to name a certificate, given by thumbprint and store."""

    binding: IisBinding
    thumbprint: str
    store: str

    def options(self) -> Dict[str, Any]:
        """Returns the binding as microsoft.iis.website takes it."""
        address, port, name = split_information(self.binding.information)
        return {
            "ip": address,
            "port": port,
            "hostname": name,
            "protocol": "https",
            "use_sni": bool(self.binding.flags & _BY_NAME),
            "certificate_hash": self.thumbprint,
            "certificate_store_name": self.store,
        }

    def command(self) -> str:
        """Returns what a person would type."""
        address, port, name = split_information(self.binding.information)
        site = self.binding.site.replace("'", "''")
        found = f"Get-WebBinding -Name '{site}' -IPAddress '{address}' -Port {port} -HostHeader '{name}'"
        return f"({found}).AddSslCertificate('{self.thumbprint}', '{self.store}')"


def split_information(information: str) -> Tuple[str, int, str]:
    """Returns address, port and host name of a binding, as in '[::1]:443:www.example.com'; raises HostError."""
    rest, _colon, name = information.rpartition(":")
    address, _colon, port = rest.rpartition(":")
    if not port.isdigit():
        raise HostError(f"IIS has a binding {information!r}, which is not address, port and host name")
    return address, int(port), name


def place_of(one: IisBinding) -> str:
    """Returns the place of http.sys that a binding of IIS is about, as netsh names it."""
    address, port, name = split_information(one.information)
    if one.flags & _BY_NAME:
        return name_host(name, port)
    try:
        return name_address("0.0.0.0" if address in ("", "*") else address.strip("[]"), port)  # noqa: S104
    except ValueError:
        raise HostError(f"IIS has a binding at {address!r}, which is no address") from None


def plan_exchanges(
    configured: Collection[IisBinding],
    superseded: Collection[str],
    places: Collection[str],
    thumbprint: str,
    store: str,
) -> Tuple[IisExchange, ...]:
    """Returns what is to be exchanged: what names a superseded certificate, and what is about one of the places.

    Only bindings that name a certificate themselves count. Raises HostError for what microsoft.iis cannot carry over.
    """
    found: List[IisExchange] = []
    for one in configured:
        if not one.thumbprint or one.thumbprint == thumbprint:
            continue
        if one.thumbprint not in superseded and place_of(one) not in places:
            continue
        if one.flags not in (0, _BY_NAME):
            raise HostError(
                f"the binding {one.information} of the IIS site {one.site!r} has sslFlags {one.flags}, which "
                f"{WEBSITE} would not carry over. Nothing was changed: exchange its certificate by hand"
            )
        found.append(IisExchange(one, thumbprint, store))
    return tuple(found)


def exchange(configured: Collection[IisBinding], done: Collection[IisExchange]) -> Tuple[IisBinding, ...]:
    """Returns the configuration once these are exchanged."""
    new = {one.binding: replace(one.binding, thumbprint=one.thumbprint, store=one.store) for one in done}
    return tuple(new.get(one, one) for one in configured)
