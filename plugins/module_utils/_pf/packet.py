# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Matches a packet, as far as it is known, against a rule of pf: True, False, or None where that is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._pf.rule import Peer, PfRule, PfTable, Tables
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

TCP = 6
EPHEMERAL: Span = (1024, 65535)
"""Where the port of who connects lies; nobody can say which it is."""

Groups = Mapping[str, FrozenSet[str]]
"""Interface groups (pf.conf(5): also ``on egress``, ``on lo``) by interface."""


@dataclass(frozen=True)
class End:
    """One end of a connection: this host with its ``addresses``, or somebody else.

    ``network`` is where somebody else is, None for a stranger: an address that no rule and no table names.
    """

    is_host: bool
    port: Optional[Span] = None
    network: Optional[Network] = None
    addresses: Tuple[Span, ...] = ()


@dataclass(frozen=True)
class PfPacket:
    """A packet as pf sees it; ``flags`` are its TCP flags, ``interface`` None where it is not known."""

    direction: str
    family: int
    protocol: int
    source: End
    destination: End
    interface: Optional[str]
    flags: str = ""
    icmp_type: Optional[int] = None

    def answered(self, flags: str) -> PfPacket:
        """The packet that goes the other way."""
        other = "out" if self.direction == "in" else "in"
        return replace(self, direction=other, source=self.destination, destination=self.source, flags=flags)


@dataclass(frozen=True)
class Surroundings:
    """What rules ask about beside the packet: tables, interface groups; ``anchor`` is whose rules are asked."""

    tables: Tables
    groups: Groups
    anchor: str = ""


def matches(rule: PfRule, packet: PfPacket, around: Surroundings) -> Optional[bool]:
    """Returns whether a rule matches; None if that depends on what is not known."""
    return both(
        (
            not rule.direction or rule.direction == packet.direction,
            not rule.family or rule.family == packet.family,
            rule.protocol is None or rule.protocol == packet.protocol,
            rule.icmp_type is None or rule.icmp_type == packet.icmp_type,
            _flags_match(rule, packet),
            _interface_matches(rule, packet, around.groups),
            _peer_matches(rule.source, packet.source, packet, around),
            _peer_matches(rule.destination, packet.destination, packet, around),
            None if rule.unknown else True,
        )
    )


def both(answers: Sequence[Optional[bool]]) -> Optional[bool]:
    """All of several answers: no if one is no, open if one is open."""
    if False in answers:
        return False
    return None if None in answers else True


def _flags_match(rule: PfRule, packet: PfPacket) -> bool:
    if rule.flags is None or packet.protocol != TCP:
        return True
    wanted, looked_at = rule.flags
    return set(packet.flags) & set(looked_at) == set(wanted)


def _interface_matches(rule: PfRule, packet: PfPacket, groups: Groups) -> Optional[bool]:
    if not rule.interface:
        return True
    if packet.interface is None:
        return None
    return is_on(packet.interface, rule.interface, groups) != rule.interface_negated


def is_on(interface: str, name: str, groups: Groups) -> bool:
    """Tells whether an interface is the one of that name, or in the group, or of the kind of that name."""
    return name in (interface, "any", "all", interface.rstrip("0123456789")) or name in groups.get(interface, ())


def _peer_matches(peer: Peer, end: End, packet: PfPacket, around: Surroundings) -> Optional[bool]:
    address = _address_matches(peer, end, packet, around)
    if peer.negated and address is not None:
        address = not address
    return both((address, _port_matches(peer.ports, end.port)))


def _port_matches(ports: Optional[Tuple[Span, ...]], port: Optional[Span]) -> Optional[bool]:
    if ports is None:
        return True
    if port is None:
        return None
    if any(low <= port[0] and port[1] <= high for low, high in ports):
        return True
    return False if all(high < port[0] or port[1] < low for low, high in ports) else None


def _address_matches(peer: Peer, end: End, packet: PfPacket, around: Surroundings) -> Optional[bool]:
    if peer.kind == "any":
        return True
    if peer.kind == "network" and peer.network is not None:
        return _in_network(peer.network, end, packet.family)
    if peer.kind == "table":
        table = around.tables.get((around.anchor, peer.name)) or around.tables.get(("", peer.name))
        return _in_table(table, end, packet.family)
    if peer.kind == "interface":
        return _is_interface_address(peer.name, end, packet, around.groups)
    if peer.kind == "routing":
        return False  # a packet that was sent rightly has a route back, and through the interface that it came by
    return None


def _in_network(network: Network, end: End, family: int) -> Optional[bool]:
    if network.version != family:
        return False
    if not network.prefixlen:
        return True
    span = (int(network.network_address), int(network.broadcast_address))
    if end.is_host:
        inside = [span[0] <= low and high <= span[1] for low, high in end.addresses]
        return None if not inside or len(set(inside)) > 1 else inside[0]
    if end.network is None:
        return False
    given = (int(end.network.network_address), int(end.network.broadcast_address))
    if span[0] <= given[0] and given[1] <= span[1]:
        return True
    return None if given[0] <= span[1] and span[0] <= given[1] else False


def _in_table(table: Optional[PfTable], end: End, family: int) -> Optional[bool]:
    if table is None:  # no neighbour on the link is in a table of strangers either
        return None if end.is_host or (end.network is not None and not end.network.is_link_local) else False
    inside = [_in_network(network, end, family) for network in table.networks]
    excepted = [_in_network(network, end, family) for network in table.excepted]
    if True in inside:
        return True if all(answer is False for answer in excepted) else None
    return None if None in inside else False


def _is_interface_address(name: str, end: End, packet: PfPacket, groups: Groups) -> Optional[bool]:
    """``em0``, ``egress``, ``self``, with ``:network``, ``:broadcast``, ``:peer`` or ``:0`` behind it."""
    if not end.is_host:
        return False
    base, _colon, modifier = name.partition(":")
    if modifier.split(":")[0] in ("broadcast", "peer"):
        return False
    if base == "self":
        return True
    return None if packet.interface is None else is_on(packet.interface, base, groups)
