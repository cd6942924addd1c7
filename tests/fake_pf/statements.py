# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The statements that become rules: filtering, anchors, translation, normalisation, and queues."""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, List

from fake_pf import queues
from fake_pf.cursor import Cursor
from fake_pf.lexer import Refused
from fake_pf.options import Options
from fake_pf.rules import Rule

if TYPE_CHECKING:
    from fake_pf.grammar import Parser

INNER = ("pass", "block", "match", "anchor", "antispoof")
CODES = {
    "return-icmp": ("net-unr", "host-unr", "port-unr", "proto-unr", "needfrag", "filter-prohib"),
    "return-icmp6": ("noroute-unr", "admin-unr", "notnbr-unr", "addr-unr", "port-unr"),
}
SCRUBS = ("no-df", "random-id", "min-ttl", "max-mss", "set-tos", "reassemble", "fragment")


class Statements:
    """Reads them into the parser's rules."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._system = parser.system

    def read(self, word: str, cursor: Cursor) -> None:
        """Reads the statement whose first word was taken."""
        rules = self._parser.found.rules
        if word in INNER:
            rules += self._filter(word, cursor, rules)
        elif word in ("altq", "queue"):
            queues.read(self._parser, word, cursor)
        elif word.endswith("-anchor"):
            name = cursor.string()
            rule = Rule(word, anchor=name)
            if word == "scrub-anchor":
                rule.options["reassembled"] = "fragment reassemble"
            rules += self._parser.filters.read(cursor, rule, None)
        elif word in ("scrub", "dummynet"):
            rules += self._scrub(word, cursor)
        else:
            rules += self._translate(word, cursor)

    def _filter(self, word: str, cursor: Cursor, before: List[Rule]) -> List[Rule]:
        if word == "antispoof":
            return self._parser.filters.antispoof(cursor, self._parser.policy)
        rule = Rule(word)
        if word == "block":
            self._returns(cursor, rule)
        if word == "anchor" and cursor.peek().kind in ("word", "string") and not cursor.at(*self.after_name()):
            rule.anchor = cursor.string()
            if rule.anchor.startswith("_") or "/_" in rule.anchor:
                raise cursor.wrong("anchor names beginning with '_' are reserved for internal use")
        options = Options(cursor, self._system, self._parser.pools)
        rules = self._parser.filters.read(cursor, rule, options)
        if word == "anchor":
            self._body(cursor, rules, bool(rule.anchor))
        rules = [one for rule in rules for one in self._both_ways(rule)]
        for number, one in enumerate(rules, len(before)):
            self._fill_in(one, number)
        return rules

    @staticmethod
    def after_name() -> tuple:
        """What may come where an anchor has no name."""
        return ("in", "out", "quick", "on", "inet", "inet6", "proto", "from", "to", "all", "label", "tagged", "user")

    def _returns(self, cursor: Cursor, rule: Rule) -> None:
        if not cursor.at("drop", "return", "return-rst", "return-icmp", "return-icmp6"):
            rule.returns = self._parser.policy
            return
        rule.returns = cursor.take().text
        if rule.returns == "return-rst" and cursor.accept("("):
            cursor.expect("ttl")
            rule.returns += f"(ttl {cursor.number()})"
            cursor.expect(")")
        elif rule.returns.startswith("return-icmp"):
            codes = ["port-unr"] if rule.returns == "return-icmp6" else ["port-unr", "port-unr"]
            if cursor.accept("("):
                codes = [self._code(cursor, rule.returns)]
                while cursor.accept(","):
                    codes.append(self._code(cursor, "return-icmp6"))
                cursor.expect(")")
            rule.icmp_code = f"({', '.join(codes)})"

    def _code(self, cursor: Cursor, returns: str) -> str:
        word = cursor.word()
        if word not in CODES[returns]:
            raise cursor.wrong(f"unknown icmp code {word}")
        return word

    def _body(self, cursor: Cursor, rules: List[Rule], named: bool) -> None:
        if not cursor.at("{"):
            if not named:
                raise cursor.wrong("anchors without explicit rules must specify a name")
            return
        cursor.take()
        cursor.end()
        body: List[Rule] = []
        while not cursor.accept("}"):
            if cursor.peek().kind == "end" and not cursor.lexer.made_up:
                cursor.take()
                continue
            if cursor.peek().kind == "end":
                cursor.take()
                raise cursor.refused()
            word = cursor.expect(*INNER)
            if word == "match" and self._system != "OpenBSD":
                raise cursor.refused()
            body += self._filter(word, cursor, body)
            cursor.end()
        for rule in rules:
            rule.body = copy.deepcopy(body)
            rule.anchor = rule.anchor or "_1"

    def _both_ways(self, rule: Rule) -> List[Rule]:
        """binat-to is a rule for what leaves and one for what comes (OpenBSD); 9000:* gets its end."""
        target = rule.options.get("to", "")
        ports = re.fullmatch(r"([0-9]+):([0-9]+)", rule.destination_port)
        star = re.search(r"([0-9]+):\*", target)
        if star and ports:
            end = int(star.group(1)) + int(ports.group(2)) - int(ports.group(1))
            rule.options["to"] = target.replace(":*", f":{end}")
        if not target.startswith("binat-to "):
            return [rule]
        place = target.split()[1]
        out, back = copy.deepcopy(rule), copy.deepcopy(rule)
        out.direction, out.options["to"] = "out", f"nat-to {place} static-port"
        back.direction, back.options["to"] = "in", f"rdr-to {rule.source}"
        back.source, back.destination = rule.destination, place
        return [out, back]

    def _fill_in(self, rule: Rule, number: int) -> None:
        """Macros in labels and tags, as expand_label() fills them in."""
        equal = [port[2:] if port.startswith("= ") else "" for port in (rule.source_port, rule.destination_port)]
        from fake_pf.names import PROTOCOLS

        values = {
            "$nr": str(number),
            "$if": rule.interface or "any",
            "$proto": PROTOCOLS.get(rule.protocol, str(rule.protocol)) if rule.protocol else "ip",
            "$srcaddr": rule.source,
            "$dstaddr": rule.destination,
            "$srcport": equal[0],
            "$dstport": equal[1],
        }
        for name, value in values.items():
            rule.label = rule.label.replace(name, value)
            if "tag" in rule.options:
                rule.options["tag"] = rule.options["tag"].replace(name, value)

    def _scrub(self, word: str, cursor: Cursor, no: bool = False) -> List[Rule]:
        rule = Rule(f"no {word}" if no else word)
        rules = self._parser.filters.read(cursor, rule, None)
        found = {}
        while not cursor.at_end():
            name = cursor.expect(*SCRUBS)
            if name == "fragment":
                found["reassembled"] = f"fragment {cursor.expect('reassemble', 'crop', 'drop-ovl')}"
            elif name == "reassemble":
                cursor.expect("tcp")
                found[name] = "reassemble tcp"
                if rule.direction:
                    raise cursor.wrong("reassemble tcp rules can not specify direction")
            else:
                found[name] = name if name in ("no-df", "random-id") else f"{name} {cursor.word()}"
        if word == "scrub" and not no:
            found.setdefault("reassembled", "fragment reassemble")
        for one in rules:
            one.options.update(found)
        return rules

    def _translate(self, word: str, cursor: Cursor) -> List[Rule]:
        no = word == "no"
        if no:
            word = cursor.expect("nat", "rdr", "binat", "scrub")
            self._parser.section("normalization" if word == "scrub" else "translation", cursor)
            if word == "scrub":
                return self._scrub(word, cursor, True)
        action = f"no {word}" if no else f"{word} pass" if cursor.accept("pass") else word
        rule = Rule(action)
        rules = self._parser.filters.read(cursor, rule, None)
        if no:
            return rules
        cursor.expect("->")
        head = copy.deepcopy(rules[0] if rules else rule)
        target = self._parser.pools.target(cursor, head)
        place = head.options.pop("target family", "")
        for one in rules:
            one.options["to"] = f"-> {target}"
            family = ("inet6" if ":" in place else "inet") if place and not place.startswith("(") else ""
            if family and one.family not in ("", family):
                raise Refused(cursor.line, "rule expands to no valid combination")
            one.family = one.family or family
        return [one for rule in rules for one in self._both_ways(rule)]
