# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way of a packet through netfilter's hooks: every base chain by priority, connection tracking and NAT between."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from itertools import groupby, permutations
from typing import Dict, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._packet import Packet
from ansible_collections.port443.https.plugins.module_utils._packet_walk import Path, Walker
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Rule, Ruleset, Span, Table

# include/uapi/linux/netfilter_ipv4.h, NF_IP_PRI_CONNTRACK and NF_IP_PRI_NAT_DST; the same for IPv6.
_CONNTRACK, _NAT_DST = -200, -100
_FAMILIES = {4: ("ip", "inet", "netdev", "arp", "bridge"), 6: ("ip6", "inet", "netdev", "bridge")}
_CHANGING = frozenset(("mark", "connmark", "save_mark", "restore_mark", "notrack", "redirect", "dnat", "opaque"))


@dataclass(frozen=True)
class Decision:
    """The rule or policy that decided, and the table it stands in."""

    table: Table
    path: Path


@dataclass(frozen=True)
class Flow:
    """A packet on its way.

    ``doubt`` is the first rule that was only assumed to match, ``accepted`` the rule or policy that let it in,
    ``translated`` the rule by which NAT sent it to another port.
    """

    packet: Packet
    doubt: Optional[Decision] = None
    accepted: Optional[Decision] = None
    translated: Optional[Decision] = None


@dataclass(frozen=True)
class Stop:
    """The end of a packet: blocked, or sent ``elsewhere`` (an address and port that are not the host's)."""

    decision: Decision
    doubt: Optional[Decision]
    elsewhere: str = ""


@dataclass(frozen=True)
class Tracking:
    """What connection tracking and NAT do to a packet.

    ``state`` are the states it may get; ``first`` marks a first packet, which NAT rules may still send elsewhere;
    ``mapped`` is what NAT made of the first packet of its connection; ``addresses`` are the host's own.
    """

    state: Tuple[str, ...]
    first: bool = False
    mapped: Optional[Packet] = None
    addresses: Optional[Tuple[Span, ...]] = None


@dataclass(frozen=True)
class _Base:
    table: Table
    chain: Chain


