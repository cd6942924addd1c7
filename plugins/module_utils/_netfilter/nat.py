# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Destination NAT: where rules send a first packet, and what that makes of the packets of a known connection."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.conntrack import (
    ConntrackState,
    Decision,
    Flow,
    Stop,
    Traversal,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Addresses, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import RuleVerdict, Span


def translate(verdict: RuleVerdict, flow: Flow, decision: Decision, tracking: ConntrackState) -> Traversal:
    """Returns what dnat or redirect make of a first packet: it goes to another port, or to another host."""
    rule = decision.path[-1].rule
    argument, target = (rule.argument, rule.target) if rule else ((), "")
    address = _single_address(target) if verdict == "dnat" else None
    if tracking.outward or (verdict == "dnat" and not _is_own(address, tracking.addresses)):
        place = target if verdict == "dnat" else "this host itself"
        port = f":{argument[0]}" if argument else ""
        return Traversal((), (Stop(decision, flow.uncertain_at, elsewhere=place + port),))
    dport = (argument[0], argument[1]) if argument else flow.packet.dport
    destination = ((address, address),) if address is not None else flow.packet.destination
    if verdict == "redirect" and not isinstance(destination, str):
        destination = tracking.addresses or destination  # the first address of the interface it came in by
    changed = True if dport != flow.packet.dport else _differ(flow.packet.destination, destination)
    packet = replace(flow.packet, dport=dport, dnat=changed, destination=destination)
    return Traversal((replace(flow, packet=packet, dnat=decision),))


def apply_dnat(flow: Flow, tracking: ConntrackState) -> List[Flow]:
    """Returns the flow where its connection was redirected to; also as it was, where it may belong to none."""
    if tracking.mapped is None:
        return [flow]
    there = replace(flow.packet, dport=tracking.mapped.dport, destination=tracking.mapped.destination)
    return _by_connection(flow, there)


def undo_dnat(flow: Flow, tracking: ConntrackState) -> List[Flow]:
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
