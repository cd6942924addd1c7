# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders our chain and jumps as iptables-save prints them, and finds them among the rules of others."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ADVERTISEMENT, SOLICITATION
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import BASES
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, Network, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import (
    XtablesJump,
    arrival_match,
    group_by_protocol,
    port_matches,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.words import parse_date, render_date

# A rule without a target does nothing; these remember, through any saving tool, that a base chain was not there.
_MADE = {base: f'-m comment --comment "port443: made the chain {base}"' for base in BASES.values()}
_STOP = re.compile(r" -m time --datestop (\S+) ")


@dataclass(frozen=True)
class XtablesLayout:
    """All that is ours in one table: the rules of our chain and the jumps to it, as ``-A`` lines."""

    rules: Tuple[str, ...] = ()
    jumps: Tuple[XtablesJump, ...] = ()
    chain_exists: bool = False

    @property
    def made(self) -> Tuple[str, ...]:
        """The base chains that did not exist before us."""
        return tuple(base for base, mark in _MADE.items() if any(mark in line for line in self.rules))

    @property
    def stop(self) -> Optional[int]:
        """When the set ends, in seconds of the epoch; None where it stays."""
        dates = {parse_date(found.group(1)) for found in map(_STOP.search, self.rules) if found}
        return max((date for date in dates if date is not None), default=None)


Takes = Callable[[str, Rule], bool]
"""Tells of a chain's name and a rule of it whether the set takes that rule over."""


def takes_nothing(_chain: str, _rule: Rule) -> bool:
    """What is so unless the option adopt is set."""
    return False


def is_ours(rule: Rule, chain: str) -> bool:
    """Tells whether a rule leads into our chain."""
    return rule.verdict in ("jump", "goto") and rule.target == chain


def leads_to(line: str, chain: str) -> bool:
    """Tells whether a line of a layout is a jump to our chain, not a rule that was taken over."""
    return line.endswith(f"-j {chain}")


def find_layout(table: Table, chain: str, takes: Takes = takes_nothing) -> XtablesLayout:
    """Returns what is ours in a table; rules to take over stand among the jumps, as they go when these are made."""
    own = table.chain(chain)
    jumps: List[XtablesJump] = []
    for other in table.chains:
        if other.name == chain:
            continue
        foreign = 0
        for rule in other.rules:
            if is_ours(rule, chain) or takes(other.name, rule):
                jumps.append(XtablesJump(other.name, foreign, rule.text))
            else:
                foreign += 1
    rules = tuple(rule.text for rule in own.rules) if own else ()
    return XtablesLayout(rules, tuple(jumps), own is not None)


def strip(table: Table, chain: str, takes: Takes = takes_nothing) -> Table:
    """Returns the table as if our chain, the jumps to it and the rules to take over were not there."""
    kept = (other for other in table.chains if other.name != chain)
    return replace(table, chains=tuple(_without(other, chain, takes) for other in kept))


def strip_all_sets(table: Table) -> Table:
    """Returns the table as if no rule set of this collection were there."""
    for name in [chain.name for chain in table.chains if chain.name.startswith(CHAIN_PREFIX)]:
        table = strip(table, name)
    return table


def _without(other: Chain, chain: str, takes: Takes) -> Chain:
    kept = (rule for rule in other.rules if not is_ours(rule, chain) and not takes(other.name, rule))
    return replace(other, rules=tuple(kept))


def put(table: Table, chain: str, layout: XtablesLayout, parsed: Dict[str, Rule]) -> Table:
    """Returns a stripped table with the layout put in; ``parsed`` holds the Rule of each of its lines."""
    chains = []
    for other in table.chains:
        rules = list(other.rules)
        here = [jump for jump in layout.jumps if jump.chain == other.name]
        for jump in sorted(here, key=lambda jump: jump.index, reverse=True):
            rules.insert(jump.index, parsed[jump.line])
        chains.append(replace(other, rules=tuple(rules)))
    if layout.chain_exists:
        chains.append(Chain(chain, tuple(parsed[line] for line in layout.rules)))
    return replace(table, chains=tuple(chains))


def render_rules(
    request: PortsRequest, family: int, neighbours: bool, made: Sequence[str], stop: Optional[int]
) -> Tuple[str, ...]:
    """Returns the rules of our chain; ``neighbours`` adds neighbour discovery, without which IPv6 reaches nothing.

    ``made`` are the base chains that are not there yet; ``stop`` is when the set ends, in seconds of the epoch.
    """
    until = "" if stop is None else f"-m time --datestop {render_date(stop)} "
    sources = request.sources(family)
    lines: List[str] = []
    if sources is not None:
        for source in sources or (None,):
            for interface in request.interface or (None,):
                for ports in group_by_protocol(request.ports):
                    lines += _accepts(request.chain, source, interface, ports, until)
    if neighbours and lines:
        for kind in (SOLICITATION, ADVERTISEMENT):
            for interface in request.interface or (None,):
                where = arrival_match(None, interface)
                body = f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} {until}-j ACCEPT"
                lines.append(f"-A {request.chain} {where}{body}")
    return (*lines, *(f"-A {request.chain} {_MADE[base]}" for base in made if lines))


def _accepts(
    chain: str, source: Optional[Network], interface: Optional[str], ports: Sequence[PortRule], until: str
) -> List[str]:
    where = arrival_match(source, interface)
    return [f"-A {chain} {where}{match} {until}-j ACCEPT" for match in port_matches(ports)]
