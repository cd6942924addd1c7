# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user may ask for: ports, sources, interfaces and the name of a rule set, checked and brought to one form."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, Callable, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import RuleError
from ansible_collections.port443.https.plugins.module_utils._options import MANAGED, UNSET, refuse_foreign_options

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
ServiceLookup = Callable[[str, str], int]

PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "dccp": 33}  # IANA, protocol-numbers
CHAIN_PREFIX = "port443-"

_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/([a-z]+)", re.ASCII)
_SERVICE = re.compile(r"([a-z][a-z0-9-]{0,31})(?:/([a-z]+))?", re.ASCII)
_BARE_NUMBER = re.compile(r"[0-9]+(?:-[0-9]+)?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}", re.ASCII)
# dev_valid_name() in the kernel's net/core/dev.c allows more; what tools print ambiguously is left out.
_INTERFACE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,14}", re.ASCII)
_TIMEOUT = re.compile(r"([0-9]{1,7})([smhd]?)", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = 30 * 86400  # who wants it longer wants it for good
_ANCHOR = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,62}", re.ASCII)
_ZONE = re.compile(r"[A-Za-z0-9_-]{1,17}", re.ASCII)

# Asked for most, so that a controller without /etc/services answers the same as one with it.
_SERVICES = {
    "domain": 53,
    "ftp": 21,
    "http": 80,
    "http-alt": 8080,
    "https": 443,
    "imap": 143,
    "imaps": 993,
    "ldap": 389,
    "ldaps": 636,
    "mqtt": 1883,
    "pop3": 110,
    "pop3s": 995,
    "smtp": 25,
    "ssh": 22,
    "submission": 587,
    "submissions": 465,
}


@dataclass(frozen=True, order=True)
class PortRule:
    """A port or a rising range of ports of one protocol; both ends inclusive."""

    protocol: str
    low: int
    high: int

    def __str__(self) -> str:
        number = str(self.low) if self.low == self.high else f"{self.low}-{self.high}"
        return f"{number}/{self.protocol}"


@dataclass(frozen=True)
class Request:
    """A rule set as asked for, every part checked; ``source`` and ``interface`` empty mean anyone and any.

    ``direction`` is in, out or both; ``timeout`` is in seconds, None for ever; ``zone`` empty is the zone of the
    interface that strangers arrive on; ``anchor`` empty is one of the set's own.
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
    zone: str = ""
    enable: bool = False
    anchor: str = ""

    @property
    def chain(self) -> str:
        """The name of the chain (or service, or anchor) that holds the set on a host."""
        return CHAIN_PREFIX + self.name

    @property
    def directions(self) -> Tuple[str, ...]:
        """In, out, or one after the other."""
        return ("in", "out") if self.direction == "both" else (self.direction,)

    def sources(self, family: int) -> Optional[Tuple[Network, ...]]:
        """The sources of IP version ``family`` (4 or 6); empty for anyone, None where that version stays shut."""
        if not self.source:
            return ()
        return tuple(network for network in self.source if network.version == family) or None


def parse_request(options: Mapping[str, Any], lookup: Optional[ServiceLookup] = None) -> Request:
    """Checks the module's options and returns them as a Request.

    ``options`` is the mapping of the modules' argument specification. ``lookup(name, protocol)`` returns the port of a
    service as ``socket.getservbyname`` does, raising OSError. Raises RuleError for what cannot be meant.
    """
    state = options.get("state") or "present"
    present = state == "present"
    ports = parse_ports(options.get("ports") or (), lookup) if present else ()
    if present and not ports:
        also = ", or use state: absent to remove the set" if "state" in options else ""
        raise RuleError(f"ports is empty: name at least one, such as 443/tcp{also}")
    timeout = parse_timeout(options["timeout"]) if options.get("timeout") is not None else None
    request = Request(
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
        zone=parse_zone(options.get("zone") or ""),
        enable=bool(options.get("enable", False)),
        anchor=parse_anchor(options.get("anchor") or ""),
    )
    _refuse_mixture(request)
    return request


def _refuse_mixture(request: Request) -> None:
    """Raises RuleError for options that are each right, but not together."""
    if request.backend in MANAGED:
        refuse_foreign(request, request.backend)
    for name in ("source", "interface", "zone"):
        if request.direction != "in" and getattr(request, name):
            raise RuleError(
                f"{name} is about who connects to this host, so it goes with direction: in alone: leave it out or make "
                "two sets, one for each direction"
            )


def refuse_foreign(request: Request, backend: str) -> None:
    """Raises RuleError where a request has an option that a firewall does not know."""
    refuse_foreign_options({name: getattr(request, name) for name in UNSET}, backend)


def parse_timeout(text: object) -> int:
    """Returns seconds from a number of them, or one with s, m, h or d behind it, such as ``30m``; raises RuleError."""
    given = str(text)
    parts = _TIMEOUT.fullmatch(given)
    seconds = int(parts.group(1)) * _UNITS[parts.group(2) or "s"] if parts else 0
    if not 1 <= seconds <= _LONGEST:
        raise RuleError(
            f"timeout {given!r} is not a time between one second and 30 days: write a number and s, m, h or d, such as "
            "30m or 2h"
        )
    return seconds


def parse_zone(text: str) -> str:
    """Returns the name of a firewalld zone, or raises RuleError."""
    if text and not _ZONE.fullmatch(text):
        raise RuleError(
            f"zone {text!r} cannot be a zone of firewalld: letters, digits, '-' and '_', at most 17, such as public"
        )
    return text


def parse_anchor(text: str) -> str:
    """Returns the name of an anchor of pf, or raises RuleError; PF_ANCHOR_NAME_SIZE ends it at 63 characters."""
    if text and not _ANCHOR.fullmatch(text):
        raise RuleError(f"anchor {text!r} cannot name an anchor of pf: a letter, then letters, digits, '.', '_', '-'")
    return text


def parse_name(text: str) -> str:
    """Returns the name of a rule set, or raises RuleError; 20 characters, as iptables' chain names end at 28."""
    if not _NAME.fullmatch(text):
        raise RuleError(
            f"name {text!r} cannot name a chain on the host: start with a lower-case letter, go on with lower-case "
            "letters, digits and '-', at most 20 characters, such as 'https' or 'web-internal'"
        )
    return text


