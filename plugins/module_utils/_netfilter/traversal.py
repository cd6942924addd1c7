# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traverses netfilter's hooks: every base chain by priority, with connection tracking and NAT between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, permutations
from typing import Callable, Dict, FrozenSet, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import ChainEvaluator
from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import (
    CONNTRACK,
    ConntrackState,
    Decision,
    Flow,
    Stop,
    Traversal,
    all_rules,
    apply_conntrack,
    before_conntrack,
    has_tracking,
    merged,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.nat import apply_dnat, translate, undo_dnat
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ARP, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    Ruleset,
    RuleVerdict,
    Table,
)

_NAT_DST, _NAT_SRC = -100, 100
# NAT chains run at netfilter's own places, whatever their priority: that only orders them among themselves
# (nf_nat_proto.c, nf_nat_ipv4_ops; nf_nat_core.c, nf_nat_inet_fn).
_NAT_PLACES = {"prerouting": _NAT_DST, "output": _NAT_DST, "input": _NAT_SRC, "postrouting": _NAT_SRC}
_FAMILIES = {4: ("ip", "inet", "netdev", "arp", "bridge"), 6: ("ip6", "inet", "netdev", "bridge")}
_TRACKED = {4: ("ip", "inet"), 6: ("ip6", "inet")}
_CHANGING: FrozenSet[RuleVerdict] = frozenset(("redirect", "dnat", "opaque"))
_ANY_STATE = ("ESTABLISHED", "INVALID", "NEW", "RELATED", "UNTRACKED")
_FIRST, _LAST = -(1 << 31) - 1, 1 << 31
_MOST_PERMUTED = 4


@dataclass(frozen=True)
class _Base:
    table: Table
    chain: Chain

    @property
    def place(self) -> int:
        """When it runs among the chains of its hook."""
        is_nat = self.chain.kind == "nat" and self.chain.hook in _NAT_PLACES
        return _NAT_PLACES[self.chain.hook or ""] if is_nat else self.chain.priority

    def stands_at(self, name: str) -> bool:
        """Whether it is bound to the device of that name."""
        return any(
            name == device or (device[-1:] == "+" and name.startswith(device[:-1])) for device in self.chain.devices
        )

    def sees(self, packet: Packet, layered: bool) -> Optional[bool]:
        """Whether it stands at the device of a packet; below a bridge or a tunnel there are others."""
        name = packet.in_interface if self.chain.hook == "ingress" else packet.out_interface
        if not self.chain.devices or self.stands_at(name or ""):
            return not (packet.protocol == ARP and self.table.family == "inet")
        others = name is None or layered
        return None if others and self.chain.devices != ("lo",) else False


class _Section(NamedTuple):
    """The chains of a hook at places above ``first`` up to ``last``; those of NAT are left out without ``nat``."""

    hook: str
    first: int = _FIRST
    last: int = _LAST
    nat: bool = True


_Orders = Tuple[Tuple[_Base, ...], ...]
_Nat = Callable[[Flow, ConntrackState], List[Flow]]


