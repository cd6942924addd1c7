# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A request for a rule set, checked and brought to one form: name, sources, interfaces, options of one firewall."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Iterable, Mapping, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED, UNSET, refuse_foreign_options
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule, ServiceLookup, parse_ports

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


CHAIN_PREFIX = "port443-"


_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}", re.ASCII)


# dev_valid_name() in the kernel's net/core/dev.c allows more; what tools print ambiguously is left out.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}", re.ASCII)


_TIMEOUT = re.compile(r"([0-9]{1,7})([smhd]?)", re.ASCII)


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


_LONGEST = 30 * 86400  # who wants it longer wants it for good
CONFIRM_AUTO, CONFIRM_NOT = "auto", ("0", "none", "None")
RISKY = "_risky"  # in a result: why nothing was begun, with CONFIRM_AUTO
_CONFIRM = (5, 3600)  # seconds: a connection takes some, and meanwhile no other run changes anything


_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}", re.ASCII)


_ZONE = re.compile(r"[A-Za-z0-9_-]{1,17}", re.ASCII)


@dataclass(frozen=True)
class PortsRequest:
    """A validated request for a rule set; ``source`` and ``interface`` empty mean anyone and any.

    ``direction`` is in, out or both; ``timeout`` is in seconds, None for ever; ``confirm`` too, None for none;
    ``zone`` empty is the zone of the interface that strangers arrive on; ``anchor`` empty is one of the set's own. What
    follows is for Windows, and checked where that is known to be meant; ``profiles`` None are those that it has there
    by default.
    """

    name: str
    ports: Tuple[PortRule, ...] = ()
    state: str = "present"
    source: Tuple[Network, ...] = ()
    interface: Tuple[str, ...] = ()
    direction: str = "in"
    backend: str = "auto"
    position: str = "auto"
    persistent: bool = True
    require_effective: bool = False
    adopt: bool = False
    timeout: Optional[int] = None
    confirm: Optional[int] = None
    zone: str = ""
    enable: bool = False
    anchor: str = ""
    profiles: Optional[Tuple[str, ...]] = None
    display_name: str = ""
    group: str = ""
    program: str = ""
    service: str = ""
    edge_traversal: bool = False

    @property
    def chain(self) -> str:
        """The name of the chain (or service, or anchor) that holds the set on a host."""
        return CHAIN_PREFIX + self.name

    @property
    def directions(self) -> Tuple[str, ...]:
        """The directions that the set is for: in, out, or both."""
        return ("in", "out") if self.direction == "both" else (self.direction,)

    def sources(self, family: int) -> Optional[Tuple[Network, ...]]:
        """The sources of IP version ``family`` (4 or 6); empty for anyone, None where that version stays shut."""
        if not self.source:
            return ()
        return tuple(network for network in self.source if network.version == family) or None


def parse_request(options: Mapping[str, Any], lookup: Optional[ServiceLookup] = None) -> PortsRequest:
    """Checks the module's options and returns them as a Request.

    ``options`` is the mapping of the modules' argument specification. ``lookup(name, protocol)`` returns the port of a
    service as ``socket.getservbyname`` does, raising OSError. Raises RequestError for what cannot be meant.
    """
    state = options.get("state") or "present"
    present = state == "present"
    ports = parse_ports(options.get("ports") or (), lookup) if present else ()
    if present and not ports:
        also = ", or use state: absent to remove the set" if "state" in options else ""
        raise RequestError(f"ports is empty: name at least one, such as 443/tcp{also}")
    timeout = parse_timeout(options["timeout"]) if options.get("timeout") is not None else None
    request = PortsRequest(
        name=parse_name(options.get("name", "https")),
        ports=ports,
        state=state,
        source=parse_sources(options.get("source") or ()),
        interface=parse_interfaces(options.get("interface") or ()),
        direction=options.get("direction") or "in",
        backend=options.get("backend") or "auto",
        position=options.get("position") or "auto",
        persistent=bool(options.get("persistent", True)) and timeout is None,
        require_effective=bool(options.get("require_effective", False)),
        adopt=bool(options.get("adopt", False)),
        timeout=timeout,
        confirm=parse_confirm(options.get("confirm")),
        zone=parse_zone(options.get("zone") or ""),
        enable=bool(options.get("enable", False)),
        anchor=parse_anchor(options.get("anchor") or ""),
        profiles=None if options.get("profiles") is None else tuple(options["profiles"]),
        edge_traversal=bool(options.get("edge_traversal", False)),
        **{name: options.get(name) or "" for name in ("display_name", "group", "program", "service")},
    )
    _refuse_mixture(request)
    return request


