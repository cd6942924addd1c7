# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Statements with packets to match, read and made a rule for each member of their lists (expand_rule() in parse.y)."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from itertools import product
from typing import Iterable, List, Optional, Tuple

from fake_pf.addresses import ANY, Addresses, Host
from fake_pf.checks import complaints
from fake_pf.cursor import Cursor
from fake_pf.names import PROTOCOL_NUMBERS, SERVICES
from fake_pf.options import Options
from fake_pf.rules import Rule, address_family

OPERATORS = ("=", "!=", "<", "<=", ">", ">=")


@dataclass
class Ends:
    """Lists of sources and destinations, each with its ports."""

    sources: List[Host] = field(default_factory=lambda: [ANY])
    source_ports: List[str] = field(default_factory=lambda: [""])
    systems: List[str] = field(default_factory=lambda: [""])
    destinations: List[Host] = field(default_factory=lambda: [ANY])
    destination_ports: List[str] = field(default_factory=lambda: [""])


class Filters:
    """Reads the statements of one system."""

    def __init__(self, system: str, addresses: Addresses) -> None:
        self._system = system
        self._addresses = addresses
        self.fingerprints: Tuple[str, ...] = ()
        self.told: List[Tuple[int, str]] = []

    def read(self, cursor: Cursor, rule: Rule, options: Optional[Options]) -> List[Rule]:
        """Returns the rules that a statement becomes, from its direction on; without ``options`` none are taken."""
        if cursor.at("in", "out"):
            rule.direction = cursor.take().text
        translates = rule.action.split()[-1] in ("nat", "rdr", "binat", "pass") and rule.action != "pass"
        if (not translates and "anchor" not in rule.action) or rule.action == "anchor":
            log_and_quick(cursor, rule)
        interfaces = self._interfaces(cursor) if cursor.accept("on") else [""]
        if rule.action in ("pass", "block") and cursor.at("route-to", "reply-to", "dup-to"):
            if self._system == "OpenBSD":
                raise cursor.refused()
            assert options is not None
            rule.route = f"{cursor.take().text} {options.pool(cursor)}"
        if cursor.at("inet", "inet6"):
            rule.family = cursor.take().text
        protocols = cursor.items(lambda: _protocol(cursor)) if cursor.accept("proto") else [0]
        ends = self._ends(cursor)
        icmp, users, groups = options.read(rule, protocols) if options else ([""], [""], [""])
        lists = (interfaces, protocols, icmp, ends.sources, ends.source_ports, ends.systems, ends.destinations)
        return self._expand(cursor.line, rule, product(*lists, ends.destination_ports, users, groups))

    def _expand(self, line: int, rule: Rule, combinations: Iterable[Tuple]) -> List[Rule]:
        """A rule for each combination that can be; what is wrong with the others is told, and the parser goes on."""
        rules: List[Rule] = []
        for one in filter(None, (_expanded(rule, chosen) for chosen in combinations)):
            wrong = complaints(one, self._system)
            self.told += [(line, words) for words in (*wrong, *(["skipping rule due to errors"] if wrong else []))]
            rules += [] if wrong else [one]
        if not rules:
            self.told.append((line, "rule expands to no valid combination"))
        return rules

    def _interfaces(self, cursor: Cursor) -> List[str]:
        def one() -> str:
            sign = "! " if cursor.accept("!") else ""
            if self._system == "OpenBSD" and cursor.at("rdomain"):
                return f"{sign}{cursor.take().text} {cursor.number()}"
            return sign + (cursor.take().text if cursor.at("any") and self._system == "OpenBSD" else cursor.string())

        return cursor.items(one)

    def _ends(self, cursor: Cursor) -> Ends:
        found = Ends()
        if cursor.accept("all"):
            return found
        if cursor.accept("from"):
            if not cursor.at("port"):
                found.sources = self._addresses.hosts(cursor)
            if cursor.accept("port"):
                found.source_ports = ports(cursor, self._system)
            if cursor.accept("os"):
                found.systems = [self._known(name) for name in cursor.items(cursor.string)]
                found.systems = list(dict.fromkeys(found.systems))
        if cursor.accept("to"):
            if not cursor.at("port"):
                found.destinations = self._addresses.hosts(cursor)
            if cursor.accept("port"):
                found.destination_ports = ports(cursor, self._system)
        return found

    def _known(self, name: str) -> str:
        """An operating system as it is printed: OpenBSD keeps the name, the others what their fingerprints have."""
        return name if self._system == "OpenBSD" or name in self.fingerprints else "nomatch"

    def antispoof(self, cursor: Cursor, policy: str) -> List[Rule]:
        """One rule for the networks of each interface, one for its own addresses."""
        head = Rule("block", returns=policy, direction="in")
        log_and_quick(cursor, head)
        cursor.expect("for")
        names = cursor.items(lambda: _antispoof_interface(cursor))
        family = cursor.take().text if cursor.at("inet", "inet6") else ""
        if cursor.accept("label"):
            head.label = cursor.string()
        rules = []
        for name in names:
            apart, own = (
                ([Host(f"({name[1:-1]}:network)")], [Host(name)])
                if name[0] == "("
                else (self._addresses.antispoof(name))
            )
            for hosts, interface in ((apart, f"! {name.strip('()')}"), (own, "")):
                for host in hosts:
                    one = copy.deepcopy(head)
                    one.interface, one.family, one.source = host.interface or interface, host.family, host.text
                    rules += [one] if family in ("", one.family) or not one.family else []
        return rules


