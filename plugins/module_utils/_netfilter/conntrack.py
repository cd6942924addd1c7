# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connection tracking and NAT: what a packet's state is, and what its addresses and ports are translated to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import Path
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Addresses, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, RuleVerdict, Span, Table

# include/uapi/linux/netfilter_ipv4.h, NF_IP_PRI_CONNTRACK; the same for IPv6.
CONNTRACK = -200


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
    """The end of a packet: blocked, or sent ``elsewhere`` (an address and port that are not the host's).

    ``translated`` is the rule by which NAT had sent it to another port.
    """

    decision: Decision
    doubt: Optional[Decision]
    elsewhere: str = ""
    translated: Optional[Decision] = None


@dataclass(frozen=True)
class ConntrackState:
    """What connection tracking and NAT do to a packet.

    ``state`` are the states it may get; ``first`` marks a first packet, which NAT rules may still send elsewhere;
    ``mapped`` is what NAT made of the first packet of its connection, ``sent`` that packet as it came, where what is
    tracked is an answer to it; ``addresses`` are the host's own. ``outward`` tells that the connection is one of the
    host's programs to another host.
    """

    state: Tuple[str, ...]
    first: bool = False
    mapped: Optional[Packet] = None
    addresses: Optional[Tuple[Span, ...]] = None
    outward: bool = False
    sent: Optional[Packet] = None


def end(
    verdict: RuleVerdict,
    chain: Chain,
    flow: Flow,
    decision: Decision,
    tracking: ConntrackState,
    passed: List[Flow],
    stops: List[Stop],
) -> None:
    """Notes what one end of a base chain means for the packet: it goes on, it stops, or either."""
    if verdict == "accept" or (verdict == "snat" and tracking.first):
        passed.append(_credited(flow, chain, decision, "output" if tracking.outward else "input"))
    elif verdict in ("drop", "reject"):
        stops.append(Stop(decision, flow.doubt, translated=flow.translated))
    elif verdict in ("redirect", "dnat") and tracking.first:
        _translate(verdict, flow, decision, tracking, passed, stops)
    else:
        doubtful = replace(flow, doubt=flow.doubt or decision)
        stops.append(Stop(decision, doubtful.doubt, translated=flow.translated))
        altered = replace(doubtful, packet=_altered(flow.packet, chain))
        passed += [doubtful, altered if chain.kind != "nat" else replace(altered, translated=decision)]


def _credited(flow: Flow, chain: Chain, decision: Decision, hook: str) -> Flow:
    """Remembers who let a packet in, or out: a rule of a chain of that hook rather than a policy."""
    by_rule = decision.path[-1].rule is not None
    if chain.hook != hook or chain.kind == "nat" or (flow.accepted and not by_rule):
        return flow
    return replace(flow, accepted=decision)


def _translate(
    verdict: RuleVerdict,
    flow: Flow,
    decision: Decision,
    tracking: ConntrackState,
    passed: List[Flow],
    stops: List[Stop],
) -> None:
    rule = decision.path[-1].rule
    argument, target = (rule.argument, rule.target) if rule else ((), "")
    address = _single_address(target) if verdict == "dnat" else None
    if tracking.outward or (verdict == "dnat" and not _is_own(address, tracking.addresses)):
        place = target if verdict == "dnat" else "this host itself"
        port = f":{argument[0]}" if argument else ""
        stops.append(Stop(decision, flow.doubt, elsewhere=place + port))
        return
    dport = (argument[0], argument[1]) if argument else flow.packet.dport
    destination = ((address, address),) if address is not None else flow.packet.destination
    if verdict == "redirect" and not isinstance(destination, str):
        destination = tracking.addresses or destination  # the first address of the interface it came in by
    changed = True if dport != flow.packet.dport else _differ(flow.packet.destination, destination)
    packet = replace(flow.packet, dport=dport, translated=changed, destination=destination)
    passed.append(replace(flow, packet=packet, translated=decision))


def _differ(before: Addresses, after: Addresses) -> Optional[bool]:
    """Whether two addresses are not the same: what is translated to itself does not count as such (nf_nat_core.c)."""
    for who in (before, after):
        if isinstance(who, str) or len(who) != 1 or who[0][0] != who[0][1]:
            return None
    return before != after


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
    if chain.hook in ("ingress", "prerouting", "output") and chain.priority <= CONNTRACK:
        packet = replace(packet, state=tuple(sorted({*packet.state, "UNTRACKED"})))
    return packet


def untouched(packet: Packet) -> Packet:
    """Returns the packet before connection tracking: ``--ctstate INVALID`` matches it (xt_conntrack.c)."""
    return replace(packet, state=("INVALID",))


def tracked(packet: Packet, tracking: ConntrackState) -> Packet:
    """Returns the packet with the state that connection tracking gives it."""
    if "UNTRACKED" not in packet.state:
        return replace(packet, state=tracking.state)
    if len(packet.state) == 1:
        return packet
    return replace(packet, state=tuple(sorted({*tracking.state, "UNTRACKED"})))


def mapped(flow: Flow, tracking: ConntrackState) -> List[Flow]:
    """Returns the flow where its connection was redirected to; also as it was, where it may belong to none."""
    if tracking.mapped is None:
        return [flow]
    there = replace(flow.packet, dport=tracking.mapped.dport, destination=tracking.mapped.destination)
    return _by_connection(flow, there)


def restored(flow: Flow, tracking: ConntrackState) -> List[Flow]:
    """Returns an answer as it leaves: from where the first packet was sent to; also as it was, where it may be."""
    if tracking.sent is None:
        return [flow]
    there = replace(flow.packet, sport=tracking.sent.dport, source=tracking.sent.destination)
    return _by_connection(flow, there)


def _by_connection(flow: Flow, there: Packet) -> List[Flow]:
    """The flow as its connection's NAT makes it, as it was where it has none, both where that is not known."""
    known = flow.packet.has_connection
    if known is False:
        return [flow]
    return [replace(flow, packet=there)] if known else [replace(flow, packet=there), flow]


def turned(packet: Packet) -> Packet:
    """Returns a packet of the host to itself as it comes in again."""
    return replace(packet, in_interface="lo", out_interface="", packet_type=())


def merged(flows: Iterable[Flow]) -> List[Flow]:
    """Returns each packet once; the flow without a doubt stays."""
    kept: Dict[Packet, Flow] = {}
    for flow in flows:
        have = kept.get(flow.packet)
        if have is None or (have.doubt and not flow.doubt):
            kept[flow.packet] = flow
    return list(kept.values())
