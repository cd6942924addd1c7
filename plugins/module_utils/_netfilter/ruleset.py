# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ruleset that every firewall's rules are parsed into: tables, chains, rules, matches, effects.

A parser fills it from tool output; nothing here knows a tool. What a parser does not understand becomes a match of
field ``unknown`` or a rule with verdict ``opaque``: kept as text, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Literal, Optional, Tuple

Span = Tuple[int, int]
"""An inclusive range of integers: ports, protocol numbers, addresses as integers, icmp types."""

ALL_BITS = 0xFFFFFFFF
"""The mask of a whole mark."""

MatchField = Literal[
    "protocol",
    "ethertype",
    "source",
    "destination",
    "sport",
    "dport",
    "port",
    "hop_limit",
    "icmp_type",
    "icmp_code",
    "in_interface",
    "out_interface",
    "state",
    "status",
    "direction",
    "tcp_flags",
    "mark",
    "connmark",
    "fragment",
    "source_set",
    "destination_set",
    "source_type",
    "destination_type",
    "packet_type",
    "source_fib_type",
    "destination_fib_type",
    "reverse_path",
    "time",
    "either",
    "unknown",
]
"""What a condition of a rule asks about: ``Match`` says what each is, ``MATCH_FIELDS`` how it is evaluated."""

RuleVerdict = Literal[
    "accept", "drop", "reject", "jump", "goto", "return", "continue", "redirect", "dnat", "snat", "opaque"
]
"""What becomes of a packet that a rule matches."""

EffectKind = Literal["mark", "connmark", "save_mark", "restore_mark", "notrack", "template", "hop_limit", "add_to_set"]
"""What a rule changes."""


@dataclass(frozen=True)
class Match:
    """One condition of a rule.

    ``field`` is one of protocol, ethertype, source, destination, sport, dport, port (either port), hop_limit, icmp_type
    (``spans``; ``argument`` of icmp_type is the code's span, empty for any), icmp_code (``spans``); in_interface,
    out_interface (``names``, one of which it is, a trailing ``+`` is a prefix); state (``names``: NEW, ESTABLISHED,
    RELATED, INVALID, UNTRACKED, DNAT, SNAT); status (``names``: DNAT, SNAT, SEEN_REPLY, ...) and direction (ORIGINAL,
    REPLY) of a connection; tcp_flags (``argument`` is ``(mask, value)``, or ``(mask,)`` for any value in ``spans``);
    mark, connmark (the same); fragment; source_set, destination_set (``names``: a set of ipset of which nothing else is
    known, its directions; ``argument`` is ``(1,)`` for its elements with nomatch); source_type,
    destination_type, packet_type (``names``: LOCAL, UNICAST, ...); source_fib_type, destination_fib_type (likewise,
    after the routing table alone); reverse_path (there is a route back); time (``spans`` in seconds of the epoch;
    ``names``: holds or ended when the rules were read, empty where that is not known); either (one of ``rows`` holds as
    a whole); unknown (``names``: what it asks).

    Where ``spans`` or ``rows`` are what a named set of nft or ipset holds now, ``names`` is the set, and the sets
    within that: they may hold others soon.
    """

    field: MatchField
    spans: Tuple[Span, ...] = ()
    names: Tuple[str, ...] = ()
    argument: Tuple[int, ...] = ()
    negated: bool = False
    rows: Tuple[Tuple[Match, ...], ...] = ()

    @property
    def fields(self) -> FrozenSet[MatchField]:
        """All that the condition asks about."""
        if self.field != "either":
            return frozenset((self.field,))
        return frozenset(field for row in self.rows for match in row for field in match.fields)


@dataclass(frozen=True)
class Effect:
    """A change that a rule makes before its verdict is taken.

    ``kind`` is mark or connmark (``argument`` is ``(value, mask)``: mark = mark & ~mask ^ value; empty where the new
    value is not known), save_mark or restore_mark (``argument`` is ``(mask of the packet's mark, mask of the
    connection's mark)``), notrack, template (it gets one for its connection), hop_limit (``argument`` is its span), or
    add_to_set (``name`` is the set that the packet is put into, or taken out of).
    """

    kind: EffectKind
    argument: Tuple[int, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule: all ``matches`` hold, then ``effects`` happen and ``verdict`` is taken.

    ``verdict`` is accept, drop, reject, jump, goto, return, continue (has its effects, counts, logs), redirect
    (``argument`` is the port span or empty), dnat (likewise), snat, or opaque (may do anything). ``target`` is the
    chain of jump and goto, the address of dnat, otherwise the target's own name, for nft log or counter. ``text`` is
    the rule as its tool prints it, without counters.

    ``handle`` is nft's number of the rule in its table, 0 for other tools. One rule of nft with a map is several rules
    here, one behind the other with the same handle and text: the first that matches is taken, the others are not.
    """

    matches: Tuple[Match, ...]
    verdict: RuleVerdict
    target: str = ""
    argument: Tuple[int, ...] = ()
    text: str = ""
    handle: int = 0
    effects: Tuple[Effect, ...] = ()


@dataclass(frozen=True)
class Chain:
    """A chain; ``policy`` (accept, drop), ``hook`` (ingress, prerouting, input, output, ...) only on base chains.

    ``kind`` is filter or nat: only a connection's first packet passes a nat chain. ``devices`` are the interfaces that
    a chain of hook ingress or egress is bound to (a trailing ``+`` is a prefix), empty elsewhere.
    """

    name: str
    rules: Tuple[Rule, ...] = ()
    policy: Optional[str] = None
    hook: Optional[str] = None
    priority: int = 0
    kind: str = "filter"
    devices: Tuple[str, ...] = ()


@dataclass(frozen=True)
class NamedSet:
    """A named set or map of nft.

    ``spans`` are its keys, empty where they are no single numbers (names, concatenations); ``timeouts`` are those that
    run out: low, high, milliseconds left.
    """

    name: str
    spans: Tuple[Span, ...] = ()
    timeouts: Tuple[Tuple[int, int, int], ...] = ()


@dataclass(frozen=True)
class Table:
    """A table as the kernel has it.

    ``frontend`` is iptables-nft, iptables-legacy or nft; ``family`` is ip, ip6, inet, netdev, arp or bridge. Tables of
    nft hold all their chains. No chain of a ``dormant`` table has a hook; only the program that made an ``owned`` one
    may change it. ``unprintable`` is for tables with iptables' names: the chain and the rule for which iptables-save
    does not print what the table holds, empty where it does.
    """

    frontend: str
    family: str
    name: str
    chains: Tuple[Chain, ...] = ()
    sets: Tuple[NamedSet, ...] = ()
    dormant: bool = False
    owned: bool = False
    unprintable: str = ""

    def chain(self, name: str) -> Optional[Chain]:
        """The chain of that name, or None."""
        for chain in self.chains:
            if chain.name == name:
                return chain
        return None


Ruleset = Tuple[Table, ...]
