# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evaluates a rule's matches for a packet: yes, no, or unknown where packet or rule is not known well enough."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter import addresses as addresses
from ansible_collections.port443.https.plugins.module_utils._netfilter.addresses import agreed, any_of, either, within
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    ANY_SOURCE,
    ARP,
    TCP,
    UNLISTED_SOURCE,
    WITH_PORTS,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Rule, Span

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
    if packet.protocol == ARP and match.field not in _OF_ARP:
        return False
    holds = read(match, packet)
    if packet.learnt and not packet.learnt.isdisjoint(match.names):
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
        translated = packet.translated if packet.has_connection else packet.has_connection
        holds = either(holds, translated)
    if "SNAT" in match.names:
        holds = either(holds, None)
    return holds


def _of_connection(read: Callable[[Match, Packet], Optional[bool]]) -> Callable[[Match, Packet], Optional[bool]]:
    """What asks for the connection does not match a packet without one, whatever is asked (xt_connmark.c, nft_ct.c)."""

    def read_connection(match: Match, packet: Packet) -> Optional[bool]:
        if packet.has_connection is not True:
            return None if packet.has_connection is None else match.negated
        return read(match, packet)

    return read_connection


@_of_connection
def _status(match: Match, packet: Packet) -> Optional[bool]:
    """Of the status bits of a connection only that of a destination that NAT changed is known."""
    return packet.translated if match.names == ("DNAT",) else None


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


def strange_end(packet: Packet) -> str:
    """Returns the field that asks for a stranger's address."""
    return (
        "source" if packet.source == UNLISTED_SOURCE else "destination" if packet.destination == UNLISTED_SOURCE else ""
    )


def _both(one: Optional[bool], other: Optional[bool]) -> Optional[bool]:
    if one is False or other is False:
        return False
    return None if one is None or other is None else True


_OF_ARP = frozenset(("ethertype", "in_interface", "out_interface", "mark", "packet_type", "state", "either", "unknown"))


def _time(match: Match, _packet: Packet) -> Optional[bool]:
    return match.names == ("holds",) if match.names else None


_READERS: Dict[str, Callable[[Match, Packet], Optional[bool]]] = {
    "protocol": _protocol,
    "ethertype": _ethertype,
    "dport": _dport,
    "sport": _sport,
    "port": _port,
    "source": addresses.source,
    "destination": addresses.destination,
    "in_interface": _in_interface,
    "out_interface": _out_interface,
    "state": _state,
    "status": _status,
    "direction": _direction,
    "tcp_flags": _tcp_flags,
    "mark": _mark,
    "connmark": _connmark,
    "icmp_type": _icmp_type,
    "icmp_code": _icmp_code,
    "hop_limit": _hop_limit,
    "fragment": _fragment,
    "source_set": addresses.source_set,
    "destination_set": addresses.destination_set,
    "source_type": addresses.source_type,
    "destination_type": addresses.destination_type,
    "source_fib_type": addresses.source_fib_type,
    "destination_fib_type": addresses.destination_fib_type,
    "reverse_path": addresses.reverse_path,
    "packet_type": _packet_type,
    "time": _time,
    "either": _rows,
}
