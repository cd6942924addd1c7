# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the addresses of a rule as intervals, and spells intervals as the cmdlets take them.

The registry holds a prefix as a mask, and an address or a range as it is: ``10.0.0.0/255.0.0.0``, ``192.0.2.1``,
``fe80::/64``, ``192.0.2.1-192.0.2.9``; and words, such as ``LocalSubnet``.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

_BITS = {4: 32, 6: 128}
_MADE = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}


@dataclass(frozen=True)
class AddressSet:
    """Addresses of both IP versions as integers, and words that stand for some; nothing at all means any address."""

    four: Tuple[Tuple[int, int], ...] = ()
    six: Tuple[Tuple[int, int], ...] = ()
    words: Tuple[str, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether no address is left out."""
        return not (self.four or self.six or self.words) or (self._all(4) and self._all(6))

    def of(self, family: int) -> Tuple[Tuple[int, int], ...]:
        """Returns the intervals of an IP version."""
        return self.four if family == 4 else self.six

    def _all(self, family: int) -> bool:
        return self.of(family) == ((0, 2 ** _BITS[family] - 1),)

    def holds_all(self, family: int) -> bool:
        """Tells whether every address of that IP version is in it."""
        return self.is_any or self._all(family)

    def parameters(self) -> List[str]:
        """Returns it as RemoteAddress takes it: words, networks, and ranges that are no network."""
        return [*self.words, *_spell(self.four, 4), *_spell(self.six, 6)]


ANY_ADDRESS = AddressSet()
"""No address is left out."""


def read_addresses(values: Iterable[str]) -> AddressSet:
    """Returns the addresses of a rule from the values of all its fields of one side."""
    found: Dict[int, List[Tuple[int, int]]] = {4: [], 6: []}
    words = []
    for value in values:
        read = _interval(value)
        if read is None:
            words.append(value)
        else:
            found[read[0]].append(read[1])
    return AddressSet(merge_spans(found[4]), merge_spans(found[6]), tuple(sorted(words, key=str.lower)))


def set_of(networks: Iterable[Network]) -> AddressSet:
    """Returns networks as a set."""
    spans: Dict[int, List[Tuple[int, int]]] = {4: [], 6: []}
    for network in networks:
        spans[network.version].append((int(network.network_address), int(network.broadcast_address)))
    return AddressSet(merge_spans(spans[4]), merge_spans(spans[6]))


def _interval(value: str) -> Optional[Tuple[int, Tuple[int, int]]]:
    """Returns the IP version and the interval of an address, a network or a range; None for a word."""
    try:
        if "-" in value:
            low, high = (ipaddress.ip_address(end.strip()) for end in value.split("-", 1))
            return (low.version, (int(low), int(high))) if low.version == high.version else None
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return None
    return network.version, (int(network.network_address), int(network.broadcast_address))


def _spell(spans: Tuple[Tuple[int, int], ...], family: int) -> List[str]:
    made: Any = _MADE[family]
    spelled = []
    for low, high in spans:
        first, last = made(low), made(high)
        networks = list(ipaddress.summarize_address_range(first, last))
        if len(networks) > 1:
            spelled.append(f"{first}-{last}")
        else:
            spelled.append(str(first) if low == high else str(networks[0]))
    return spelled
