# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides which rules of others may be adopted: they accept nothing that the request does not."""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import contains, merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Rule, Span
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import BASES
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


class Adoption:
    """The rules that a request takes over for one IP version; without its option adopt, none."""

    def __init__(self, request: PortsRequest, family: int) -> None:
        self._chains = {BASES[direction] for direction in request.directions} if request.adopt else set()
        self._interface = request.interface
        self._sources: Optional[Tuple[Span, ...]] = None
        sources = request.sources(family)
        if sources is None:
            self._chains = set()
        elif any(source.prefixlen for source in sources):
            self._sources = tuple((int(one.network_address), int(one.broadcast_address)) for one in sources)
        self._ports = {
            number: merge_spans((port.low, port.high) for port in request.ports if port.protocol == protocol)
            for protocol, number in PROTOCOL_NUMBERS.items()
        }

    def takes(self, chain: str, rule: Rule) -> bool:
        """Tells whether a rule of a chain accepts what is asked for, or a part of it, and nothing else."""
        if chain not in self._chains or rule.verdict != "accept" or any(_is_odd(match) for match in rule.matches):
            return False
        # Of two conditions of one kind the last will do: the other lets in less still.
        matches: Dict[str, Match] = {match.field: match for match in rule.matches}
        protocol, ports = matches.pop("protocol", None), matches.pop("dport", None)
        state = matches.pop("state", None)
        if protocol is None or ports is None or (state is not None and "NEW" not in state.names):
            return False
        return self._asks_for(protocol, ports) and self._is_for(matches)

    def _asks_for(self, protocol: Match, ports: Match) -> bool:
        numbers = {low for low, high in protocol.spans if low == high}
        if len(protocol.spans) != 1 or not numbers:
            return False
        asked = self._ports.get(numbers.pop(), ())
        return all(contains(asked, low, high) for low, high in ports.spans)

    def _is_for(self, rest: Dict[str, Match]) -> bool:
        """Whether what is left of a rule names the sources and interfaces that are asked for, or some of them."""
        source, interface = rest.pop("source", None), rest.pop("in_interface", None)
        if rest or (source is None) != (self._sources is None) or (interface is None) != (not self._interface):
            return False
        right_source = source is None or all(span in (self._sources or ()) for span in source.spans)
        return right_source and (interface is None or all(name in self._interface for name in interface.names))


def _is_odd(match: Match) -> bool:
    """Whether a condition is the opposite of one, or about who is in a set now and may not be soon."""
    return match.negated or (match.field == "source" and bool(match.names))
