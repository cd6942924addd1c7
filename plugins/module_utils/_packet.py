# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a rule concerns a packet: yes, no, or unknown where the packet or the rule is not known well enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Dict, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._ruleset import Match, Rule, Span

STRANGER = "stranger"
"""A source that no rule names: in no set and no prefix, unless that holds an eighth of all addresses or more."""

ANYONE = "anyone"
"""Any source at all: a prefix or a set may hold it or not."""

HOST = "host"
"""An address of the host itself that is not known: neither loopback nor multicast."""

Addresses = Union[str, Tuple[Span, ...]]
"""STRANGER, ANYONE, HOST, or the addresses as spans of integers."""

FIN, SYN, PSH, ACK = 1, 2, 8, 16
TCP, UDP, ICMPV6 = 6, 17, 58
_WITH_PORTS = frozenset((6, 17, 33, 132, 136))  # tcp, udp, dccp, sctp, udplite

# Prefixes that no host answers on from outside: loopback, multicast and above.
_NEVER_HOST = {
    4: ((127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    6: ((0, 1), (255 << 120, (1 << 128) - 1)),
}


@dataclass(frozen=True)
class Packet:
    """One packet, or rather all packets it may be: spans and tuples hold every possible value.

    Interfaces: a name, None for one that is not known but is not ``lo``, "" for none (an incoming packet has no
    outgoing interface). ``state`` holds the conntrack states it may have; DNAT is ``translated``, None if not known.
    ``mark`` and ``connmark`` are None if not known. ``icmp`` is type and code. The types are those of ``addrtype``;
    ``packet_type`` is empty if not known.
    """

    family: int
    protocol: int
    dport: Span = (0, 65535)
    sport: Span = (1024, 65535)
    source: Addresses = STRANGER
    destination: Addresses = HOST
    in_interface: Optional[str] = None
    out_interface: Optional[str] = ""
    state: Tuple[str, ...] = ("NEW",)
    translated: Optional[bool] = False
    tcp_flags: Tuple[int, ...] = (SYN,)
    icmp: Optional[Tuple[int, int]] = None
    mark: Optional[int] = 0
    connmark: Optional[int] = 0
    hop_limit: Span = (1, 255)
    source_type: str = "UNICAST"
    destination_type: str = "LOCAL"
    packet_type: Tuple[str, ...] = ("UNICAST",)


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
    """Returns the same for one condition."""
    read = _READERS.get(match.field)
    holds = None if read is None else read(match, packet)
    return holds if holds is None or not match.negated else not holds


def _within(value: Span, spans: Tuple[Span, ...]) -> Optional[bool]:
    low, high = value
    touches = False
    for first, last in spans:
        if first <= low and high <= last:
            return True
        if low <= last and first <= high:
            touches = True
    return None if touches else False


def _either(one: Optional[bool], other: Optional[bool]) -> Optional[bool]:
    if one or other:
        return True
    return None if one is None or other is None else False


def _protocol(match: Match, packet: Packet) -> Optional[bool]:
    return _within((packet.protocol, packet.protocol), match.spans)


def _dport(match: Match, packet: Packet) -> Optional[bool]:
    return _within(packet.dport, match.spans) if packet.protocol in _WITH_PORTS else False


def _sport(match: Match, packet: Packet) -> Optional[bool]:
    return _within(packet.sport, match.spans) if packet.protocol in _WITH_PORTS else False


def _port(match: Match, packet: Packet) -> Optional[bool]:
    return _either(_dport(match, packet), _sport(match, packet))


def _source(match: Match, packet: Packet) -> Optional[bool]:
    return _address_within(packet.source, match.spans, packet.family)


def _destination(match: Match, packet: Packet) -> Optional[bool]:
    return _address_within(packet.destination, match.spans, packet.family)


def _address_within(who: Addresses, spans: Tuple[Span, ...], family: int) -> Optional[bool]:
    if not isinstance(who, str):
        results = {_within(span, spans) for span in who}
        return results.pop() if len(results) == 1 else None
    count = 1 << (128 if family == 6 else 32)
    if any(last - first + 1 == count for first, last in spans):
        return True
    if who == STRANGER:
        return None if any(last - first + 1 >= count >> 3 for first, last in spans) else False
    if who == HOST and all(_within(span, _NEVER_HOST[family]) for span in spans):
        return False
    return None


def _interface(pattern: str, name: Optional[str]) -> Optional[bool]:
    if pattern == "+":
        return True
    if name is None:
        return False if pattern == "lo" else None
    return name.startswith(pattern[:-1]) if pattern.endswith("+") else name == pattern


def _in_interface(match: Match, packet: Packet) -> Optional[bool]:
    return _interface(match.names[0], packet.in_interface)


def _out_interface(match: Match, packet: Packet) -> Optional[bool]:
    return _interface(match.names[0], packet.out_interface)


def _state(match: Match, packet: Packet) -> Optional[bool]:
    """Untracked and invalid packets belong to no connection, so DNAT and SNAT never hold for them (xt_conntrack.c)."""
    hits = {name in match.names for name in packet.state}
    holds = hits.pop() if len(hits) == 1 else None
    if "DNAT" in match.names:
        tracked = {name not in ("UNTRACKED", "INVALID") for name in packet.state}
        translated = packet.translated if tracked == {True} else (None if True in tracked else False)
        holds = _either(holds, translated)
    if "SNAT" in match.names:
        holds = _either(holds, None)
    return holds


def _tcp_flags(match: Match, packet: Packet) -> Optional[bool]:
    if packet.protocol != TCP:
        return False
    mask, value = match.argument
    hits = {flags & mask == value for flags in packet.tcp_flags}
    return hits.pop() if len(hits) == 1 else None


def _masked(actual: Optional[int], match: Match) -> Optional[bool]:
    mask, value = match.argument
    return (value == 0 if mask == 0 else None) if actual is None else actual & mask == value


def _mark(match: Match, packet: Packet) -> Optional[bool]:
    return _masked(packet.mark, match)


def _connmark(match: Match, packet: Packet) -> Optional[bool]:
    """A packet without a connection never matches (xt_connmark.c)."""
    tracked = {name not in ("UNTRACKED", "INVALID") for name in packet.state}
    if tracked == {False}:
        return match.negated  # no connection: no match, negated or not
    return _masked(packet.connmark, match) if tracked == {True} else None


def _icmp_type(match: Match, packet: Packet) -> Optional[bool]:
    if packet.icmp is None:
        return False
    kind, code = packet.icmp
    codes = ((match.argument[0], match.argument[1]),) if match.argument else ((0, 255),)
    return bool(_within((kind, kind), match.spans) and _within((code, code), codes))


def _hop_limit(match: Match, packet: Packet) -> Optional[bool]:
    return _within(packet.hop_limit, match.spans)


def _fragment(_match: Match, _packet: Packet) -> Optional[bool]:
    return False


def _source_set(_match: Match, packet: Packet) -> Optional[bool]:
    return False if packet.source == STRANGER else None


def _destination_set(match: Match, packet: Packet) -> Optional[bool]:
    return False if packet.destination == STRANGER and "src" not in match.names[1:] else None


def _source_type(match: Match, packet: Packet) -> Optional[bool]:
    return _address_type(packet.family, packet.source_type, match.names)


def _destination_type(match: Match, packet: Packet) -> Optional[bool]:
    return _address_type(packet.family, packet.destination_type, match.names)


def _address_type(family: int, kind: str, names: Tuple[str, ...]) -> Optional[bool]:
    """For IPv4 an address has one type; for IPv6 a local one is UNICAST too, and types add up (xt_addrtype.c)."""
    if any(name not in ("LOCAL", "UNICAST", "BROADCAST", "MULTICAST", "ANYCAST") for name in names):
        return None
    if family == 4:
        return kind in names
    of_form = {"MULTICAST": ("MULTICAST",)}.get(kind, ("UNICAST",))
    if any(name in ("UNICAST", "MULTICAST") and name not in of_form for name in names):
        return False
    routed = [name for name in names if name in ("LOCAL", "ANYCAST")]
    return kind in routed if routed else True


def _packet_type(match: Match, packet: Packet) -> Optional[bool]:
    hits = {name in match.names for name in packet.packet_type}
    return hits.pop() if len(hits) == 1 else None


_READERS: Dict[str, Callable[[Match, Packet], Optional[bool]]] = {
    "protocol": _protocol,
    "dport": _dport,
    "sport": _sport,
    "port": _port,
    "source": _source,
    "destination": _destination,
    "in_interface": _in_interface,
    "out_interface": _out_interface,
    "state": _state,
    "tcp_flags": _tcp_flags,
    "mark": _mark,
    "connmark": _connmark,
    "icmp_type": _icmp_type,
    "hop_limit": _hop_limit,
    "fragment": _fragment,
    "source_set": _source_set,
    "destination_set": _destination_set,
    "source_type": _source_type,
    "destination_type": _destination_type,
    "packet_type": _packet_type,
}
