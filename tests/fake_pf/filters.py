# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rules that filter: pass, block, match, antispoof and anchor, with their lists expanded as expand_rule() does."""

from __future__ import annotations

import copy
import ipaddress
import socket
from itertools import product
from typing import Dict, List, Optional, Tuple

from fake_pf.cursor import Cursor
from fake_pf.lexer import Refused
from fake_pf.options import Options, pool
from fake_pf.rules import PROTOCOLS, Rule, address_family

NUMBERS = {name: number for number, name in PROTOCOLS.items()}
NUMBERS["icmp6"] = 58


def parse_filter(cursor: Cursor, action: str, system: str, defaults: Dict[str, str]) -> List[Rule]:
    """Returns the rules that one statement becomes; the action itself is already taken."""
    rule = Rule(action)
    if action == "antispoof":
        return _antispoof(cursor, defaults)
    if action == "match" and system != "OpenBSD":
        raise cursor.refused()
    if action == "anchor" and cursor.peek().kind in ("word", "string") and not cursor.at("in", "out", "quick", "on"):
        rule.anchor = cursor.string()
        if rule.anchor.startswith("_") or "/_" in rule.anchor:
            raise Refused(cursor.line, "anchor names beginning with '_' are reserved for internal use")
    if action == "block":
        rule.returns = _returns(cursor) or ("return" if defaults["block-policy"] == "return" else "drop")
    if cursor.at("in", "out"):
        rule.direction = cursor.take().text
    _log_and_quick(cursor, rule)
    interfaces = cursor.items(lambda: _interface(cursor)) if cursor.accept("on") else [""]
    if cursor.at("route-to", "reply-to", "dup-to") and system != "OpenBSD":
        rule.route = f"{cursor.take().text} {pool(cursor)}"
    if cursor.at("inet", "inet6"):
        rule.family = cursor.take().text
    protocols = cursor.items(lambda: _protocol(cursor)) if cursor.accept("proto") else [0]
    sources, source_ports, destinations, destination_ports = _from_to(cursor, system)
    icmp = Options(cursor, rule, system).read()
    if action == "anchor":
        _anchor_body(cursor, rule, system, defaults)
    if (source_ports != [""] or destination_ports != [""]) and not set(protocols) <= {6, 17}:
        raise Refused(cursor.line, "port only applies to tcp/udp")
    if icmp != [""] and not set(protocols) <= {1, 58}:
        raise Refused(cursor.line, "icmp-type only applies to icmp")
    order = (interfaces, protocols, icmp, sources, source_ports, destinations, destination_ports)
    found = [_expanded(rule, chosen) for chosen in product(*order)]
    rules = [one for one in found if one is not None]
    if not rules and found:
        raise Refused(cursor.line, "rule expands to no valid combination")
    return rules


def _expanded(rule: Rule, chosen: Tuple) -> Optional[Rule]:
    one = copy.deepcopy(rule)
    one.interface, one.protocol, one.icmp, one.source, one.source_port, one.destination, one.destination_port = chosen
    families = {family for family in map(address_family, (one.source, one.destination)) if family}
    if one.family:
        families.add(one.family)
    if len(families) > 1:
        return None
    one.family = families.pop() if families else ""
    if one.action == "pass":
        one.state = one.state or "keep"
        if not one.flags and one.protocol in (0, 6) and one.state != "no":
            one.flags = "S/SA"
        if one.protocol not in (0, 6):
            one.flags = ""
    return one


def _returns(cursor: Cursor) -> str:
    if not cursor.at("drop", "return", "return-rst", "return-icmp", "return-icmp6"):
        return ""
    word = cursor.take().text
    return word + (f"({cursor.parenthesis()})" if cursor.at("(") else "")


def _log_and_quick(cursor: Cursor, rule: Rule) -> None:
    while cursor.at("log", "quick"):
        if cursor.take().text == "quick":
            rule.quick = True
        else:
            rule.log = "log" + (f" ({cursor.parenthesis()})" if cursor.at("(") else "")


def _interface(cursor: Cursor) -> str:
    sign = "! " if cursor.accept("!") else ""
    return sign + cursor.string()


def _protocol(cursor: Cursor) -> int:
    word = cursor.string()
    if word.isdigit() and int(word) < 256:
        return int(word)
    if word not in NUMBERS:
        raise Refused(cursor.line, f"unknown protocol {word}")
    return NUMBERS[word]