class HookTraversal:
    """All base chains that can decide anything, for one IP version (4 or 6).

    ``layered`` tells that the interface asked about is made of others, whose chains see its packets too.
    """

    def __init__(self, ruleset: Ruleset, family: int, layered: bool = False) -> None:
        self._evaluators: Dict[int, ChainEvaluator] = {}
        self._groups: Dict[str, List[Tuple[int, _Orders]]] = {}
        self._layered = layered
        self._tracks = has_tracking([table for table in ruleset if table.family in _TRACKED[family]])
        bases: Dict[str, List[_Base]] = {}
        for table in ruleset:
            if table.family in _FAMILIES[family]:
                self._evaluators[id(table)] = ChainEvaluator(table)
                for chain in table.chains:
                    if chain.hook and (chain.rules or chain.policy == "drop"):
                        bases.setdefault(_hook(table, chain.hook), []).append(_Base(table, chain))
        for hook, found in bases.items():
            found.sort(key=lambda base: (base.place, base.chain.priority))
            grouped = groupby(found, key=lambda base: base.place)
            self._groups[hook] = [(place, _orders(tuple(group))) for place, group in grouped]

    def are_empty(self) -> bool:
        """Tells whether nothing at all filters."""
        return not self._groups

    def list_chains(self, hooks: Sequence[str], interfaces: Sequence[str]) -> List[Tuple[Table, Chain]]:
        """Returns the base chains of some hooks in the order in which a packet of one of ``interfaces`` passes them.

        The hooks of the families arp and bridge have those before their names. Empty chains that accept are left out.
        """
        bases = [base for hook in hooks for _place, orders in self._groups.get(hook, ()) for base in orders[0]]
        everywhere = self._layered
        seen = (one for one in bases if everywhere or not one.chain.devices or any(map(one.stands_at, interfaces)))
        return [(base.table, base.chain) for base in seen]

    def see_arp(self) -> bool:
        """Tells whether anything may stop the questions and answers of ARP."""
        return any(hook in ("ingress", "egress") or hook.startswith(("arp ", "bridge ")) for hook in self._groups)

    def inbound(self, flow: Flow, tracking: ConntrackState) -> Traversal:
        """Returns how a packet from outside reaches the host's programs, and how it may not."""
        way = Traversal((replace(flow, packet=before_conntrack(flow.packet)),))
        way = self._pass(way, tracking, _Section("ingress"))
        way = self._bridged(way, tracking, ("bridge prerouting", "bridge input"))
        if flow.packet.protocol == ARP:
            return self._pass(way, tracking, _Section("arp input"))
        way = self._track_and_pass(way, tracking, "prerouting")
        return self._pass(way, tracking, _Section("input"))

    def outbound(self, flow: Flow, tracking: ConntrackState) -> Traversal:
        """Returns how a packet of the host's programs gets out, and how it may not."""
        way = Traversal((replace(flow, packet=before_conntrack(flow.packet)),))
        if flow.packet.protocol == ARP:
            way = self._pass(way, tracking, _Section("arp output"))
        else:
            way = self._track_and_pass(way, tracking, "output")
            way = self._pass(way, tracking, _Section("postrouting", last=_NAT_SRC - 1))
            way = self._translate(way, tracking, _Section("postrouting", _NAT_SRC - 1, _NAT_SRC), undo_dnat)
            way = self._pass(way, tracking, _Section("postrouting", _NAT_SRC))
        way = self._bridged(way, tracking, ("bridge output", "bridge postrouting"))
        return self._pass(way, tracking, _Section("egress"))

    def loopback(self, flow: Flow, tracking: ConntrackState) -> Traversal:
        """Returns how a packet of the host reaches the host: what it became on the way out, it stays on the way in."""
        left = self.outbound(flow, tracking)
        way = replace(left, passed=[replace(out, packet=_turned(out.packet)) for out in left.passed])
        known = replace(tracking, first=False, mapped=None)
        way = self._pass(way, known, _Section("ingress"))
        way = self._pass(way, known, _Section("prerouting", nat=False))
        return self._pass(way, known, _Section("input"))

    def _track_and_pass(self, way: Traversal, tracking: ConntrackState, hook: str) -> Traversal:
        """Raw chains, connection tracking, chains up to NAT, NAT's effect on a known connection, the others."""
        way = self._pass(way, tracking, _Section(hook, last=CONNTRACK))
        way = replace(way, passed=[replace(flow, packet=apply_conntrack(flow.packet, tracking)) for flow in way.passed])
        way = self._pass(way, tracking, _Section(hook, CONNTRACK, _NAT_DST - 1))
        way = self._translate(way, tracking, _Section(hook, _NAT_DST - 1, _NAT_DST), apply_dnat)
        return self._pass(way, tracking, _Section(hook, _NAT_DST))

    def _translate(self, way: Traversal, tracking: ConntrackState, section: _Section, nat: _Nat) -> Traversal:
        """What NAT does to a known connection at its place; chains of another kind there run before it or behind it."""
        before = self._pass(way, tracking, section)
        there = [moved for flow in before.passed for moved in nat(flow, tracking)]
        if not (tracking.mapped or tracking.sent):
            return Traversal(merged(there), before.stops)
        first = Traversal(merged(moved for flow in way.passed for moved in nat(flow, tracking)), before.stops)
        behind = self._pass(first, tracking, section)
        return Traversal(merged([*there, *behind.passed]), behind.stops)

    def _bridged(self, way: Traversal, tracking: ConntrackState, hooks: Sequence[str]) -> Traversal:
        """Passes the hooks within a bridge, where a packet is at a port of it whose name is not known."""
        if not any(hook in self._groups for hook in hooks):
            return way
        passed: List[Flow] = []
        stops = way.stops
        for flow in way.passed:
            packet = flow.packet
            within = replace(
                packet,
                state=_ANY_STATE,
                in_interface=packet.in_interface and None,
                out_interface=packet.out_interface and None,
            )
            inner = Traversal((replace(flow, packet=within),), stops)
            for hook in hooks:
                inner = self._pass(inner, tracking, _Section(hook))
            stops = inner.stops
            passed += [replace(out, packet=_out_of_bridge(out.packet, packet)) for out in inner.passed]
        return Traversal(merged(passed), stops)

    def _pass(self, way: Traversal, tracking: ConntrackState, section: _Section) -> Traversal:
        """Passes the chains of a section of a hook."""
        for place, orders in self._groups.get(section.hook, ()):
            if way.passed and section.first < place <= section.last:
                way = self._pass_group(way, tracking, orders, section.nat)
        return way

    def _pass_group(self, way: Traversal, tracking: ConntrackState, orders: _Orders, nat: bool) -> Traversal:
        """Chains of one priority run in the order they were registered, which cannot be seen: all orders count."""
        results: List[Flow] = []
        stops = [*way.stops]
        for order in orders:
            passed = way.passed
            for base in order:
                if nat or base.chain.kind != "nat":
                    found = [self._pass_chain(base, flow, tracking) for flow in passed]
                    passed = merged(flow for one in found for flow in one.passed)
                    stops += [stop for one in found for stop in one.stops]
            results += passed
        return Traversal(merged(results), stops)

    def _pass_chain(self, base: _Base, flow: Flow, tracking: ConntrackState) -> Traversal:
        nat = base.chain.kind == "nat"
        sees = base.sees(flow.packet, self._layered)
        if nat and self._tracks is not True:
            sees = sees and self._tracks
        done = flow.dnat is not None or flow.packet.dnat is not False
        if sees is False or (nat and ("NEW" not in flow.packet.state or done)):
            return Traversal((flow,))
        passed = [flow] if sees is None or (nat and len(flow.packet.state) > 1) else []
        stops: List[Stop] = []
        for outcome in self._evaluators[id(base.table)].evaluate(base.chain.name, flow.packet):
            decision = Decision(base.table, outcome.path)
            uncertain_at = flow.uncertain_at or (
                Decision(base.table, outcome.uncertain_at) if outcome.uncertain_at else None
            )
            if sees is None:
                uncertain_at = uncertain_at or decision
            left = replace(flow, packet=outcome.packet, uncertain_at=uncertain_at)
            end = _end(outcome.verdict, base.chain, left, decision, tracking)
            passed += end.passed
            stops += end.stops
        return Traversal(passed, stops)