def parse_ports(texts: Iterable[object], lookup: Optional[ServiceLookup] = None) -> Tuple[PortRule, ...]:
    """Returns the ports sorted, with overlaps and repeats merged; raises RuleError at the first that is none."""
    return merge_ports([parse_port(text, lookup) for text in texts])


def parse_port(text: object, lookup: Optional[ServiceLookup] = None) -> PortRule:
    """Returns one PortRule from ``443/tcp``, ``8000-8010/udp``, ``https`` or ``https/udp``; raises RuleError."""
    given = str(text)
    numeric = _PORT.fullmatch(given)
    if numeric:
        low = int(numeric.group(1))
        high = int(numeric.group(2)) if numeric.group(2) else low
        if not 1 <= low <= high <= 65535:
            raise RuleError(
                f"port {given!r} is not a port or a rising range between 1 and 65535, such as 443/tcp or 8000-8010/tcp"
            )
        return PortRule(_known_protocol(numeric.group(3), given), low, high)
    if _BARE_NUMBER.fullmatch(given):
        raise RuleError(f"port {given!r} names no protocol: write {given}/tcp or {given}/udp")
    service = _SERVICE.fullmatch(given)
    if service:
        return _service_port(service.group(1), service.group(2), given, lookup)
    raise RuleError(
        f"port {given!r} is not understood: write a number, '/' and a protocol without spaces, such as 443/tcp, "
        "8000-8010/tcp, or a service name such as https"
    )


def _known_protocol(protocol: str, given: str) -> str:
    if protocol not in PROTOCOL_NUMBERS:
        raise RuleError(
            "port {!r} has protocol {!r}; ports exist in {}".format(given, protocol, ", ".join(PROTOCOL_NUMBERS))
        )
    return protocol


def _service_port(name: str, protocol: Optional[str], given: str, lookup: Optional[ServiceLookup]) -> PortRule:
    wanted = _known_protocol(protocol, given) if protocol else "tcp"
    number = _SERVICES.get(name)
    if number is None and lookup is not None:
        try:
            number = lookup(name, wanted)
        except OSError:
            number = None
    if number is None:
        raise RuleError(
            f"port {given!r} is not a service known here for {wanted}: write its number, such as 443/{wanted}"
        )
    return PortRule(wanted, number, number)


def merge_ports(ports: Sequence[PortRule]) -> Tuple[PortRule, ...]:
    """Returns the same ports sorted by protocol and number, each port in one rule only; neighbours stay apart."""
    merged: List[PortRule] = []
    for port in sorted(set(ports)):
        last = merged[-1] if merged else None
        if last and last.protocol == port.protocol and port.low <= last.high:
            merged[-1] = PortRule(last.protocol, last.low, max(last.high, port.high))
        else:
            merged.append(port)
    return tuple(merged)


def parse_sources(texts: Iterable[object]) -> Tuple[Network, ...]:
    """Returns the networks sorted, IPv4 first, those that others contain left out; raises RuleError."""
    networks = [parse_source(text) for text in texts]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return tuple(ipaddress.collapse_addresses(four)) + tuple(ipaddress.collapse_addresses(six))


def parse_source(text: object) -> Network:
    """Returns one network from an address or a CIDR of either family; raises RuleError."""
    given = str(text)
    if "%" in given:
        raise RuleError(f"source {given!r} has a scope id: name the link with the option interface instead")
    if not given.isascii():
        raise RuleError(f"source {given!r} has characters that no address has")
    try:
        network = ipaddress.ip_network(given, strict=False)
    except ValueError:
        raise RuleError(
            f"source {given!r} is not an IPv4 or IPv6 address or network, such as 192.0.2.0/24 or 2001:db8::/32"
        ) from None
    try:
        return ipaddress.ip_network(given)
    except ValueError:
        raise RuleError(
            f"source {given!r} has host bits set: write {network} for the network, or the address alone for one host"
        ) from None


def parse_interfaces(texts: Iterable[object]) -> Tuple[str, ...]:
    """Returns the interface names sorted, each once; raises RuleError for what the kernel would not take."""
    for text in texts:
        if not _INTERFACE.fullmatch(str(text)):
            raise RuleError(
                f"interface {str(text)!r} is not the name of one network interface: at most 15 letters, digits, '.', "
                "'_', '-', ':' or '@', such as eth0"
            )
    return tuple(sorted({str(text) for text in texts}))