def _from_to(cursor: Cursor, system: str) -> Tuple[List[str], List[str], List[str], List[str]]:
    ends = [["any"], [""], ["any"], [""]]
    if cursor.accept("all"):
        return ends[0], ends[1], ends[2], ends[3]
    for index, word in ((0, "from"), (2, "to")):
        if not cursor.accept(word):
            continue
        if not cursor.at("port"):
            ends[index] = cursor.items(lambda: _address(cursor))
        if cursor.accept("port"):
            ends[index + 1] = cursor.items(lambda: _port(cursor, "tcp"))
        if cursor.accept("os"):
            cursor.items(cursor.string)
    return ends[0], ends[1], ends[2], ends[3]


def _address(cursor: Cursor) -> str:
    sign = "! " if cursor.accept("!") else ""
    if cursor.at("("):
        return f"{sign}({cursor.parenthesis()})"
    if cursor.accept("<"):
        name = cursor.string()
        cursor.expect(">")
        return f"{sign}<{name}>"
    word = cursor.string()
    if cursor.accept("/"):
        word += f"/{cursor.number(128)}"
    if word in ("any", "no-route", "urpf-failed"):
        return sign + word
    if word == "self":
        return sign + "(self)"  # stands for the addresses that the real one puts there
    try:
        network = ipaddress.ip_network(word, strict=False)
    except ValueError:
        if word.partition(":")[0].rstrip("0123456789") in ("em", "en", "vio", "lo", "egress"):
            return f"{sign}({word})"
        raise Refused(cursor.line, f"could not parse host specification\nno IP address found for {word}") from None
    text = str(network)
    whole = network.prefixlen == network.max_prefixlen
    return sign + ("any" if not network.prefixlen else text.partition("/")[0] if whole else text)


def _port(cursor: Cursor, protocol: str) -> str:
    if cursor.at("=", "!=", "<", "<=", ">", ">="):
        return f"{cursor.take().text} {_port_number(cursor, cursor.string(), protocol)}"
    word = cursor.string()
    if ":" in word:
        low, _colon, high = word.partition(":")
        return f"{_port_number(cursor, low, protocol)}:{_port_number(cursor, high, protocol)}"
    number = _port_number(cursor, word, protocol)
    if cursor.at("><", "<>"):
        return f"{number} {cursor.take().text} {_port_number(cursor, cursor.string(), protocol)}"
    return f"= {number}"


def _port_number(cursor: Cursor, word: str, protocol: str) -> int:
    if word.isdigit():
        if int(word) > 65535:
            raise Refused(cursor.line, f"illegal port value {word}")
        return int(word)
    try:
        return socket.getservbyname(word, protocol)
    except OSError:
        raise Refused(cursor.line, f"unknown port {word}") from None


def _antispoof(cursor: Cursor, defaults: Dict[str, str]) -> List[Rule]:
    """One rule for the network of each interface, one for its own addresses; those of em0 and lo0 are made up."""
    head = Rule("block", returns="return" if defaults["block-policy"] == "return" else "drop", direction="in")
    _log_and_quick(cursor, head)
    cursor.expect("for")
    rules = []
    for name in cursor.items(cursor.string):
        apart, own = copy.deepcopy(head), copy.deepcopy(head)
        apart.interface, apart.family, apart.source = f"! {name}", "inet", "192.0.2.0/24"
        own.family, own.source = "inet", "192.0.2.10"
        rules += [apart] if name.startswith("lo") else [apart, own]
    return rules


def _anchor_body(cursor: Cursor, rule: Rule, system: str, defaults: Dict[str, str]) -> None:
    if not cursor.accept("{"):
        if not rule.anchor:
            raise Refused(cursor.line, "anchors without explicit rules must specify a name")
        return
    if cursor.take().kind != "end":
        raise cursor.refused()
    while not cursor.accept("}"):
        if cursor.peek().kind == "end":
            cursor.take()
            continue
        word = cursor.string()
        if word not in ("pass", "block", "match", "anchor", "antispoof"):
            raise cursor.refused()
        rule.body += parse_filter(cursor, word, system, defaults)
        if cursor.peek().kind != "end":
            raise cursor.refused()
    rule.anchor = rule.anchor or "_1"
