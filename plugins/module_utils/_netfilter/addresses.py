# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Matches a packet's addresses against a rule: yes, no, or unknown."""

from __future__ import annotations

from typing import Iterable, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import contains, size
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import (
    ANY_SOURCE,
    UNLISTED_SOURCE,
    Addresses,
    Packet,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Span

# Prefixes that no host answers on from outside: loopback, multicast and above.
_NEVER_HOST = {
    4: ((127 << 24, (128 << 24) - 1), (224 << 24, (1 << 32) - 1)),
    6: ((0, 1), (255 << 120, (1 << 128) - 1)),
}


_GIVEN_OUT, _REGISTRY = (1 << 125, (1 << 126) - 1), 1 << 116  # 2000::/3, and the addresses of a /12


def agreed(answers: Iterable[Optional[bool]]) -> Optional[bool]:
    """Returns what all say, None where they differ or none is asked."""
    found = set(answers)
    return found.pop() if len(found) == 1 else None


def within(value: Span, spans: Tuple[Span, ...]) -> Optional[bool]:
    """Tells whether all that a value may be is in spans."""
    low, high = value
    if len(spans) != 1:
        return contains(spans, low, high)
    first, last = spans[0]
    if first <= low and high <= last:
        return True
    return None if low <= last and first <= high else False


def any_of(answers: Iterable[Optional[bool]]) -> Optional[bool]:
    """Tells whether at least one holds."""
    unknown = False
    for holds in answers:
        if holds:
            return True
        unknown = unknown or holds is None
    return None if unknown else False


def either(one: Optional[bool], other: Optional[bool]) -> Optional[bool]:
    """Tells whether one of two holds."""
    if one or other:
        return True
    return None if one is None or other is None else False


def source(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the source is in spans."""
    return _address_within(packet.source, match, packet.family)


def destination(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the destination is in spans."""
    return _address_within(packet.destination, match, packet.family)


def _address_within(who: Addresses, match: Match, family: int) -> Optional[bool]:
    spans = match.spans
    if not isinstance(who, str):
        return agreed(within(span, spans) for span in who)
    count, held = 1 << (128 if family == 6 else 32), size(spans)
    if held >= count and any(last - first + 1 == count for first, last in spans):
        return True
    if who == UNLISTED_SOURCE:
        return None if holds_strangers(spans, family) else False
    if who == ANY_SOURCE:
        return None if spans or match.names else False
    return False if all(within(span, _NEVER_HOST[family]) for span in spans) else None


def source_set(_match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the source is in a set of ipset of which nothing but the name is known."""
    return False if packet.unlisted and packet.source == UNLISTED_SOURCE else None


def destination_set(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the destination is in such a set."""
    return False if packet.unlisted and packet.destination == UNLISTED_SOURCE and "src" not in match.names[1:] else None


def holds_strangers(spans: Iterable[Span], family: int) -> bool:
    """Tells whether so many addresses are in spans that a stranger's may be one of them.

    That is an eighth of all or more, also where it lacks a few that are excepted. Hardly anything of IPv6 is given out,
    so an eighth of the /12 that a registry gets of 2000::/3 will do (IANA, IPv6 Global Unicast Address Assignments).
    """
    spans = tuple(spans) if not isinstance(spans, tuple) else spans
    held = size(spans)
    if held * 9 >= 1 << (128 if family == 6 else 32):
        return True
    if family == 4 or held < _REGISTRY // 8:
        return False
    low_end, high_end = _GIVEN_OUT
    return sum(max(0, min(high, high_end) - max(low, low_end) + 1) for low, high in spans) >= _REGISTRY // 8


def source_type(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the source has one of the types of addrtype."""
    return _address_type(packet.family, packet.source_type, match.names)


def destination_type(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the destination has one of the types of addrtype."""
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


def source_fib_type(match: Match, packet: Packet) -> Optional[bool]:
    """Tells whether the routing table has the source as one of the types."""
    return packet.source_type in match.names


def destination_fib_type(match: Match, packet: Packet) -> Optional[bool]:
    """Tells the same of the destination."""
    return packet.destination_type in match.names


def reverse_path(_match: Match, _packet: Packet) -> Optional[bool]:
    """Tells that a packet came by the interface that leads back to its source: others are forged."""
    return True