class Hooks:
    """All base chains that can decide anything, for one IP version (4 or 6)."""

    def __init__(self, ruleset: Ruleset, family: int) -> None:
        self._walkers: Dict[int, Walker] = {}
        self._groups: Dict[str, List[Tuple[int, Tuple[Tuple[_Base, ...], ...]]]] = {}
        bases: Dict[str, List[_Base]] = {}
        for table in ruleset:
            if table.family in _FAMILIES[family]:
                self._walkers[id(table)] = Walker(table)
                for chain in table.chains:
                    if chain.hook and (chain.rules or chain.policy == "drop"):
                        bases.setdefault(chain.hook, []).append(_Base(table, chain))
        for hook, found in bases.items():
            found.sort(key=lambda base: base.chain.priority)
            grouped = groupby(found, key=lambda base: base.chain.priority)
            self._groups[hook] = [(priority, _orders(tuple(group))) for priority, group in grouped]

    def are_empty(self) -> bool:
        """Tells whether nothing at all filters."""
        return not self._groups

    def arrive(self, flow: Flow, tracking: Tracking) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet from outside reaches the host's programs, and how it may not."""
        stops: List[Stop] = []
        flows = self._pass("ingress", [replace(flow, packet=_untouched(flow.packet))], tracking, stops)
        flows = self._track_and_pass("prerouting", flows, tracking, stops)
        return self._pass("input", flows, tracking, stops), stops

    def leave(self, flow: Flow, tracking: Tracking) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet of the host's programs gets out, and how it may not."""
        stops: List[Stop] = []
        flows = self._track_and_pass("output", [replace(flow, packet=_untouched(flow.packet))], tracking, stops)
        flows = self._pass("postrouting", flows, tracking, stops)
        return self._pass("egress", flows, tracking, stops), stops

    def loop(self, flow: Flow, tracking: Tracking) -> Tuple[List[Flow], List[Stop]]:
        """Returns how a packet of the host reaches the host: what it became on the way out, it stays on the way in."""
        flows, stops = self.leave(flow, tracking)
        flows = [replace(out, packet=_turned(out.packet)) for out in flows]
        known = replace(tracking, first=False, mapped=None)
        flows = self._pass("prerouting", flows, known, stops, skip_nat=True)
        return self._pass("input", flows, known, stops), stops

    def _track_and_pass(self, hook: str, flows: List[Flow], tracking: Tracking, stops: List[Stop]) -> List[Flow]:
        """Raw chains, connection tracking, chains up to NAT, NAT's effect on a known connection, the others."""
        flows = self._pass(hook, flows, tracking, stops, last=_CONNTRACK)
        flows = [replace(flow, packet=_tracked(flow.packet, tracking)) for flow in flows]
        flows = self._pass(hook, flows, tracking, stops, first=_CONNTRACK, last=_NAT_DST)
        flows = _merged(mapped for flow in flows for mapped in _mapped(flow, tracking))
        return self._pass(hook, flows, tracking, stops, first=_NAT_DST)

    def _pass(
        self,
        hook: str,
        flows: List[Flow],
        tracking: Tracking,
        stops: List[Stop],
        first: int = -(1 << 31) - 1,
        last: int = 1 << 31,
        skip_nat: bool = False,
    ) -> List[Flow]:
        """Passes the hook's chains of a priority above ``first`` up to ``last``."""
        for priority, orders in self._groups.get(hook, ()):
            if flows and first < priority <= last:
                flows = self._pass_group(orders, flows, tracking, stops, skip_nat)
        return flows

    def _pass_group(
        self,
        orders: Tuple[Tuple[_Base, ...], ...],
        flows: List[Flow],
        tracking: Tracking,
        stops: List[Stop],
        skip_nat: bool,
    ) -> List[Flow]:
        """Chains of one priority run in the order they were registered, which cannot be seen: all orders count."""
        results: List[Flow] = []
        for order in orders:
            passed = flows
            for base in order:
                if not (skip_nat and base.chain.kind == "nat"):
                    passed = _merged(out for flow in passed for out in self._pass_chain(base, flow, tracking, stops))
            results += passed
        return _merged(results)

    def _pass_chain(self, base: _Base, flow: Flow, tracking: Tracking, stops: List[Stop]) -> List[Flow]:
        nat = base.chain.kind == "nat"
        if nat and ("NEW" not in flow.packet.state or flow.packet.translated is not False):
            return [flow]
        passed = [flow] if nat and len(flow.packet.state) > 1 else []
        for outcome in self._walkers[id(base.table)].walk(base.chain.name, flow.packet):
            decision = Decision(base.table, outcome.path)
            doubt = flow.doubt or (Decision(base.table, outcome.doubt) if outcome.doubt else None)
            left = replace(flow, packet=outcome.packet, doubt=doubt)
            _end(outcome.verdict, base.chain, left, decision, tracking, passed, stops)
        return passed


def _end(
    verdict: str,
    chain: Chain,
    flow: Flow,
    decision: Decision,
    tracking: Tracking,
    passed: List[Flow],
    stops: List[Stop],
) -> None:
    """Notes what one end of a chain means for the packet: it goes on, it stops, or either."""
    if verdict == "accept" or (verdict == "snat" and tracking.first):
        passed.append(_credited(flow, chain, decision))
    elif verdict in ("drop", "reject"):
        stops.append(Stop(decision, flow.doubt))
    elif verdict in ("redirect", "dnat") and tracking.first:
        _translate(verdict, flow, decision, tracking, passed, stops)
    else:
        doubtful = replace(flow, doubt=flow.doubt or decision)
        stops.append(Stop(decision, doubtful.doubt))
        altered = replace(doubtful, packet=_altered(flow.packet, chain))
        passed += [doubtful, altered if chain.kind != "nat" else replace(altered, translated=decision)]


