# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Says why a connection gets no answer, in sentences that name the rule, the socket or the setting, and what to do."""

from __future__ import annotations

import ipaddress
from typing import List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._witness.evidence import (
    IN,
    UNKNOWN,
    Door,
    Ending,
    HostFacts,
    Mute,
    RuleFound,
    Waiting,
)
from ansible_collections.port443.https.plugins.module_utils._witness.headers import SeenPacket

_ANY = {4: ("0.0.0.0", "::"), 6: ("::",)}  # noqa: S104
"""Where a socket waits that takes a family: one of IPv6 for any address mostly takes IPv4, too."""
_ERRORS = {
    (4, 3, 0): "ICMP net unreachable",
    (4, 3, 1): "ICMP host unreachable",
    (4, 3, 3): "ICMP port unreachable",
    (4, 3, 4): "ICMP fragmentation needed",
    (4, 3, 9): "ICMP net prohibited",
    (4, 3, 10): "ICMP host prohibited",
    (4, 3, 13): "ICMP administratively prohibited",
    (6, 1, 0): "ICMPv6 no route",
    (6, 1, 1): "ICMPv6 administratively prohibited",
    (6, 1, 3): "ICMPv6 address unreachable",
    (6, 1, 4): "ICMPv6 port unreachable",
    (6, 1, 5): "ICMPv6 failed policy",
    (6, 1, 6): "ICMPv6 reject route",
    (6, 2, 0): "ICMPv6 packet too big",
}
_ANSWERS_FOR_NONE = 8  # of arp_ignore
_BETWEEN = "what lies between drops it (a provider's security group or network ACL, a router without port forwarding)"


def say_before(door: Door, facts: HostFacts, other: Optional[SeenPacket]) -> str:
    """Nothing arrives: what lies between, what the host itself would do, and where the name leads."""
    if facts.mutes:
        told = (
            f"nothing arrives at the host, which may be its own doing: {'; '.join(map(_say_mute, facts.mutes))}; if "
            f"that changes nothing, {_BETWEEN}"
        )
    elif door.outcome in ("timed out", "ok"):
        told = f"nothing arrives at the host: {_BETWEEN}; open {door.port}/{door.protocol} there"
    else:
        told = (
            f"nothing arrives at the host, and yet the answer is '{door.outcome}': something before the host answers "
            f"in its place, a firewall, a router or another machine that has {door.address}"
        )
    return f"{told}; {_would_do(facts)}{_leads_elsewhere(door, facts, other)}"


def _say_mute(one: Mute) -> str:
    """The host does not say that it has an address, so that what is before it does not know where to send."""
    asked = f"nobody on the link may be told that it has {one.address} (ARP)"
    setting = f"net.ipv4.conf.{one.interface}.{one.setting}"
    if one.setting == "arp_ignore" and one.value == _ANSWERS_FOR_NONE:
        return f"{asked}, as {setting} is {one.value}: set it to 0"
    if one.setting == "arp_ignore":
        return (
            f"{asked}, as the address is on {one.interface} and net.ipv4.conf.all.arp_ignore is {one.value}: give it "
            "to the interface that is to be reached, unless a balancer before the host has it as well"
        )
    why = "strict" if one.setting == "rp_filter" else "on"
    off = "2" if one.setting == "rp_filter" else "0"
    return (
        f"{asked}, as {one.setting} of {one.interface} is {why} and the route back to {one.source} leads to "
        f"{one.back}: set {setting} to {off}, or have answers leave as they came"
    )


def _would_do(facts: HostFacts) -> str:
    if facts.rule is None:
        return "what the host itself would do is not known"
    words = {"open": "the host itself would let it in", "blocked": "the host itself would block it as well"}
    return f"{words.get(facts.rule.verdict, 'the host itself')} ({say_rule(facts.rule)})"


def _leads_elsewhere(door: Door, facts: HostFacts, other: Optional[SeenPacket]) -> str:
    """Says so where the address that was looked at is none of the host's."""
    if not facts.addresses or door.address.partition("%")[0] in facts.addresses:
        return ""
    if other is not None and other.destination != door.address:
        return (
            f"; {door.address} is translated to {other.destination} on the way, as port {other.dport} shows, which "
            "arrives"
        )
    leads = f"{door.host} leads to {door.address}" if door.host != door.address else f"{door.address} was looked at"
    same = [one for one in facts.addresses if (":" in one) == (":" in door.address)]
    has = _list_outer(same) or "no such address"
    return (
        f"; {leads} and the host has {has}: behind address translation that is as it should be, else correct the name"
    )


def _list_outer(addresses: Sequence[str]) -> str:
    return ", ".join(one for one in addresses if not ipaddress.ip_address(one).is_loopback)


def say_arrived_as(door: Door, packet: SeenPacket) -> str:
    """Says so where the destination was translated on the way."""
    if (packet.destination, packet.dport) == (door.address.partition("%")[0], door.port):
        return ""
    place = f"[{packet.destination}]:{packet.dport}" if packet.family == 6 else f"{packet.destination}:{packet.dport}"
    return f" (it arrives as {place}: translated on the way)"


