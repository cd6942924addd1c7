# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates a rule's matches for a packet: yes, no, or unknown where packet or rule is not known well enough."""

from __future__ import annotations

from typing import Callable, Dict, List, Literal, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter import addresses
from ansible_collections.port443.https.plugins.module_utils._netfilter.addresses import agreed, any_of, either, within
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    ANY_SOURCE,
    ARP,
    TCP,
    UNLISTED_SOURCE,
    WITH_PORTS,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, MatchField, Rule, Span

_Holds = Callable[[Match, Packet], Optional[bool]]

_ECN = (0x40, 0x80, 0xC0)  # RFC 3168: flags that any TCP packet may have beside the others


def rule_matches(rule: Rule, packet: Packet) -> Optional[bool]:
    """Returns True if the rule concerns every packet that ``packet`` may be, False if none, None if unknown."""
    unknown = False
    for match in rule.matches:
        holds = match_holds(match, packet)
        if holds is False:
            return False
        if holds is None:
            unknown = True
    return None if unknown else True


def match_holds(match: Match, packet: Packet) -> Optional[bool]:
    """Returns the same for one condition.

    What a packet does not have matches neither a condition nor its opposite.
    """
    read = _READERS.get(match.field)
    if read is None:
        return None
    if packet.protocol == ARP and match.field in _NOT_OF_ARP:
        return False
    holds = read(match, packet)
    if packet.dynamic_sets and not packet.dynamic_sets.isdisjoint(match.names):
        return None
    return holds if holds is None or not match.negated else not holds


def _protocol(match: Match, packet: Packet) -> Optional[bool]:
    return within((packet.protocol, packet.protocol), match.spans)


def _dport(match: Match, packet: Packet) -> Optional[bool]:
    return within(packet.dport, match.spans) if packet.protocol in WITH_PORTS else False


def _sport(match: Match, packet: Packet) -> Optional[bool]:
    return within(packet.sport, match.spans) if packet.protocol in WITH_PORTS else False


def _port(match: Match, packet: Packet) -> Optional[bool]:
    return either(_dport(match, packet), _sport(match, packet))


def _ethertype(match: Match, packet: Packet) -> Optional[bool]:
    return within((packet.ethertype, packet.ethertype), match.spans)


def _interface(pattern: str, name: Optional[str]) -> Optional[bool]:
    if pattern == "+":
        return True
    if name is None:
        return False if pattern == "lo" else None
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _in_interface(match: Match, packet: Packet) -> Optional[bool]:
    return any_of(_interface(name, packet.in_interface) for name in match.names)


def _out_interface(match: Match, packet: Packet) -> Optional[bool]:
    return any_of(_interface(name, packet.out_interface) for name in match.names)


def _state(match: Match, packet: Packet) -> Optional[bool]:
    """Untracked and invalid packets belong to no connection, so DNAT and SNAT never hold for them (xt_conntrack.c)."""
    hits = {name in match.names for name in packet.state}
    holds = hits.pop() if len(hits) == 1 else None
    if "DNAT" in match.names:
        is_dnat = packet.dnat if packet.has_connection else packet.has_connection
        holds = either(holds, is_dnat)
    if "SNAT" in match.names:
        holds = either(holds, None)
    return holds


def _of_connection(read: _Holds) -> _Holds:
    """What asks for the connection does not match a packet without one, whatever is asked (xt_connmark.c, nft_ct.c)."""

    def read_connection(match: Match, packet: Packet) -> Optional[bool]:
        if packet.has_connection is not True:
            return None if packet.has_connection is None else match.negated
        return read(match, packet)

    return read_connection


@_of_connection
def _status(match: Match, packet: Packet) -> Optional[bool]:
    """Of the status bits of a connection only that of a destination that NAT changed is known."""
    return packet.dnat if match.names == ("DNAT",) else None


@_of_connection
def _direction(match: Match, packet: Packet) -> Optional[bool]:
    return None if packet.direction is None else packet.direction in match.names


def _tcp_flags(match: Match, packet: Packet) -> Optional[bool]:
    if packet.protocol != TCP:
        return False
    mask = match.argument[0]
    possible = packet.tcp_flags
    if mask & _ECN[-1]:
        possible += tuple(flags | ecn for flags in possible for ecn in _ECN)
    return agreed(_masked(flags, match) for flags in possible)


def _masked(actual: Optional[int], match: Match) -> Optional[bool]:
    """Argument is mask and value, or the mask alone where spans hold the values."""
    mask, *value = match.argument
    if actual is None and mask:
        return None
    found = (actual or 0) & mask
    return found == value[0] if value else within((found, found), match.spans)


def _mark(match: Match, packet: Packet) -> Optional[bool]:
    return _masked(packet.mark, match)


@_of_connection
def _connmark(match: Match, packet: Packet) -> Optional[bool]:
    return _masked(packet.connmark, match)


def _icmp_type(match: Match, packet: Packet) -> Optional[bool]:
    if packet.icmp is None:
        return False
    kind, code = packet.icmp
    codes = ((match.argument[0], match.argument[1]),) if match.argument else ((0, 255),)
    return bool(within((kind, kind), match.spans) and within((code, code), codes))


