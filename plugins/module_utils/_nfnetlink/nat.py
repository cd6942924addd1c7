# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes the statements of nf_tables that translate addresses and ports, or write into a header."""

from __future__ import annotations

import ipaddress
from typing import List, Literal, NamedTuple, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match, RuleVerdict
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import NfProto
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import (
    NatAttr,
    NatType,
    PayloadAttr,
    RedirAttr,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import Expression, Registers
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import IPV4, IPV6, NETWORK, Context
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import HEADERS
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import FEWEST_HOPS

_NETMAP = 0x40  # NF_NAT_RANGE_NETMAP of include/uapi/linux/netfilter/nf_nat.h
_VERSIONS = {NfProto.IPV4: ("ip", 4, IPV4), NfProto.IPV6: ("ip6", 16, IPV6)}


class Action(NamedTuple):
    """What a statement does: it ends the rule with ``verdict``, or the rule goes on where that is empty.

    ``matches`` hold where it acts at all.
    """

    text: str
    verdict: Union[RuleVerdict, Literal[""]] = ""
    target: str = ""
    argument: Tuple[int, ...] = ()
    effects: Tuple[Effect, ...] = ()
    matches: Tuple[Match, ...] = ()


def opaque(text: str) -> Action:
    """Returns what may do anything."""
    return Action(text, "opaque", text)


def translate(expression: Expression, registers: Registers, context: Context) -> Action:
    """Returns what dnat and snat do; what is not constant, or maps whole prefixes, is not followed."""
    word = "dnat" if expression.number(NatAttr.TYPE) == NatType.DNAT else "snat"
    family, width, ethertype = _VERSIONS.get(expression.number(NatAttr.FAMILY), ("ip", 4, IPV4))
    matches = () if context.ethertype == ethertype else (Match("ethertype", ((ethertype, ethertype),)),)
    low = _register_bytes(expression, registers, NatAttr.REG_ADDR_MIN, width)
    high = _register_bytes(expression, registers, NatAttr.REG_ADDR_MAX, width)
    ports = _ports(expression, registers, NatAttr.REG_PROTO_MIN, NatAttr.REG_PROTO_MAX)
    address, shown = _addresses(low, high if NatAttr.REG_ADDR_MAX in expression.attributes else low)
    mapped = _text_of(expression, registers, NatAttr.REG_ADDR_MIN)
    mapped = mapped or _text_of(expression, registers, NatAttr.REG_PROTO_MIN)
    spelled = mapped or _with_ports(shown, ports or ())
    text = f"{word} {family + ' ' if context.mixed else ''}to {spelled}"
    if word == "snat":
        return Action(text, "snat", "snat", matches=matches)
    unknown = NatAttr.REG_ADDR_MIN in expression.attributes and not address
    if ports is None or unknown or expression.number(NatAttr.FLAGS) & _NETMAP:
        return opaque(text)._replace(matches=matches)
    if not address:
        return Action(text, "redirect", "dnat", ports, matches=matches)
    return Action(text, "dnat", address, ports, matches=matches)


def _register_bytes(expression: Expression, registers: Registers, number: int, width: int) -> Optional[bytes]:
    if number not in expression.attributes:
        return None
    return registers.constant(expression.register(number), width)


def _text_of(expression: Expression, registers: Registers, number: int) -> str:
    """The words of a map that something was looked up in."""
    return registers.value(expression.register(number)).text if number in expression.attributes else ""


def _addresses(low: Optional[bytes], high: Optional[bytes]) -> Tuple[str, str]:
    """An address or a range of them as a target, and as nft writes it before a port."""
    if low is None or high is None:
        return "", ""
    first, last = (str(ipaddress.ip_address(one)) for one in (low, high))
    target = first if first == last else f"{first}-{last}"
    return target, target


def _with_ports(address: str, ports: Tuple[int, ...]) -> str:
    if not ports:
        return address
    number = str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"
    return f"[{address}]:{number}" if address.count(":") > 1 else f"{address}:{number}"


def _ports(expression: Expression, registers: Registers, low: int, high: int) -> Optional[Tuple[int, ...]]:
    """The span of ports, empty if none are named, None if they are not constant."""
    found: List[int] = []
    for number in (low, high):
        if number in expression.attributes:
            raw = registers.constant(expression.register(number), 2)
            if raw is None:
                return None
            found.append(int.from_bytes(raw, "big"))
    return (found[0], found[-1]) if found else ()


def redirect(expression: Expression, registers: Registers, _context: Context) -> Action:
    """Returns what a redirection to the host itself does."""
    ports = _ports(expression, registers, RedirAttr.REG_PROTO_MIN, RedirAttr.REG_PROTO_MAX)
    mapped = _text_of(expression, registers, RedirAttr.REG_PROTO_MIN)
    spelled = f":{mapped}" if mapped else _with_ports("", ports or ())
    text = f"redirect to {spelled}" if spelled else "redirect"
    return opaque(text) if ports is None else Action(text, "redirect", "redirect", ports)


def masquerade(_expression: Expression, _registers: Registers, _context: Context) -> Action:
    """Returns what masquerading does: nothing to the way of a packet."""
    return Action("masquerade", "snat", "masquerade")


# What may change of a header without leading a packet elsewhere, by byte: type of service, of IPv6 the flow label, too.
_FREE = {IPV4: {1: 0xFF}, IPV6: {0: 0x0F, 1: 0xFF, 2: 0xFF, 3: 0xFF}}
_HOPS = {IPV4: 8, IPV6: 7}


def rewrite(expression: Expression, registers: Registers, context: Context) -> Action:
    """Returns what a change of a header does: but for type of service and hop limit a packet may go anywhere then."""
    base, offset, length = (expression.number(one) for one in (PayloadAttr.BASE, PayloadAttr.OFFSET, PayloadAttr.LEN))
    text = f"@{HEADERS.get(base, base)},{offset * 8},{length * 8} set"
    value, version = registers.value(expression.register(PayloadAttr.SREG)), context.ethertype or 0
    same = value.kind == "payload" and value.key == (base, offset) and value.length == length and not value.swapped
    kept = (value.mask or b"\xff" * length) if same else bytes(length)
    flip = value.constant if value.kind == "constant" else value.flip if same else b"\xff" * length
    flip = flip or bytes(length)
    changed = {offset + at: kept[at] ^ 0xFF | flip[at] for at in range(length) if len(flip) == len(kept) == length}
    if base != NETWORK or version not in _FREE or len(changed) != length:
        return opaque(text)
    hops = changed.pop(_HOPS[version], 0)
    if any(bits & ~_FREE[version].get(at, 0) for at, bits in changed.items()):
        return opaque(text)
    if not hops:
        return Action(text)
    # Known only where the whole byte is given. With few hops answers may not arrive; IPv6 neighbours want 255.
    given = flip[_HOPS[version] - offset] if kept[_HOPS[version] - offset] == 0 and (same or value.constant) else 0
    enough = given == 255 if version == IPV6 else given >= FEWEST_HOPS
    return Action(text, effects=(Effect("hop_limit", (given, given)),)) if enough else opaque(text)
