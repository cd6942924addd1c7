# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ports, sources and interfaces as match options of iptables, and what a rule means whatever its spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, Rule
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

MULTIPORT_SLOTS = 15  # XT_MULTI_PORTS in the kernel's xt_multiport.h; a range takes two


@dataclass(frozen=True)
class XtablesJump:
    """A jump to our chain: before rule ``index`` of ``chain``, counted without our own rules."""

    chain: str
    index: int
    line: str


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
    for chunk in chunk_ports(ports):
        numbers = [f"{p.low}:{p.high}" if p.low < p.high else str(p.low) for p in chunk]
        if len(numbers) == 1:
            matches.append(f"-p {protocol} -m {protocol} --dport {numbers[0]}")
        else:
            matches.append("-p {} -m multiport --dports {}".format(protocol, ",".join(numbers)))
    return matches


def group_by_protocol(ports: Sequence[PortRule]) -> List[Tuple[PortRule, ...]]:
    """Returns the ports of each protocol, by its name."""
    names = sorted({port.protocol for port in ports})
    return [tuple(port for port in ports if port.protocol == name) for name in names]


def chunk_ports(ports: Sequence[PortRule]) -> List[List[PortRule]]:
    """Returns the ports in the fewest lists of at most 15 slots, of which a range takes two."""
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
