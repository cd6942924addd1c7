# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a jump to our chain belongs: before the rule that blocks a stranger, behind the rules that ban some.

The barrier of a port is the first rule that definitely blocks a new connection from a source that no rule names.
Rules that accept are passed over, so that the place does not depend on who else opened the port.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._lines import Jump
from ansible_collections.port443.https.plugins.module_utils._packet import ANYONE, Packet, rule_matches
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Rule, Table

INPUT = "INPUT"
_LOGS = (" -j LOG", " -j NFLOG", " -j ULOG")
_ALL_PORTS = (0, 65535)


@dataclass(frozen=True)
class Place:
    """Before rule ``index`` of ``chain``; the index may be the number of rules, which is the end."""

    chain: str
    index: int


class Placement:
    """Finds places in one filter table that holds none of our own rules."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._chains: Dict[str, Chain] = {chain.name: chain for chain in table.chains}
        self._shared = _chains_of_other_hooks(table)
        self._relevant: Dict[Tuple[Packet, str], Tuple[Tuple[int, Rule], ...]] = {}

    def find(self, packet: Packet, position: str) -> Place:
        """Returns the place for a new connection's first packet; ``position`` is auto, first or last."""
        chain = self._chains.get(INPUT, Chain(INPUT))
        if position == "first":
            return Place(INPUT, 0)
        end = Place(INPUT, len(chain.rules))
        if position == "last":
            return end
        return self._search(chain, packet, False) or Place(INPUT, self._before_logs(chain, end.index, packet))

    def may_stay(self, jump: Jump, place: Place, packets: Sequence[Packet]) -> bool:
        """Tells whether a jump that is there works as well as one at ``place``: nothing between can block."""
        if jump.chain != place.chain:
            return False
        low, high = sorted((jump.index, place.index))
        between = self._chains[jump.chain].rules[low:high] if jump.chain in self._chains else ()
        return not any(
            self._may_block(rule, replace(packet, source=ANYONE), frozenset()) for rule in between for packet in packets
        )

    def _search(self, chain: Chain, packet: Packet, named: bool) -> Optional[Place]:
        """The barrier in a chain and those it leads to, or None where the packet comes back from it."""
        for index, rule in self._candidates(chain, packet):
            if rule_matches(rule, packet) is not True:
                continue
            if rule.verdict == "return":
                return None
            if rule.verdict not in ("drop", "reject", "jump", "goto"):
                continue
            will = named or _names_us(rule)
            blocks = rule.verdict in ("drop", "reject") or self._is_sink(rule.target, packet)
            if blocks and not will:
                return Place(chain.name, self._before_logs(chain, index, packet))
            if not blocks and rule.target in self._chains and rule.target not in self._shared:
                found = self._search(self._chains[rule.target], packet, will)
                if found:
                    return found
            if rule.verdict == "goto" and not blocks:
                return None
        return None

    def _candidates(self, chain: Chain, packet: Packet) -> Tuple[Tuple[int, Rule], ...]:
        """The rules of a chain that could concern the packet on some port, kept for the next port."""
        general = replace(packet, dport=_ALL_PORTS)
        key = (general, chain.name)
        if key not in self._relevant:
            self._relevant[key] = tuple(
                (index, rule) for index, rule in enumerate(chain.rules) if rule_matches(rule, general) is not False
            )
        return self._relevant[key]

    def _is_sink(self, target: str, packet: Packet) -> bool:
        """Whether a chain blocks all that enters it, whoever sent it to whatever port: its jump is then the barrier.

        A chain that bans some before it blocks the rest is none: a place before its jump would be ahead of those bans.
        """
        return self._blocks_all(target, replace(packet, source=ANYONE, dport=_ALL_PORTS), frozenset())

    def _blocks_all(self, name: str, packet: Packet, seen: FrozenSet[str]) -> bool:
        if name not in self._chains or name in seen:
            return False
        for rule in self._chains[name].rules:
            matches = rule_matches(rule, packet)
            if matches is False or rule.verdict in ("continue", "mark"):
                continue
            inner = rule.verdict in ("jump", "goto") and self._blocks_all(rule.target, packet, seen | {name})
            return bool(matches) and (rule.verdict in ("drop", "reject") or inner)
        return False

    def _may_block(self, rule: Rule, packet: Packet, seen: FrozenSet[str]) -> bool:
        if rule_matches(rule, packet) is False:
            return False
        if rule.verdict in ("jump", "goto"):
            chain = self._chains.get(rule.target)
            if chain is None or rule.target in seen:
                return False
            return any(self._may_block(inner, packet, seen | {rule.target}) for inner in chain.rules)
        return rule.verdict in ("drop", "reject", "opaque", "return") and not (rule.verdict == "return" and seen)

    def _before_logs(self, chain: Chain, index: int, packet: Packet) -> int:
        """Hoists over the rules that log what the barrier is about to block."""
        while index and _logs(chain.rules[index - 1]) and rule_matches(chain.rules[index - 1], packet) is not False:
            index -= 1
        return index


def _logs(rule: Rule) -> bool:
    return rule.verdict == "continue" and any(word in rule.text for word in _LOGS)


def _names_us(rule: Rule) -> bool:
    """Whether a rule is about these ports or all sources but some: the admin's own will, never overruled."""
    return any(
        (match.field in ("dport", "port") and not match.negated)
        or (match.field in ("source", "source_set") and match.negated)
        for match in rule.matches
    )


def _chains_of_other_hooks(table: Table) -> FrozenSet[str]:
    """The user chains that packets of other hooks than INPUT pass as well."""
    leads = {chain.name: [rule.target for rule in chain.rules if rule.target] for chain in table.chains}
    reached: Set[str] = set()
    waiting: List[str] = [chain.name for chain in table.chains if chain.hook and chain.name != INPUT]
    while waiting:
        for target in leads.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return frozenset(reached)
