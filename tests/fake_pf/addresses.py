# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses in rules and tables: networks, ranges, names, and the addresses that interfaces have while pfctl reads."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from fake_pf.cursor import Cursor

LOOPBACK = ("127.0.0.1/8", "::1/128", "fe80::1/64")
OUTSIDE = ("192.0.2.10/24", "fe80::a00:27ff:fe00:10/64", "2001:db8::10/64")
INTERFACES: Dict[str, Dict[str, Tuple[str, ...]]] = {
    "FreeBSD": {"lo0": LOOPBACK, "em0": OUTSIDE},
    "OpenBSD": {"lo0": LOOPBACK, "vio0": OUTSIDE},
    "Darwin": {"lo0": LOOPBACK, "en0": OUTSIDE},
}
MODIFIERS = ("network", "broadcast", "peer", "0")
NETWORK = re.compile(r"[0-9]+(\.[0-9]+){0,3}", re.ASCII)


@dataclass(frozen=True)
class Host:
    """An address as it is printed, of which family it is, and the interface that it is bound to (a link-local one)."""

    text: str
    family: str = ""
    interface: str = ""


ANY = Host("any")


class Addresses:
    """Reads addresses; ``interfaces`` are the machine's, by name, each address with the length of its prefix."""

    def __init__(self, system: str, interfaces: Dict[str, Tuple[str, ...]]) -> None:
        self._openbsd = system == "OpenBSD"
        self._interfaces = interfaces

    def hosts(self, cursor: Cursor) -> List[Host]:
        """One address or a list of them in braces, lists in lists included."""
        if cursor.at("{"):
            return [host for found in cursor.items(lambda: self.hosts(cursor)) for host in found]
        sign = "! " if cursor.accept("!") else ""
        found = self._host(cursor)
        if sign and any(host.text == "any" for host in found):
            raise cursor.refused()
        return [Host(sign + host.text, host.family, host.interface) for host in found]

    def table_items(self, cursor: Cursor) -> List[str]:
        """What stands for an address in a table: the sign is written to it."""
        return [host.text.replace("! ", "!") for host in self.hosts(cursor)]

    def _host(self, cursor: Cursor) -> List[Host]:
        if cursor.accept("("):
            name = cursor.string()
            cursor.expect(")")
            length = f"/{cursor.number()}" if cursor.accept("/") else ""
            return [Host(f"({name}){length}")]
        if cursor.accept("<"):
            name = cursor.string()
            cursor.expect(">")
            if len(name) > 31:
                raise cursor.wrong("table name too long, max 31 chars")
            return [Host(f"<{name}>")]
        if cursor.at("any", "no-route", "urpf-failed"):
            return [Host(cursor.take().text)]
        text = cursor.word()
        if cursor.accept("-"):
            return [self._range(cursor, text, cursor.string())]
        length = cursor.number() if cursor.accept("/") else None
        return self._resolved(cursor, text, length)

    def _range(self, cursor: Cursor, low: str, high: str) -> Host:
        first, last = ipaddress.ip_address(low), ipaddress.ip_address(high)
        if first.version != last.version:
            raise cursor.wrong("could not parse host specification")
        return Host(f"{low} - {high}", "inet" if first.version == 4 else "inet6")

    def _resolved(self, cursor: Cursor, text: str, length: Optional[int]) -> List[Host]:
        base, _colon, modifier = text.partition(":")
        if base == "self" or base in self._members() or self._is_group(base):
            found = self._of_interface(base, modifier, length)
        elif text == "localhost":
            found = [_host("127.0.0.1", length), _host("::1", length)]
            found = [host for host in found if length is None or length <= 32 or host.family == "inet6"]
            found = found if self._openbsd else found[::-1]
        else:
            found = self._literal(cursor, text, length)
        if not found:
            raise cursor.wrong("could not parse host specification", f"no IP address found for {text}")
        return found

    def _literal(self, cursor: Cursor, text: str, length: Optional[int]) -> List[Host]:
        if NETWORK.fullmatch(text) and (length is not None or text.count(".") == 3):
            parts = text.split(".")
            if max(map(int, parts)) > 255:
                return []
            text = ".".join([*parts, "0", "0", "0"][:4])
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return []
        if length is not None and length > address.max_prefixlen:
            raise cursor.wrong(
                "skipping rule due to errors\n rule expands to no valid combination",
                f"netmask {length} invalid for IPv{address.version} address",
            )
        return [_host(text, length)]

    def _members(self) -> Dict[str, Tuple[str, ...]]:
        """The addresses of each interface, in the order that the system tells them: the sixth version first."""
        return {
            name: tuple(sorted(found, key=lambda text: ":" not in text)) for name, found in self._interfaces.items()
        }

    def _is_group(self, name: str) -> bool:
        return bool(self._group(name))

    def _group(self, name: str) -> List[str]:
        """The interfaces of a driver's name, and on OpenBSD those of the default route."""
        drivers = [one for one in self._interfaces if one.rstrip("0123456789") == name]
        outside = [one for one in self._interfaces if not one.startswith("lo")][:1]
        return drivers if drivers and name else outside if name == "egress" and self._openbsd else []

    def _of_interface(self, name: str, modifier: str, length: Optional[int]) -> List[Host]:
        members = self._members()
        names = list(members) if name == "self" else [name] if name in members else self._group(name)
        found = []
        for one in names:
            texts = members[one]
            if modifier == "0":
                texts = tuple({":" in text: text for text in reversed(texts) if "fe80" not in text}.values())
            for text in texts:
                found += self._one_of_interface(one, text, modifier, length)
        return found

    def _one_of_interface(self, name: str, text: str, modifier: str, length: Optional[int]) -> List[Host]:
        face = ipaddress.ip_interface(text)
        bound = name if face.is_link_local else ""
        if modifier == "network":
            return [] if bound else [_host(str(face.network.network_address), face.network.prefixlen)]
        if modifier == "broadcast":
            return (
                [] if face.version == 6 or name.startswith("lo") else [_host(str(face.network.broadcast_address), None)]
            )
        if modifier == "peer":
            return []
        host = _host(str(face.ip), length if length is None or length <= face.max_prefixlen else None)
        return [Host(host.text, host.family, bound)]

    def antispoof(self, name: str) -> Tuple[List[Host], List[Host]]:
        """The networks of an interface, and its own addresses, which on a loopback are not asked about."""
        own = [] if name.startswith("lo") else self._of_interface(name, "", None)
        return self._of_interface(name, "network", None), own


def _host(text: str, length: Optional[int]) -> Host:
    """An address or network as it is printed."""
    network = ipaddress.ip_network(f"{text}/{length}" if length is not None else text, strict=False)
    family = "inet" if network.version == 4 else "inet6"
    if not network.prefixlen:
        return Host("any", family)
    whole = network.prefixlen == network.max_prefixlen
    return Host(str(network.network_address) if whole else str(network), family)
