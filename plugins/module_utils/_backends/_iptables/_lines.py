# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Our rules as iptables-save prints them, and our rules found among others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._port_rule import CHAIN_PREFIX, Network, PortRule, Request
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Match, Rule, Table

MULTIPORT_SLOTS = 15  # XT_MULTI_PORTS in the kernel's xt_multiport.h; a range takes two
SOLICITATION, ADVERTISEMENT = 135, 136  # RFC 4861, 4.3 and 4.4

# A rule without a target does nothing; this one remembers, through any saving tool, that the chain INPUT was not there.
MADE = '-m comment --comment "port443: made the chain INPUT"'


@dataclass(frozen=True)
class Jump:
    """A jump to our chain: before rule ``index`` of ``chain``, counted without our own rules."""

    chain: str
    index: int
    line: str


@dataclass(frozen=True)
class Layout:
    """All that is ours in one table: the rules of our chain and the jumps to it, as ``-A`` lines."""

    rules: Tuple[str, ...] = ()
    jumps: Tuple[Jump, ...] = ()
    chain_exists: bool = False

    @property
    def lets_neighbours_in(self) -> bool:
        """Whether IPv6 neighbour discovery is part of it."""
        return any("--icmpv6-type" in line for line in self.rules)

    @property
    def made_input(self) -> bool:
        """Whether the chain INPUT did not exist before us."""
        return any(MADE in line for line in self.rules)


def is_ours(rule: Rule, chain: str) -> bool:
    """Tells whether a rule leads into our chain."""
    return rule.verdict in ("jump", "goto") and rule.target == chain


def find_layout(table: Table, chain: str) -> Layout:
    """Returns what is ours in a table."""
    own = table.chain(chain)
    jumps: List[Jump] = []
    for other in table.chains:
        if other.name == chain:
            continue
        foreign = 0
        for rule in other.rules:
            if is_ours(rule, chain):
                jumps.append(Jump(other.name, foreign, rule.text))
            else:
                foreign += 1
    rules = tuple(rule.text for rule in own.rules) if own else ()
    return Layout(rules, tuple(jumps), own is not None)


def strip(table: Table, chain: str) -> Table:
    """Returns the table as if our chain and the jumps to it were not there."""
    kept = (other for other in table.chains if other.name != chain)
    return replace(table, chains=tuple(_without(other, chain) for other in kept))


def strip_all_sets(table: Table) -> Table:
    """Returns the table as if no rule set of this collection were there."""
    for name in [chain.name for chain in table.chains if chain.name.startswith(CHAIN_PREFIX)]:
        table = strip(table, name)
    return table


def _without(other: Chain, chain: str) -> Chain:
    return replace(other, rules=tuple(rule for rule in other.rules if not is_ours(rule, chain)))


def put(table: Table, chain: str, layout: Layout, parsed: Dict[str, Rule]) -> Table:
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


def render_rules(request: Request, family: int, neighbours: bool, made_input: bool) -> Tuple[str, ...]:
    """Returns the rules of our chain; ``neighbours`` adds neighbour discovery, without which IPv6 reaches nothing."""
    sources = request.sources(family)
    lines: List[str] = []
    if sources is not None:
        for source in sources or (None,):
            for interface in request.interface or (None,):
                for ports in _by_protocol(request.ports):
                    lines += _accepts(request.chain, source, interface, ports)
    if neighbours and lines:
        for kind in (SOLICITATION, ADVERTISEMENT):
            for interface in request.interface or (None,):
                where = arrival_match(None, interface)
                body = f"-p ipv6-icmp -m icmp6 --icmpv6-type {kind} -j ACCEPT"
                lines.append(f"-A {request.chain} {where}{body}")
    if made_input and lines:
        lines.append(f"-A {request.chain} {MADE}")
    return tuple(lines)


def _accepts(chain: str, source: Optional[Network], interface: Optional[str], ports: Sequence[PortRule]) -> List[str]:
    where = arrival_match(source, interface)
    return [f"-A {chain} {where}{match} -j ACCEPT" for match in port_matches(ports)]


def arrival_match(source: Optional[Network], interface: Optional[str]) -> str:
    """Returns the match of a source and an interface, followed by a space; empty for anyone on any."""
    words = ""
    if source is not None and source.prefixlen:
        words += f"-s {source} "
    return words + (f"-i {interface} " if interface else "")


def port_matches(ports: Sequence[PortRule]) -> List[str]:
    """Returns the fewest matches that name these ports of one protocol, each within multiport's 15 slots."""
    protocol = ports[0].protocol
    matches = []
    for chunk in _chunks(ports):
        numbers = [f"{p.low}:{p.high}" if p.low < p.high else str(p.low) for p in chunk]
        if len(numbers) == 1:
            matches.append(f"-p {protocol} -m {protocol} --dport {numbers[0]}")
        else:
            matches.append("-p {} -m multiport --dports {}".format(protocol, ",".join(numbers)))
    return matches


def _by_protocol(ports: Sequence[PortRule]) -> List[Tuple[PortRule, ...]]:
    names = sorted({port.protocol for port in ports})
    return [tuple(port for port in ports if port.protocol == name) for name in names]


def _chunks(ports: Sequence[PortRule]) -> List[List[PortRule]]:
    chunks: List[List[PortRule]] = []
    free = 0
    for port in ports:
        slots = 1 if port.low == port.high else 2
        if slots > free:
            chunks.append([])
            free = MULTIPORT_SLOTS
        chunks[-1].append(port)
        free -= slots
    return chunks


def meaning(rule: Rule) -> Tuple[FrozenSet[Match], str, str]:
    """What a rule does, however it is written."""
    return frozenset(rule.matches), rule.verdict, rule.target
