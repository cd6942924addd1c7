# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Items of a zone or policy of firewalld that accept: a service, a port, or a rich rule.

Ours for good are items of the service that bears the set's chain name. Where firewalld does not know that service yet,
they are rich rules, a port each, whose priority is the set's number: firewalld keeps it through everything.
"""

from __future__ import annotations

import ipaddress
import shlex
import zlib
from dataclasses import dataclass, field
from typing import Any, Collection, Dict, FrozenSet, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, Network

# Rich rules with a positive priority are asked behind all that zones deny and allow; 32767 is what people give to a
# last rule that rejects or logs the rest.
_FIRST_NUMBER, _NUMBERS = 1000, 14500
_ANY = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
_PLAIN = frozenset(("rule", "source", "service", "port", "accept"))
_ATTRIBUTES = frozenset(
    ("rule priority", "rule family", "source address", "service name", "port port", "port protocol")
)


@dataclass(frozen=True)
class ZoneItem:
    """A service or a port; with ``source`` or ``priority`` a rich rule, which ``text`` is, as firewalld writes it.

    ``rich`` is also set for a rich rule that has neither.
    """

    service: str = ""
    port: Optional[PortRule] = None
    source: Optional[Network] = None
    priority: int = 0
    rich: bool = False
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        if not self.rich:
            return f"service {self.service}" if self.service else f"port {self.port}"
        return self.text or rich_rule(self)


@dataclass(frozen=True)
class Ours:
    """What the items of a set are known by: its service, and the priorities of its rich rules."""

    service: str
    numbers: FrozenSet[int]


def number_of(name: str, timed: bool) -> int:
    """Returns the priority of a set's rich rules: odd for those that end by themselves."""
    return _FIRST_NUMBER + 2 * (zlib.crc32(name.encode("ascii")) % _NUMBERS) + timed


def port_items(name: str, ports: Sequence[PortRule], sources: Sequence[Network], timed: bool) -> Tuple[ZoneItem, ...]:
    """Returns the items that open ports without a service, each with the set's number."""
    number = number_of(name, timed)
    return tuple(ZoneItem("", port, source, number, True) for source in sources or (None,) for port in ports)


def service_items(service: str, sources: Sequence[Network], rich: bool) -> Tuple[ZoneItem, ...]:
    """Returns the items that open a service, to anyone or to each of some networks, which takes a rich rule each."""
    if not sources:
        return (ZoneItem(service, rich=rich),)
    return tuple(ZoneItem(service, source=source, rich=True) for source in sources)


def find_ours(name: str, known: Collection[str]) -> Ours:
    """Returns what the items of the set ``name`` are known by; ``known`` are the services of the sets that are there.

    Two names may have the same number. Rules with it are the other set's where that one is there and this one is not.
    """
    service = CHAIN_PREFIX + name
    if service not in known and find_sharer(name, known):
        return Ours(service, frozenset())
    return Ours(service, frozenset((number_of(name, False), number_of(name, True))))


def find_sharer(name: str, known: Collection[str]) -> str:
    """Returns another set that has the number of ``name``, or nothing; ``known`` are the services of sets."""
    number = number_of(name, False)
    others = (service[len(CHAIN_PREFIX) :] for service in sorted(known) if service != CHAIN_PREFIX + name)
    # Somebody may have a file of that kind whose name could not be a set's.
    return next((other for other in others if other.isascii() and number_of(other, False) == number), "")


def is_ours(item: ZoneItem, ours: Ours) -> bool:
    """Tells whether an item belongs to the set whose items are known by ``ours``."""
    if item.service:
        return item.service == ours.service
    return item.rich and item.priority in ours.numbers


def rich_rule(item: ZoneItem) -> str:
    """Returns an item as a rich rule, written as firewalld 0.9 to 2.3 write it."""
    words = ["rule"]
    words += [f'priority="{item.priority}"'] if item.priority else []
    if item.source is not None:
        words.append(f'family="ipv{item.source.version}" source address="{item.source}"')
    words.append(f'service name="{item.service}"' if item.service else _port_words(item.port))
    return " ".join((*words, "accept"))


def _port_words(port: Optional[PortRule]) -> str:
    number, _slash, protocol = str(port).partition("/")
    return f'port port="{number}" protocol="{protocol}"'


def parse_items(settings: Mapping[str, Any]) -> Tuple[ZoneItem, ...]:
    """Returns the items in a zone's or a policy's settings as D-Bus has them; all that is no item is left out."""
    items = [ZoneItem(str(service)) for service in settings.get("services", ())]
    ports = (parse_firewalld_port(number, protocol) for number, protocol in settings.get("ports", ()))
    items += [ZoneItem("", port) for port in ports if port]
    rules = (parse_rich_rule(text) for key in ("rules_str", "rich_rules") for text in settings.get(key, ()))
    return tuple(items + [rule for rule in rules if rule])


def parse_rich_rule(text: str) -> Optional[ZoneItem]:
    """Returns a rich rule that does nothing but accept a service or a port, perhaps from one network, or None."""
    try:
        words = shlex.split(text)
    except ValueError:
        return None
    elements: List[str] = []
    values: Dict[str, str] = {}
    for word in words:
        attribute, equals, value = word.partition("=")
        if not equals:
            elements.append(word)
        elif elements:
            values[f"{elements[-1]} {attribute}"] = value
    return item_of_rule(elements, values, text)


def item_of_rule(elements: Sequence[str], values: Mapping[str, str], text: str) -> Optional[ZoneItem]:
    """Returns the item that a rich rule's elements and their attributes (``port protocol``, ...) come to, or None."""
    plain = len(set(elements)) == len(elements) and _PLAIN.issuperset(elements) and _ATTRIBUTES.issuperset(values)
    if not plain or "accept" not in elements or ("service" in elements) == ("port" in elements):
        return None
    family = values.get("rule family")
    address = values.get("source address", _ANY.get(family) if family else None)
    port = parse_firewalld_port(values.get("port port", ""), values.get("port protocol", ""))
    try:
        source = ipaddress.ip_network(address, strict=False) if address else None
        priority = int(values.get("rule priority", "0"))
    except ValueError:
        return None
    if ("source" in elements) > bool(address) or (port is None) > ("service" in elements):
        return None
    return ZoneItem(values.get("service name", ""), port, source, priority, True, text)


def parse_firewalld_port(number: str, protocol: str) -> Optional[PortRule]:
    """Returns a port or range of ports, such as ``8000-8010`` and ``tcp``, or None if it is written otherwise."""
    low, _dash, high = number.partition("-")
    if not (low.isdigit() and (high or low).isdigit() and protocol in PROTOCOL_NUMBERS):
        return None
    return PortRule(protocol, int(low), int(high or low))