def _end(verdict: RuleVerdict, chain: Chain, flow: Flow, decision: Decision, tracking: ConntrackState) -> Traversal:
    """What one end of a base chain means for the packet: it goes on, it stops, or either."""
    if verdict == "accept" or (verdict == "snat" and tracking.first):
        return Traversal((_credited(flow, chain, decision, "output" if tracking.outward else "input"),))
    if verdict in ("drop", "reject"):
        return Traversal((), (Stop(decision, flow.uncertain_at, dnat=flow.dnat),))
    if verdict in ("redirect", "dnat") and tracking.first:
        return translate(verdict, flow, decision, tracking)
    doubtful = replace(flow, uncertain_at=flow.uncertain_at or decision)
    altered = replace(doubtful, packet=_altered(flow.packet, chain))
    other = altered if chain.kind != "nat" else replace(altered, dnat=decision)
    return Traversal((doubtful, other), (Stop(decision, doubtful.uncertain_at, dnat=flow.dnat),))


def _credited(flow: Flow, chain: Chain, decision: Decision, hook: str) -> Flow:
    """Remembers who let a packet in, or out: a rule of a chain of that hook rather than a policy."""
    by_rule = decision.path[-1].rule is not None
    if chain.hook != hook or chain.kind == "nat" or (flow.accepted and not by_rule):
        return flow
    return replace(flow, accepted=decision)


def _altered(packet: Packet, chain: Chain) -> Packet:
    """What a rule that is not understood may make of a packet: other marks, another port, an untracked packet."""
    packet = replace(packet, mark=None, connmark=None)
    if chain.kind == "nat" or chain.hook == "ingress":
        packet = replace(packet, dport=(0, 65535), dnat=None)
    if chain.hook in ("ingress", "prerouting", "output") and chain.priority <= CONNTRACK:
        packet = replace(packet, state=tuple(sorted({*packet.state, "UNTRACKED"})))
    return packet


def _turned(packet: Packet) -> Packet:
    """A packet of the host to itself as it comes in again."""
    return replace(packet, in_interface="lo", out_interface="", packet_type=())


def _out_of_bridge(packet: Packet, before: Packet) -> Packet:
    """What of a packet is as it was before the bridge."""
    return replace(packet, state=before.state, in_interface=before.in_interface, out_interface=before.out_interface)


def _hook(table: Table, hook: str) -> str:
    return f"{table.family} {hook}" if table.family in ("arp", "bridge") else hook


def _orders(group: Tuple[_Base, ...]) -> _Orders:
    """The orders that may differ: those of chains that change a packet for one another."""
    if not 1 < len(group) <= _MOST_PERMUTED:
        return (group,)
    if not any(rule.effects or rule.verdict in _CHANGING for base in group for rule in all_rules(base.table)):
        return (group,)
    return tuple(order for order in permutations(group) if _keeps_nat_order(order))


def _keeps_nat_order(order: Sequence[_Base]) -> bool:
    priorities = [base.chain.priority for base in order if base.chain.kind == "nat"]
    return priorities == sorted(priorities)
