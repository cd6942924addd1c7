# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one shape that every firewall's rules are read into, so that one evaluator and one placement serve them all.

A parser fills it from tool output; nothing here knows a tool. What a parser does not understand becomes a match of
field ``unknown`` or a rule with verdict ``opaque``: kept as text, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

Span = Tuple[int, int]
"""An inclusive range of integers: ports, protocol numbers, addresses as integers, icmp types."""


@dataclass(frozen=True)
class Match:
    """One condition of a rule.

    ``field`` is one of protocol, source, destination, sport, dport, port (either port), hop_limit, icmp_type
    (``spans``; ``argument`` of icmp_type is the code's span, empty for any); in_interface, out_interface (``names``, a
    trailing ``+`` is a prefix); state (``names``: NEW, ESTABLISHED, RELATED, INVALID, UNTRACKED, DNAT, SNAT);
    tcp_flags, mark, connmark (``argument`` is ``(mask, value)``); fragment; source_set, destination_set (``names``:
    the set, its directions); source_type, destination_type, packet_type (``names``: LOCAL, UNICAST, ...); unknown
    (``names``: the module's name).
    """

    field: str
    spans: Tuple[Span, ...] = ()
    names: Tuple[str, ...] = ()
    argument: Tuple[int, ...] = ()
    negated: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule: all ``matches`` hold, then ``verdict`` is taken.

    ``verdict`` is accept, drop, reject, jump, goto, return, continue (counts, logs), mark and connmark (``argument``
    is ``(value, mask)``: mark = mark & ~mask ^ value), save_mark and restore_mark (``argument`` is ``(mask of the
    packet's mark, mask of the connection's mark)``), notrack, redirect (``argument`` is the port span or empty), dnat
    (likewise), snat, or opaque (may do anything). ``target`` is the chain of jump and goto, the address of dnat,
    otherwise the target's own name. ``text`` is the rule as its tool printed it, without counters.
    """

    matches: Tuple[Match, ...]
    verdict: str
    target: str = ""
    argument: Tuple[int, ...] = ()
    text: str = ""


@dataclass(frozen=True)
class Chain:
    """A chain; ``policy`` (accept, drop), ``hook`` (ingress, prerouting, input, output, ...) only on base chains.

    ``kind`` is filter or nat: only a connection's first packet passes a nat chain.
    """

    name: str
    rules: Tuple[Rule, ...] = ()
    policy: Optional[str] = None
    hook: Optional[str] = None
    priority: int = 0
    kind: str = "filter"


@dataclass(frozen=True)
class Table:
    """A table as the kernel has it.

    ``frontend`` is iptables-nft, iptables-legacy or nft; ``family`` is ip, ip6, inet, netdev, arp or bridge.
    """

    frontend: str
    family: str
    name: str
    chains: Tuple[Chain, ...] = ()

    def chain(self, name: str) -> Optional[Chain]:
        """The chain of that name, or None."""
        for chain in self.chains:
            if chain.name == name:
                return chain
        return None


Ruleset = Tuple[Table, ...]