def _credited(flow: Flow, chain: Chain, decision: Decision) -> Flow:
    """Remembers who let a packet in: a rule of an input chain rather than a policy."""
    by_rule = decision.path[-1].rule is not None
    if chain.hook != "input" or chain.kind == "nat" or (flow.accepted and not by_rule):
        return flow
    return replace(flow, accepted=decision)


def _translate(
    verdict: str, flow: Flow, decision: Decision, tracking: Tracking, passed: List[Flow], stops: List[Stop]
) -> None:
    rule = decision.path[-1].rule
    argument, target = (rule.argument, rule.target) if rule else ((), "")
    address = _single_address(target) if verdict == "dnat" else None
    if verdict == "dnat" and not _is_own(address, tracking.addresses):
        port = f":{argument[0]}" if argument else ""
        stops.append(Stop(decision, flow.doubt, elsewhere=target + port))
        return
    dport = (argument[0], argument[1]) if argument else flow.packet.dport
    changed = True if dport != flow.packet.dport else None
    destination = ((address, address),) if address is not None else flow.packet.destination
    if verdict == "redirect" and not isinstance(destination, str):
        destination = tracking.addresses or destination  # the first address of the interface it came in by
    packet = replace(flow.packet, dport=dport, translated=changed, destination=destination)
    passed.append(replace(flow, packet=packet, translated=decision))


def _single_address(word: str) -> Optional[int]:
    try:
        return int(ipaddress.ip_address(word))
    except ValueError:
        return None


def _is_own(address: Optional[int], addresses: Optional[Tuple[Span, ...]]) -> bool:
    return address is not None and any(low <= address <= high for low, high in addresses or ())


def _altered(packet: Packet, chain: Chain) -> Packet:
    """What a rule that is not understood may make of a packet: other marks, another port, an untracked packet."""
    packet = replace(packet, mark=None, connmark=None)
    if chain.kind == "nat" or chain.hook == "ingress":
        packet = replace(packet, dport=(0, 65535), translated=None)
    if chain.hook in ("ingress", "prerouting", "output") and chain.priority <= _CONNTRACK:
        packet = replace(packet, state=tuple(sorted({*packet.state, "UNTRACKED"})))
    return packet


def _untouched(packet: Packet) -> Packet:
    """Before connection tracking a packet has no connection, which ``--ctstate INVALID`` matches (xt_conntrack.c)."""
    return replace(packet, state=("INVALID",))


def _tracked(packet: Packet, tracking: Tracking) -> Packet:
    if "UNTRACKED" not in packet.state:
        return replace(packet, state=tracking.state)
    if len(packet.state) == 1:
        return packet
    return replace(packet, state=tuple(sorted({*tracking.state, "UNTRACKED"})))


def _mapped(flow: Flow, tracking: Tracking) -> List[Flow]:
    """The flow where its connection was redirected to; also as it was, where it may belong to none."""
    known = {state not in ("UNTRACKED", "INVALID") for state in flow.packet.state}
    if tracking.mapped is None or True not in known:
        return [flow]
    there = tracking.mapped
    mapped = replace(flow, packet=replace(flow.packet, dport=there.dport, destination=there.destination))
    return [mapped] if known == {True} else [mapped, flow]


def _turned(packet: Packet) -> Packet:
    return replace(packet, in_interface="lo", out_interface="", packet_type=())


def _merged(flows: Iterable[Flow]) -> List[Flow]:
    """Each packet once; the flow without a doubt stays."""
    kept: Dict[Packet, Flow] = {}
    for flow in flows:
        have = kept.get(flow.packet)
        if have is None or (have.doubt and not flow.doubt):
            kept[flow.packet] = flow
    return list(kept.values())


def _orders(group: Tuple[_Base, ...]) -> Tuple[Tuple[_Base, ...], ...]:
    """The orders that may differ: those of chains that change a packet for one another."""
    if not 1 < len(group) < 4:
        return (group,)
    changing = any(rule.verdict in _CHANGING for base in group for rule in _all_rules(base.table))
    return tuple(permutations(group)) if changing else (group,)


def _all_rules(table: Table) -> Iterable[Rule]:
    return (rule for chain in table.chains for rule in chain.rules)