def _refuse_mixture(request: PortsRequest) -> None:
    """Raises RequestError for options that are each right, but not together."""
    if request.backend in MANAGED:
        refuse_foreign(request, request.backend)
    for name in ("source", "interface", "zone"):
        if request.direction != "in" and getattr(request, name):
            raise RequestError(
                f"{name} is about who connects to this host, so it goes with direction: in alone: leave it out or make "
                "two sets, one for each direction"
            )


def refuse_foreign(request: PortsRequest, backend: str) -> None:
    """Raises RequestError where a request has an option that a firewall does not know."""
    refuse_foreign_options({name: getattr(request, name) for name in UNSET}, backend)


def parse_timeout(text: object) -> int:
    """Returns seconds from a number of them, or one with s, m, h or d behind it, such as ``30m``; or RequestError."""
    given = str(text)
    seconds = _seconds_of(given)
    if not 1 <= seconds <= _LONGEST:
        raise RequestError(
            f"timeout {given!r} is not a time between one second and 30 days: write a number and s, m, h or d, such as "
            "30m or 2h"
        )
    return seconds


def parse_confirm(text: object) -> Optional[int]:
    """Returns the seconds for a confirmation, None for 0, none, auto and no text; or raises RequestError."""
    given = "" if text is None else str(text)
    if given in ("", *CONFIRM_NOT, CONFIRM_AUTO):
        return None
    seconds = _seconds_of(given)
    if not _CONFIRM[0] <= seconds <= _CONFIRM[1]:
        raise RequestError(
            f"confirm {given!r} is not a time between {_CONFIRM[0]} seconds and one hour: write a number and s or m, "
            "such as 60s, or auto or none"
        )
    return seconds


def _seconds_of(text: str) -> int:
    """Returns a time in seconds, 0 for what is none."""
    parts = _TIMEOUT.fullmatch(text)
    return int(parts.group(1)) * _UNITS[parts.group(2) or "s"] if parts else 0


def parse_zone(text: str) -> str:
    """Returns the name of a firewalld zone, or raises RequestError."""
    if text and not _ZONE.fullmatch(text):
        raise RequestError(
            f"zone {text!r} cannot be a zone of firewalld: letters, digits, '-' and '_', at most 17, such as public"
        )
    return text


def parse_anchor(text: str) -> str:
    """Returns the name of an anchor of pf, or raises RequestError; PF_ANCHOR_NAME_SIZE ends it at 63 characters."""
    if text and not _ANCHOR.fullmatch(text):
        raise RequestError(
            f"anchor {text!r} cannot name an anchor of pf: a letter, then letters, digits, '.', '_', '-'"
        )
    return text


def parse_name(text: str) -> str:
    """Returns the name of a rule set, or raises RequestError; 20 characters, as iptables' chain names end at 28."""
    if not _NAME.fullmatch(text):
        raise RequestError(
            f"name {text!r} cannot name a chain on the host: start with a lower-case letter, go on with lower-case "
            "letters, digits and '-', at most 20 characters, such as 'https' or 'web-internal'"
        )
    return text


def parse_sources(texts: Iterable[object]) -> Tuple[Network, ...]:
    """Returns the networks sorted, IPv4 first, those that others contain left out; raises RequestError."""
    networks = [parse_source(text) for text in texts]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return tuple(ipaddress.collapse_addresses(four)) + tuple(ipaddress.collapse_addresses(six))


def parse_source(text: object) -> Network:
    """Returns one network from an address or a CIDR of either family; raises RequestError."""
    given = str(text)
    if "%" in given:
        raise RequestError(f"source {given!r} has a scope id: name the link with the option interface instead")
    if not given.isascii():
        raise RequestError(f"source {given!r} has characters that no address has")
    try:
        network = ipaddress.ip_network(given, strict=False)
    except ValueError:
        raise RequestError(
            f"source {given!r} is not an IPv4 or IPv6 address or network, such as 192.0.2.0/24 or 2001:db8::/32"
        ) from None
    try:
        return ipaddress.ip_network(given)
    except ValueError:
        raise RequestError(
            f"source {given!r} has host bits set: write {network} for the network, or the address alone for one host"
        ) from None


def parse_interfaces(texts: Iterable[object]) -> Tuple[str, ...]:
    """Returns the interface names sorted, each once; raises RequestError for what the kernel would not take."""
    for text in texts:
        if not _INTERFACE.fullmatch(str(text)):
            raise RequestError(
                f"interface {str(text)!r} is not the name of one network interface: at most 15 letters, digits, '.', "
                "'_', '-', ':' or '@', such as eth0"
            )
    return tuple(sorted({str(text) for text in texts}))
