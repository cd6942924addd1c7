# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the place of a jump: before the rule that blocks a stranger, behind the rules that ban some.

The barrier of a port is the first rule that definitely blocks a new connection from a source that no rule names; on
the way out, to a destination that no rule names. Rules that accept are passed over, so that the place does not depend
on who else opened the port.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.match import rule_matches
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ANY_SOURCE, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    MatchField,
    Rule,
    RuleVerdict,
    Table,
)

_LOGS = frozenset(("LOG", "NFLOG", "ULOG", "log", "counter"))
_ANONYMOUS = "__chain"  # how nf_tables names a chain that stands within a rule; nothing can be added to it
_ALL_PORTS = (0, 65535)
_PORTS: FrozenSet[MatchField] = frozenset(("dport", "port"))
_LEADS: Tuple[RuleVerdict, ...] = ("jump", "goto")
_DECIDING: Tuple[RuleVerdict, ...] = ("drop", "reject", "return", "jump", "goto")


@dataclass(frozen=True)
class RulePosition:
    """Before rule ``index`` of ``chain``; the index may be the number of rules, which is the end."""

    chain: str
    index: int


@dataclass(frozen=True)
class Search:
    """What a search found: the ``place`` of a barrier, and whether the admin's own will ``denied`` the packet before.

    Where a chain that the packet may come by on other ways could deny it, it counts as denied, to be sure.
    """

    place: Optional[RulePosition] = None
    denied: bool = False


