# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the ports of a request, single ones and ranges, and merges them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Callable, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError

ServiceLookup = Callable[[str, str], int]

PROTOCOL_NUMBERS = {"tcp": 6, "udp": 17, "sctp": 132, "dccp": 33}  # IANA, protocol-numbers

_PORT = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?/([a-z]+)", re.ASCII)
_SERVICE = re.compile(r"([a-z][a-z0-9-]{0,31})(?:/([a-z]+))?", re.ASCII)
_BARE_NUMBER = re.compile(r"[0-9]+(?:-[0-9]+)?", re.ASCII)

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


def parse_ports(texts: Iterable[object], lookup: Optional[ServiceLookup] = None) -> Tuple[PortRule, ...]:
    """Returns the ports sorted, with overlaps and repeats merged; raises RequestError at the first that is none."""
    return merge_ports([parse_port(text, lookup) for text in texts])


def parse_port(text: object, lookup: Optional[ServiceLookup] = None) -> PortRule:
    """Returns one PortRule from ``443/tcp``, ``8000-8010/udp``, ``https`` or ``https/udp``; raises RequestError."""
    given = str(text)
    numeric = _PORT.fullmatch(given)
    if numeric:
        low = int(numeric.group(1))
        high = int(numeric.group(2)) if numeric.group(2) else low
        if not 1 <= low <= high <= 65535:
            raise RequestError(
                f"port {given!r} is not a port or a rising range between 1 and 65535, such as 443/tcp or 8000-8010/tcp"
            )
        return PortRule(_known_protocol(numeric.group(3), given), low, high)
    if _BARE_NUMBER.fullmatch(given):
        raise RequestError(f"port {given!r} names no protocol: write {given}/tcp or {given}/udp")
    service = _SERVICE.fullmatch(given)
    if service:
        return _service_port(service.group(1), service.group(2), given, lookup)
    raise RequestError(
        f"port {given!r} is not understood: write a number, '/' and a protocol without spaces, such as 443/tcp, "
        "8000-8010/tcp, or a service name such as https"
    )


def _known_protocol(protocol: str, given: str) -> str:
    if protocol not in PROTOCOL_NUMBERS:
        raise RequestError(
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
        raise RequestError(
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