def _icmp_code(match: Match, packet: Packet) -> Optional[bool]:
    return packet.icmp is not None and within((packet.icmp[1], packet.icmp[1]), match.spans)


def _hop_limit(match: Match, packet: Packet) -> Optional[bool]:
    return within(packet.hop_limit, match.spans)


def _fragment(_match: Match, _packet: Packet) -> Optional[bool]:
    return False


def _packet_type(match: Match, packet: Packet) -> Optional[bool]:
    return agreed(name in match.names for name in packet.packet_type)


def _rows(match: Match, packet: Packet) -> Optional[bool]:
    """Whether one of the rows holds, each of whose conditions may be asked again and again.

    Rows that a stranger is in no more than in any other prefix count together, as the elements of a set do.
    """
    known: Dict[int, Optional[bool]] = {}
    holds: Optional[bool] = False
    peer = strange_end(packet)
    apart: List[Span] = []
    for row in match.rows:
        together: Optional[bool] = True
        prefix: Tuple[Span, ...] = ()
        for part in row:
            if id(part) not in known:
                known[id(part)] = match_holds(part, packet)
            if known[id(part)] is False and part.field == peer and not part.negated:
                prefix = part.spans
                if prefix:
                    continue
            together = _both(together, known[id(part)])
            if together is False:
                break
        if prefix:
            apart += prefix if together is not False else ()
        elif together:
            return True
        else:
            holds = None if together is None else holds
    if holds is False and apart and addresses.holds_strangers(apart, packet.family):
        return None
    return None if holds is False and match.names and packet.source == ANY_SOURCE else holds


def strange_end(packet: Packet) -> Literal["source", "destination", ""]:
    """Returns the field that asks for a stranger's address."""
    return (
        "source" if packet.source == UNLISTED_SOURCE else "destination" if packet.destination == UNLISTED_SOURCE else ""
    )


def _both(one: Optional[bool], other: Optional[bool]) -> Optional[bool]:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


def _time(match: Match, _packet: Packet) -> Optional[bool]:
    return match.names == ("holds",) if match.names else None


class MatchType(NamedTuple):
    """What is known about one field of matches.

    ``holds`` evaluates it, None where that cannot be said. ``settled_by`` is what of a packet is enough for that:
    ``route`` (addresses, interfaces, their types), ``ports`` (the headers behind those), or nothing before the packet
    is at the rule, as marks and states change on the way. A frame of ARP has only what is ``on_arp``. ``set_key`` tells
    that it is a number as named sets of nft hold them; ``tracks``, that asking for it has connections tracked.
    """

    holds: Optional[_Holds]
    settled_by: Literal["route", "ports", ""] = ""
    on_arp: bool = False
    set_key: bool = False
    tracks: bool = False


MATCH_FIELDS: Dict[MatchField, MatchType] = {
    "source": MatchType(addresses.source, "route", set_key=True),
    "destination": MatchType(addresses.destination, "route", set_key=True),
    "in_interface": MatchType(_in_interface, "route", on_arp=True),
    "out_interface": MatchType(_out_interface, "route", on_arp=True),
    "source_set": MatchType(addresses.source_set, "route"),
    "destination_set": MatchType(addresses.destination_set, "route"),
    "source_type": MatchType(addresses.source_type, "route"),
    "destination_type": MatchType(addresses.destination_type, "route"),
    "source_fib_type": MatchType(addresses.source_fib_type, "route"),
    "destination_fib_type": MatchType(addresses.destination_fib_type, "route"),
    "reverse_path": MatchType(addresses.reverse_path, "route"),
    "packet_type": MatchType(_packet_type, "route", on_arp=True),
    "ethertype": MatchType(_ethertype, "route", on_arp=True),
    "unknown": MatchType(None, "route", on_arp=True),
    "protocol": MatchType(_protocol, "ports", set_key=True),
    "dport": MatchType(_dport, "ports", set_key=True),
    "sport": MatchType(_sport, "ports", set_key=True),
    "port": MatchType(_port, "ports"),
    "icmp_type": MatchType(_icmp_type, "ports", set_key=True),
    "icmp_code": MatchType(_icmp_code, "ports", set_key=True),
    "hop_limit": MatchType(_hop_limit, "ports", set_key=True),
    "fragment": MatchType(_fragment, "ports"),
    "state": MatchType(_state, on_arp=True, tracks=True),
    "status": MatchType(_status, tracks=True),
    "direction": MatchType(_direction, tracks=True),
    "connmark": MatchType(_connmark, tracks=True),
    "mark": MatchType(_mark, on_arp=True),
    "tcp_flags": MatchType(_tcp_flags),
    "time": MatchType(_time),
    "either": MatchType(_rows, on_arp=True),
}
"""Each field that a match may have: a match type is one line here, beside its two readers."""

_READERS = {field: known.holds for field, known in MATCH_FIELDS.items() if known.holds}
_NOT_OF_ARP = frozenset(field for field, known in MATCH_FIELDS.items() if not known.on_arp)