def say_rule(rule: RuleFound) -> str:
    """The rule, the file and line that it stands in, and its counter."""
    counted = f", its counter went from {rule.packets[0]} to {rule.packets[1]}" if len(rule.packets) == 2 else ""
    return rule.because + (f", from {rule.place}" if rule.place else "") + counted


def serves(facts: HostFacts, protocol: str, packet: SeenPacket) -> Optional[Waiting]:
    """Returns the socket that such a packet would come to, None for none."""
    for one in facts.waiting or ():
        fits = one.address in (packet.destination, *_ANY[packet.family])
        if fits and (one.protocol, one.port) == (protocol, packet.dport):
            return one
    return None


def say_listeners(facts: HostFacts, protocol: str, port: int) -> str:
    """Names who listens at other addresses of that port."""
    there = [str(one) for one in facts.waiting or () if (one.protocol, one.port) == (protocol, port)]
    return f"; {' and '.join(there)} is all that does" if there else ": start the service, or correct its port"


def say_silent(door: Door, packet: SeenPacket, facts: HostFacts) -> str:
    """It arrived, and nothing left the host: the rule, or what else explains it, or what was looked at in vain."""
    if facts.rule and facts.rule.verdict == "blocked":
        return f"the host drops it: {say_rule(facts.rule)}"
    found = list(_find_causes(door, packet, facts))
    if found:
        return "it arrives, and the host does not answer: " + "; ".join(found)
    if facts.rule and facts.rule.verdict == "depends":
        return f"it arrives, and the host does not answer: {say_rule(facts.rule)}"
    known = (
        f"by the rules it is open ({say_rule(facts.rule)})"
        if facts.rule
        else _say_unread(facts) or "the rules are not known"
    )
    return (
        f"it arrives, {known}, and it is not answered: reverse path, conntrack, the program's queue, the route back "
        "and sockets do not explain it"
    )


def _say_unread(facts: HostFacts) -> str:
    return f"the rules could not be read ({facts.unread})" if facts.unread else ""


def _find_causes(door: Door, packet: SeenPacket, facts: HostFacts) -> List[str]:
    found: List[str] = []
    if facts.addresses and packet.destination not in facts.addresses:
        found.append(
            f"it comes for {packet.destination}, which is no address of the host ({', '.join(facts.addresses)})"
        )
    back = facts.back
    if back and back.problem:
        found.append(f"there is no route back to {packet.source} ({back.problem})")
    elif back and packet.interface in facts.strict and back.interface not in ("", packet.interface):
        found.append(
            f"rp_filter of {packet.interface} is strict and the route back to {packet.source} leads to "
            f"{back.interface}: set net.ipv4.conf.{packet.interface}.rp_filter to 2, or have answers leave as they came"
        )
    if len(facts.conntrack) == 2 and facts.conntrack[0] >= facts.conntrack[1] > 0:
        found.append(
            f"the table of connections is full ({facts.conntrack[0]} of {facts.conntrack[1]}): raise "
            "net.netfilter.nf_conntrack_max"
        )
    if _grew(facts.overflows):
        who = serves(facts, door.protocol, packet)
        found.append(
            f"{who or 'the program'} takes its connections too slowly: its queue is full (ListenOverflows went from "
            f"{facts.overflows[0]} to {facts.overflows[1]})"
        )
    elif _grew(facts.drops):
        found.append(f"the kernel drops connections (ListenDrops went from {facts.drops[0]} to {facts.drops[1]})")
    if facts.queueing:
        found.append(f"{' and '.join(facts.queueing)} has programs of tc, which come before the rules: look at them")
    return found


def _grew(numbers: Sequence[int]) -> bool:
    return len(numbers) == 2 and numbers[1] > numbers[0]


def name_error(packet: SeenPacket) -> str:
    """An ICMP error in words."""
    kind, code = packet.error or (0, 0)
    return _ERRORS.get((packet.family, kind, code), f"ICMP type {kind} code {code}")


def tell_blind(door: Door, facts: HostFacts) -> Ending:
    """What can be said without packets: by rules and sockets alone."""
    alone = f"by rules and sockets alone ({facts.blind or 'packets are missing from what was recorded'}): "
    if facts.rule and facts.rule.verdict == "blocked":
        return Ending(IN, f"{alone}the host blocks it: {say_rule(facts.rule)}")
    if facts.waiting is not None and not any(
        (one.protocol, one.port) == (door.protocol, door.port) for one in facts.waiting
    ):
        return Ending(IN, f"{alone}nothing listens at port {door.port}/{door.protocol}: start the service")
    if facts.rule is None:
        unread = _say_unread(facts)
        return Ending(UNKNOWN, f"{alone}{unread + ', and ' if unread else ''}nothing more is known of the host")
    heard = "" if facts.waiting is None else " and something listens"
    return Ending(
        UNKNOWN,
        f"{alone}the host would let it in ({say_rule(facts.rule)}){heard}, so look at what lies between: {_BETWEEN}",
    )
