# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of pf as data, and what a ruleset of pf means whatever its spelling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import FrozenSet, Iterable, Iterator, Mapping, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

AUTOMATIC = "__automatic_"
"""How the names of tables begin that pfctl's optimiser makes of six or more addresses (pfctl_optimize.c)."""


@dataclass(frozen=True)
class Peer:
    """The source or the destination of a rule.

    ``kind`` is any, network (``network``), table, interface (the addresses of an interface or group), routing
    (no-route, urpf-failed) or unknown; ``name`` is that of table, interface or word. ``ports`` are the spans that
    match, None for all ports.
    """

    kind: str = "any"
    network: Optional[Network] = None
    name: str = ""
    negated: bool = False
    ports: Optional[Tuple[Span, ...]] = None


@dataclass(frozen=True)
class PfRule:
    """One rule: what it does, and every condition that is understood.

    ``action`` is pass, block, match, anchor, rdr, rdr-anchor, or other (normalises, translates, shapes: decides
    nothing). ``direction`` is in, out or empty; ``family`` 4, 6 or 0; ``protocol`` and ``icmp_type`` numbers, None for
    any. ``flags`` are the TCP flags that are set and those that are looked at, None for all packets. ``stateful`` tells
    that a pass keeps state. ``anchor`` is the path that an anchor rule calls, ``body`` what an inline one holds.
    ``elsewhere`` is where packets are sent on to. ``unknown`` are conditions that only the kernel can judge.
    """

    action: str
    direction: str = ""
    quick: bool = False
    interface: str = ""
    interface_negated: bool = False
    family: int = 0
    protocol: Optional[int] = None
    source: Peer = Peer()
    destination: Peer = Peer()
    flags: Optional[Tuple[str, str]] = None
    icmp_type: Optional[int] = None
    stateful: bool = True
    label: str = ""
    anchor: str = ""
    body: Tuple[PfRule, ...] = ()
    elsewhere: str = ""
    unknown: Tuple[str, ...] = ()
    text: str = ""


Rules = Tuple[PfRule, ...]


@dataclass(frozen=True)
class PfTable:
    """What a table of pf holds: networks that are in it, and those that are excepted again."""

    networks: Tuple[Network, ...] = ()
    excepted: Tuple[Network, ...] = ()


Tables = Mapping[Tuple[str, str], PfTable]
"""Tables by the anchor that they belong to (empty for the main ruleset) and their name."""


def meaning(rules: Iterable[PfRule], tables: Tables, anchor: str) -> FrozenSet[PfRule]:
    """Returns what rules do, as a set, so that order and the optimiser's merging of addresses do not count.

    Rules from a table that the optimiser made become a rule for each address; text and label are left out. A table that
    is not known stays as it is, and so differs from everything.
    """
    return frozenset(replace(rule, text="") for rule in _spread(rules, tables, anchor))


def _spread(rules: Iterable[PfRule], tables: Tables, anchor: str) -> Iterator[PfRule]:
    for rule in rules:
        table = tables.get((anchor, rule.source.name)) if rule.source.name.startswith(AUTOMATIC) else None
        if table is None:
            yield rule
            continue
        for network in table.networks:
            yield replace(
                rule, family=network.version, source=replace(rule.source, kind="network", network=network, name="")
            )


def referred_tables(rules: Iterable[PfRule]) -> FrozenSet[str]:
    """Returns the names of the tables that rules, and those of inline anchors in them, ask about."""
    names = set()
    for rule in rules:
        names |= {peer.name for peer in (rule.source, rule.destination) if peer.kind == "table"}
        names |= referred_tables(rule.body)
    return frozenset(names)


def called_anchors(rules: Iterable[PfRule]) -> Iterator[str]:
    """Yields the anchors that rules call by name, in order."""
    for rule in rules:
        if rule.action in ("anchor", "rdr-anchor") and rule.anchor and not rule.body:
            yield rule.anchor
        yield from called_anchors(rule.body)