class Placement:
    """Finds places in one filter table that holds none of our own rules, from its base chain of that name on.

    Nothing goes into the chains ``filled``, whose program makes them anew whenever it likes.
    """

    def __init__(self, table: Table, base: str = "INPUT", filled: Sequence[str] = ()) -> None:
        self._chains: Dict[str, Chain] = {chain.name: chain for chain in table.chains}
        self._base = self._chains.get(base, Chain(base))
        self._peer = "destination" if self._base.hook == "output" or base == "OUTPUT" else "source"
        self._filled = frozenset(filled)
        self._private = _private_chains(table, base)
        self._relevant: Dict[Tuple[Packet, str], Tuple[Tuple[int, Rule], ...]] = {}

    def find(self, packet: Packet, position: str) -> RulePosition:
        """Returns the place for a new connection's first packet; ``position`` is auto, first or last."""
        chain = self._base
        if position == "first":
            return RulePosition(chain.name, 0)
        end = len(chain.rules)
        if position == "last":
            return RulePosition(chain.name, end)
        unlisted = replace(packet, unlisted=True)
        found = self._search_all(packet).place
        return found or RulePosition(chain.name, self._before_logs(chain, end, unlisted))

    def blocks(self, packet: Packet) -> bool:
        """Tells whether a rule or the policy here stops such packets, rules that accept some of them left aside."""
        found = self._search_all(packet)
        return found.place is not None or found.denied or self._base.policy == "drop"

    def may_stay(self, have: RulePosition, place: RulePosition, packets: Sequence[Packet]) -> bool:
        """Tells whether a jump that is there works as well as one at ``place``: nothing between can block."""
        if have.chain != place.chain:
            return False
        low, high = sorted((have.index, place.index))
        between = self._chains[have.chain].rules[low:high] if have.chain in self._chains else ()
        return not any(
            self._may_block(rule, self._of_anyone(packet), frozenset()) for rule in between for packet in packets
        )

    def _search_all(self, packet: Packet) -> Search:
        return self._search(self._base, replace(packet, unlisted=True), False, self._base.policy == "drop")

    def _of_anyone(self, packet: Packet) -> Packet:
        return (
            replace(packet, destination=ANY_SOURCE)
            if self._peer == "destination"
            else replace(packet, source=ANY_SOURCE)
        )

    def _search(self, chain: Chain, packet: Packet, named: bool, final: bool) -> Search:
        """The barrier in a chain and those it leads to, without a place where the packet comes back from it.

        ``named`` tells that the way here is the admin's own will. Where that blocks, the search goes on behind it.
        ``final`` tells that who leaves this chain, the base or one that a goto led to, meets a policy that blocks.
        """
        denied = False
        for index, rule in self._candidates(chain, packet):
            if rule.verdict == "return" and self._spares_some(rule, packet):
                named = True  # what follows blocks all but those: a policy about sources, whoever wrote it
            if rule_matches(rule, packet) is not True or rule.verdict not in _DECIDING:
                continue
            will = named or self._names_us(rule)
            if rule.verdict == "return" and final and not will:
                return Search(RulePosition(chain.name, index), denied)
            if rule.verdict == "return" and chain.name != self._base.name:
                return Search(None, denied)
            if rule.verdict == "return":
                continue
            blocks = rule.verdict in ("drop", "reject") or self._is_sink(rule.target, packet)
            if blocks and not will:
                return Search(RulePosition(chain.name, self._before_logs(chain, index, packet)), denied)
            found = Search(denied=True) if blocks else self._enter(RulePosition(chain.name, index), packet, will, final)
            denied = denied or found.denied
            if found.place or (rule.verdict == "goto" and not blocks):
                return Search(found.place, denied)
        return Search(None, denied)

    def _enter(self, here: RulePosition, packet: Packet, will: bool, final: bool) -> Search:
        """The barrier in the chain that a rule leads to, or the end of that chain where a goto leaves the policy."""
        chain = self._chains[here.chain]
        rule = chain.rules[here.index]
        before = RulePosition(chain.name, self._before_logs(chain, here.index, packet))
        if rule.target not in self._private:
            if will or self._bans(rule.target, frozenset()) or not self._is_sink(rule.target, packet, strict=False):
                return Search(denied=True)
            return Search(before, denied=True)
        found = self._descend(rule, packet, will, final)
        if found.place is None or rule.target not in self._filled:
            return found
        return Search(None if self._bans(rule.target, frozenset()) else before, denied=True)

    def _descend(self, rule: Rule, packet: Packet, will: bool, final: bool) -> Search:
        final = final and rule.verdict == "goto"
        target = self._chains[rule.target]
        found = self._search(target, packet, will, final)
        denied = will or found.denied
        if found.place is None and final and not denied:
            return Search(RulePosition(target.name, self._before_logs(target, len(target.rules), packet)))
        return Search(found.place, denied)

    def _bans(self, name: str, seen: FrozenSet[str]) -> bool:
        """Whether a chain, or one that it leads to, has a rule about who is at the other end."""
        if name not in self._chains or name in seen:
            return False
        rules = self._chains[name].rules
        return any(self._names_peer(rule) or self._bans(rule.target, seen | {name}) for rule in rules)

    def _spares_some(self, rule: Rule, packet: Packet) -> bool:
        """Whether a rule sends some sources back, or only so many packets."""
        return rule_matches(rule, self._of_anyone(packet)) is None

    def _candidates(self, chain: Chain, packet: Packet) -> Tuple[Tuple[int, Rule], ...]:
        """The rules of a chain that could concern the packet on some port, kept for the next port."""
        general = replace(packet, dport=_ALL_PORTS)
        key = (general, chain.name)
        if key not in self._relevant:
            self._relevant[key] = tuple(
                (index, rule)
                for index, rule in enumerate(chain.rules)
                if rule_matches(rule, general) is not False
                or (rule.verdict == "return" and self._spares_some(rule, general))
            )
        return self._relevant[key]

    def _is_sink(self, target: str, packet: Packet, strict: bool = True) -> bool:
        """Whether a chain blocks all that enters it, whoever sent it to whatever port: its jump is then the barrier.

        ``strict`` asks that it do so at once, not some packets before the others: where bans stand in it, a place
        before its jump would be ahead of them.
        """
        return self._blocks_all(target, replace(self._of_anyone(packet), dport=_ALL_PORTS), frozenset(), strict)

    def _blocks_all(self, name: str, packet: Packet, seen: FrozenSet[str], strict: bool) -> bool:
        """Whether nothing that enters a chain gets out; with ``strict``, for one reason and not for several."""
        if name not in self._chains or name in seen:
            return False
        for rule in self._chains[name].rules:
            matches = rule_matches(rule, packet)
            if matches is False or rule.verdict == "continue":
                continue
            inner = rule.verdict in ("jump", "goto") and self._blocks_all(rule.target, packet, seen | {name}, strict)
            if rule.verdict not in ("drop", "reject") and not inner:
                return False
            if matches or strict:
                return bool(matches)
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

    def _names_us(self, rule: Rule) -> bool:
        """Whether a rule is about these ports or about who is at the other end: the admin's own will, not overruled."""
        ports = (not match.negated and match.fields & _PORTS for match in rule.matches)
        return self._names_peer(rule) or any(ports)

    def _names_peer(self, rule: Rule) -> bool:
        return any(match.fields & {self._peer, self._peer + "_set"} for match in rule.matches)

    def _before_logs(self, chain: Chain, index: int, packet: Packet) -> int:
        """Hoists over the rules that log or count what the barrier is about to block, or block a part in another way.

        Arch's nftables.conf rejects five packets a second before its policy drops the others.
        """
        while index and self._belongs_to_barrier(chain.rules[index - 1], packet):
            index -= 1
        return index

    def _belongs_to_barrier(self, rule: Rule, packet: Packet) -> bool:
        if rule_matches(rule, packet) is False:
            return False
        return _logs(rule) or (rule.verdict in ("drop", "reject") and _is_limited(rule) and not self._names_us(rule))


def _logs(rule: Rule) -> bool:
    """Whether a rule logs or counts, and does nothing else."""
    return rule.verdict == "continue" and not rule.effects and rule.target in _LOGS


def _is_limited(rule: Rule) -> bool:
    """Whether so many packets are all that a rule asks for beyond what is known."""
    unknown = [match.names[0].split() for match in rule.matches if match.field == "unknown" and match.names]
    return bool(unknown) and all(words[:1] == ["limit"] for words in unknown)


def _private_chains(table: Table, base: str) -> FrozenSet[str]:
    """The user chains that one rule alone leads to, and that packets of no other base chain pass.

    What is put into a chain with a second way in would also serve those who come that way: the banned, say.
    """
    leads = {chain.name: [rule.target for rule in chain.rules if rule.verdict in _LEADS] for chain in table.chains}
    reached: Set[str] = set()
    waiting: List[str] = [chain.name for chain in table.chains if chain.hook and chain.name != base]
    while waiting:
        for target in leads.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    ways = {  # the parts of one map are one way
        (chain.name, rule.handle or -index, rule.target)
        for chain in table.chains
        for index, rule in enumerate(chain.rules)
        if rule.verdict in _LEADS
    }
    targets = [target for _chain, _number, target in ways]
    closed = reached.union(name for name in leads if name.startswith(_ANONYMOUS))
    return frozenset(name for name in leads if targets.count(name) == 1 and name not in closed)
