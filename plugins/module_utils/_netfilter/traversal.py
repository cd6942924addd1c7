# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Traverses netfilter's hooks: every base chain by priority, with connection tracking and NAT between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, permutations
from typing import Callable, Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import ChainEvaluator
from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import (
    CONNTRACK,
    ConntrackState,
    Decision,
    Flow,
    Stop,
    end,
    mapped,
    merged,
    restored,
    tracked,
    turned,
    untouched,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import MATCH_FIELDS
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ARP, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    EffectKind,
    Rule,
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
_TRACKING = frozenset(field for field, known in MATCH_FIELDS.items() if known.tracks)
_OF_CONNECTIONS: FrozenSet[EffectKind] = frozenset(("connmark", "save_mark", "restore_mark"))
_MAY_TRACK = ("ct ", "conn", "helper", "cluster", "ipvs", "match")
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

    def sees(self, packet: Packet, layered: bool) -> Optional[bool]:
        """Whether it stands at the device of a packet; below a bridge or a tunnel there are others."""
        if not self.chain.devices:
            return not (packet.protocol == ARP and self.table.family == "inet")
        name = packet.in_interface if self.chain.hook == "ingress" else packet.out_interface
        if any(
            name == device or (device[-1:] == "+" and (name or "").startswith(device[:-1]))
            for device in self.chain.devices
        ):
            return not (packet.protocol == ARP and self.table.family == "inet")
        others = name is None or layered
        return None if others and self.chain.devices != ("lo",) else False


_Orders = Tuple[Tuple[_Base, ...], ...]


class HookTraversal:
    """All base chains that can decide anything, for one IP version (4 or 6).

    ``layered`` tells that the interface asked about is made of others, whose chains see its packets too.
    """

    def __init__(self, ruleset: Ruleset, family: int, layered: bool = False) -> None:
        self._walkers: Dict[int, ChainEvaluator] = {}
        self._groups: Dict[str, List[Tuple[int, _Orders]]] = {}
        self._layered = layered
        self._tracks = _tracks([table for table in ruleset if table.family in _TRACKED[family]])
        bases: Dict[str, List[_Base]] = {}
        for table in ruleset:
            if table.family in _FAMILIES[family]:
                self._walkers[id(table)] = ChainEvaluator(table)
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

    def see_arp(self) -> bool:
        """Tells whether anything may stop the questions and answers of ARP."""
        return any(hook in ("ingress", "egress") or hook.startswith(("arp ", "bridge ")) for hook in self._groups)

    def arrive(self, flow: Flow, tracking: ConntrackState) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet from outside reaches the host's programs, and how it may not."""
        stops: List[Stop] = []
        flows = self._pass("ingress", [replace(flow, packet=untouched(flow.packet))], tracking, stops)
        flows = self._bridged(("bridge prerouting", "bridge input"), flows, tracking, stops)
        if flow.packet.protocol == ARP:
            return self._pass("arp input", flows, tracking, stops), stops
        flows = self._track_and_pass("prerouting", flows, tracking, stops)
        return self._pass("input", flows, tracking, stops), stops

    def leave(self, flow: Flow, tracking: ConntrackState) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet of the host's programs gets out, and how it may not."""
        stops: List[Stop] = []
        flows = [replace(flow, packet=untouched(flow.packet))]
        if flow.packet.protocol == ARP:
            flows = self._pass("arp output", flows, tracking, stops)
        else:
            flows = self._track_and_pass("output", flows, tracking, stops)
            flows = self._pass("postrouting", flows, tracking, stops, last=_NAT_SRC - 1)
            flows = self._translate("postrouting", flows, tracking, stops, _NAT_SRC, restored)
            flows = self._pass("postrouting", flows, tracking, stops, _NAT_SRC)
        flows = self._bridged(("bridge output", "bridge postrouting"), flows, tracking, stops)
        return self._pass("egress", flows, tracking, stops), stops

    def loop(self, flow: Flow, tracking: ConntrackState) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet of the host reaches the host: what it became on the way out, it stays on the way in."""
        flows, stops = self.leave(flow, tracking)
        flows = [replace(out, packet=turned(out.packet)) for out in flows]
        known = replace(tracking, first=False, mapped=None)
        flows = self._pass("ingress", flows, known, stops)
        flows = self._pass("prerouting", flows, known, stops, skip_nat=True)
        return self._pass("input", flows, known, stops), stops

    def _track_and_pass(self, hook: str, flows: List[Flow], tracking: ConntrackState, stops: List[Stop]) -> List[Flow]:
        """Raw chains, connection tracking, chains up to NAT, NAT's effect on a known connection, the others."""
        flows = self._pass(hook, flows, tracking, stops, last=CONNTRACK)
        flows = [replace(flow, packet=tracked(flow.packet, tracking)) for flow in flows]
        flows = self._pass(hook, flows, tracking, stops, CONNTRACK, _NAT_DST - 1)
        flows = self._translate(hook, flows, tracking, stops, _NAT_DST, mapped)
        return self._pass(hook, flows, tracking, stops, _NAT_DST)

    def _translate(
        self,
        hook: str,
        flows: List[Flow],
        tracking: ConntrackState,
        stops: List[Stop],
        place: int,
        translate: Callable[[Flow, ConntrackState], List[Flow]],
    ) -> List[Flow]:
        """What NAT does to a known connection at its place; chains of another kind there run before it or behind it."""
        there = [
            moved
            for flow in self._pass(hook, flows, tracking, stops, place - 1, place)
            for moved in translate(flow, tracking)
        ]
        if tracking.mapped or tracking.sent:
            moved_first = merged(moved for flow in flows for moved in translate(flow, tracking))
            there += self._pass(hook, moved_first, tracking, stops, place - 1, place)
        return merged(there)

    def _bridged(
        self, hooks: Sequence[str], flows: List[Flow], tracking: ConntrackState, stops: List[Stop]
    ) -> List[Flow]:
        """Passes the hooks within a bridge, where a packet is at a port of it whose name is not known."""
        if not any(hook in self._groups for hook in hooks):
            return flows
        passed: List[Flow] = []
        for flow in flows:
            packet = flow.packet
            within = replace(
                packet,
                state=_ANY_STATE,
                in_interface=packet.in_interface and None,
                out_interface=packet.out_interface and None,
            )
            inner = [replace(flow, packet=within)]
            for hook in hooks:
                inner = self._pass(hook, inner, tracking, stops)
            passed += [
                replace(
                    out,
                    packet=replace(
                        out.packet,
                        state=packet.state,
                        in_interface=packet.in_interface,
                        out_interface=packet.out_interface,
                    ),
                )
                for out in inner
            ]
        return merged(passed)

    def _pass(
        self,
        hook: str,
        flows: List[Flow],
        tracking: ConntrackState,
        stops: List[Stop],
        first: int = _FIRST,
        last: int = _LAST,
        skip_nat: bool = False,
    ) -> List[Flow]:
        """Passes the hook's chains of a place above ``first`` up to ``last``."""
        for place, orders in self._groups.get(hook, ()):
            if flows and first < place <= last:
                flows = self._pass_group(orders, flows, tracking, stops, skip_nat)
        return flows

    def _pass_group(
        self, orders: _Orders, flows: List[Flow], tracking: ConntrackState, stops: List[Stop], skip_nat: bool
    ) -> List[Flow]:
        """Chains of one priority run in the order they were registered, which cannot be seen: all orders count."""
        results: List[Flow] = []
        for order in orders:
            passed = flows
            for base in order:
                if not (skip_nat and base.chain.kind == "nat"):
                    passed = merged(out for flow in passed for out in self._pass_chain(base, flow, tracking, stops))
            results += passed
        return merged(results)

    def _pass_chain(self, base: _Base, flow: Flow, tracking: ConntrackState, stops: List[Stop]) -> List[Flow]:
        nat = base.chain.kind == "nat"
        sees = base.sees(flow.packet, self._layered)
        if nat and self._tracks is not True:
            sees = sees and self._tracks
        done = flow.translated is not None or flow.packet.translated is not False
        if sees is False or (nat and ("NEW" not in flow.packet.state or done)):
            return [flow]
        passed = [flow] if sees is None or (nat and len(flow.packet.state) > 1) else []
        for outcome in self._walkers[id(base.table)].walk(base.chain.name, flow.packet):
            decision = Decision(base.table, outcome.path)
            doubt = flow.doubt or (Decision(base.table, outcome.doubt) if outcome.doubt else None)
            if sees is None:
                doubt = doubt or decision
            left = replace(flow, packet=outcome.packet, doubt=doubt)
            end(outcome.verdict, base.chain, left, decision, tracking, passed, stops)
        return passed


def _hook(table: Table, hook: str) -> str:
    return f"{table.family} {hook}" if table.family in ("arp", "bridge") else hook


def _orders(group: Tuple[_Base, ...]) -> _Orders:
    """The orders that may differ: those of chains that change a packet for one another."""
    if not 1 < len(group) <= _MOST_PERMUTED:
        return (group,)
    if not any(rule.effects or rule.verdict in _CHANGING for base in group for rule in _all_rules(base.table)):
        return (group,)
    return tuple(order for order in permutations(group) if _keeps_nat_order(order))


def _keeps_nat_order(order: Sequence[_Base]) -> bool:
    priorities = [base.chain.priority for base in order if base.chain.kind == "nat"]
    return priorities == sorted(priorities)


def _all_rules(table: Table) -> Iterable[Rule]:
    return (rule for chain in table.chains for rule in chain.rules)


def _tracks(tables: Sequence[Table]) -> Optional[bool]:
    """Whether a rule has connections tracked, without which no chain of NAT is passed (nf_nat_core.c, nf_nat_inet_fn).

    That there are such chains is not enough (nf_conntrack_proto.c, nf_ct_netns_get). It matters where one blocks.
    """
    if not any(_may_stop(table) for table in tables if any(chain.kind == "nat" for chain in table.chains)):
        return True
    found: Optional[bool] = False
    for rule in (rule for table in tables for rule in _all_rules(table)):
        asked = frozenset(field for match in rule.matches for field in match.fields)
        changed = {effect.kind for effect in rule.effects}
        by_target = rule.target == "CT" and "notrack" not in changed
        if asked & _TRACKING or changed & _OF_CONNECTIONS or rule.verdict in ("dnat", "redirect", "snat") or by_target:
            return True
        unknown = (name for match in rule.matches if match.field == "unknown" for name in match.names)
        if rule.verdict == "opaque" or " ct " in rule.text or any(name.startswith(_MAY_TRACK) for name in unknown):
            found = None
    return found


def _may_stop(table: Table) -> bool:
    stops = ("drop", "reject", "opaque")
    return any(chain.policy == "drop" or any(rule.verdict in stops for rule in chain.rules) for chain in table.chains)
