# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes the statements of nf_tables that translate addresses and ports.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h and nf_nat.h.
"""

from __future__ import annotations

import ipaddress
from typing import List, Literal, NamedTuple, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match, RuleVerdict
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import Expression
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import IPV4, IPV6, Context
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.registers import Registers

_NETMAP = 0x40
_VERSIONS = {2: ("ip", 4, IPV4), 10: ("ip6", 16, IPV6)}


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
    word = "dnat" if expression.number(1) == 1 else "snat"
    family, width, ethertype = _VERSIONS.get(expression.number(2), ("ip", 4, IPV4))
    matches = () if context.ethertype == ethertype else (Match("ethertype", ((ethertype, ethertype),)),)
    low, high = (_register_bytes(expression, registers, number, width) for number in (3, 4))
    ports = _ports(expression, registers, 5, 6)
    address, shown = _addresses(low, high if 4 in expression.attributes else low)
    mapped = _text_of(expression, registers, 3) or _text_of(expression, registers, 5)
    spelled = mapped or _with_ports(shown, ports or ())
    text = f"{word} {family + ' ' if context.mixed else ''}to {spelled}"
    if word == "snat":
        return Action(text, "snat", "snat", matches=matches)
    if ports is None or (3 in expression.attributes and not address) or expression.number(7) & _NETMAP:
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
    ports = _ports(expression, registers, 1, 2)
    mapped = _text_of(expression, registers, 1)
    spelled = f":{mapped}" if mapped else _with_ports("", ports or ())
    text = f"redirect to {spelled}" if spelled else "redirect"
    return opaque(text) if ports is None else Action(text, "redirect", "redirect", ports)


def masquerade(_expression: Expression, _registers: Registers, _context: Context) -> Action:
    """Returns what masquerading does: nothing to the way of a packet."""
    return Action("masquerade", "snat", "masquerade")