def _antispoof_interface(cursor: Cursor) -> str:
    if not cursor.accept("("):
        return cursor.string()
    name = cursor.string()
    cursor.expect(")")
    return f"({name})"


def log_and_quick(cursor: Cursor, rule: Rule) -> None:
    """``log`` with what is logged, and ``quick``, in any order."""
    while cursor.at("log", "quick"):
        if cursor.take().text == "quick":
            rule.quick = True
            continue
        rule.log = "log"
        if cursor.accept("("):
            words = [_log_option(cursor)]
            while not cursor.accept(")"):
                cursor.accept(",")
                words.append(_log_option(cursor))
            order = ["all", "user"] if "to " not in " ".join(words) else words
            rule.log = f"log ({', '.join(sorted(words, key=order.index))})"


def _log_option(cursor: Cursor) -> str:
    word = cursor.expect("all", "user", "to")
    return f"to {cursor.string()}" if word == "to" else word


def _protocol(cursor: Cursor) -> int:
    if cursor.peek().kind == "number":
        number = cursor.number()
        if number > 255:
            raise cursor.wrong("protocol outside range")
        return number
    word = cursor.string()
    if word not in PROTOCOL_NUMBERS:
        raise cursor.wrong(f"unknown protocol {word}")
    return PROTOCOL_NUMBERS[word]


def ports(cursor: Cursor, system: str) -> List[str]:
    """A port or a list of them, as they are printed."""
    return [one for found in cursor.items(lambda: _ports(cursor, system)) for one in found]


def _ports(cursor: Cursor, system: str) -> List[str]:
    if cursor.at("{"):
        return ports(cursor, system)
    if cursor.at(*OPERATORS):
        return [f"{cursor.take().text} {port_number(cursor, cursor.word())}"]
    word = cursor.word()
    if ":" in word:
        low, high = (port_number(cursor, one) for one in word.split(":", 1))
        if system == "OpenBSD" and low > high:
            raise cursor.wrong("invalid port range")
        return [f"{low}:{high}"]
    number = port_number(cursor, word)
    if cursor.at("><", "<>"):
        return [f"{number} {cursor.take().text} {port_number(cursor, cursor.word())}"]
    return [f"= {number}"]


def port_number(cursor: Cursor, word: str) -> int:
    """The number of a port: decimal, hexadecimal, octal as C has them only where it is no plain number, or by name."""
    try:
        number = int(word, 16) if word[:2].lower() == "0x" else int(word)
    except ValueError:
        number = SERVICES.get((word, "tcp"), SERVICES.get((word, "udp"), -1))
    if number < 0:
        raise cursor.wrong(f"unknown port {word}" if word else "syntax error")
    if number > 65535:
        raise cursor.wrong(f"illegal port value {word}")
    return number


def _expanded(rule: Rule, chosen: Tuple) -> Optional[Rule]:
    one = copy.deepcopy(rule)
    source, destination = chosen[3], chosen[6]
    one.interface, one.protocol, one.icmp, _source, one.source_port, one.os = chosen[:6]
    _destination, one.destination_port, one.user, one.group = chosen[6:]
    families = {host.family for host in (source, destination) if host.family} | ({one.family} if one.family else set())
    target = address_family(one.options.get("target family", ""))
    families |= {target} if target else set()
    if len(families) > 1:
        return None
    one.options.pop("target family", "")
    one.family = families.pop() if families else ""
    one.source, one.destination = source.text, destination.text
    one.interface = source.interface or destination.interface or one.interface
    if one.action == "pass" and not one.state:
        one.state = "keep"
    if one.action == "pass" and one.flags == "" and one.protocol in (0, 6) and one.state != "no":
        one.flags = "S/SA"
    if one.flags == "any":
        one.flags = "any" if one.action == "pass" and one.protocol in (0, 6) else ""
    return one
