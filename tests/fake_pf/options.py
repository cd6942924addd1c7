# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may stand behind the addresses of a rule: filter_opts in parse.y."""

from __future__ import annotations

from typing import Callable, Dict, List

from fake_pf.cursor import Cursor
from fake_pf.lexer import Refused
from fake_pf.rules import Rule

ICMP6 = ("neighbrsol", "neighbradv", "routersol", "routeradv", "echoreq", "echorep", "unreach", "toobig", "timex")
ICMP = ("echoreq", "echorep", "unreach", "timex")
FLAGS = set("FSRPAUEW")


def pool(cursor: Cursor) -> str:
    """Where packets are sent to, and how one of several is picked, as text."""

    def member() -> str:
        return f"({cursor.parenthesis()})" if cursor.at("(") else cursor.string()

    if cursor.at("{"):
        text = "{ " + ", ".join(cursor.items(member)) + " }"
    else:
        text = member()
    while cursor.at("round-robin", "random", "bitmask", "source-hash", "sticky-address"):
        text += " " + cursor.take().text
    return text


class Options:
    """What may stand behind the addresses, in any order."""

    def __init__(self, cursor: Cursor, rule: Rule, system: str) -> None:
        self._cursor = cursor
        self._rule = rule
        self._system = system
        self._icmp: List[str] = [""]

    def read(self) -> List[str]:
        """Reads them into the rule; returns the ICMP types, which are expanded."""
        readers: Dict[str, Callable[[], None]] = {
            "flags": self._flags,
            "keep": self._state,
            "modulate": self._state,
            "synproxy": self._state,
            "no": self._state,
            "label": self._label,
            "tag": self._tag,
            "tagged": self._tagged,
            "!": self._tagged,
            "user": self._user,
            "group": self._user,
            "icmp-type": self._types,
            "icmp6-type": self._types,
            "allow-opts": self._plain,
            "probability": self._valued,
            "queue": self._valued,
            "rtable": self._valued,
            "set": self._valued,
            "rdr-to": self._to,
            "nat-to": self._to,
            "route-to": self._to,
        }
        while self._cursor.peek().kind == "word" or self._cursor.at("!"):
            word = self._cursor.peek().text
            openbsd_only = word in ("rdr-to", "nat-to", "route-to", "set")
            if word not in readers or (openbsd_only and self._system != "OpenBSD"):
                raise self._cursor.refused()
            self._cursor.take()
            self._word = word
            readers[word]()
        return self._icmp

    def _flags(self) -> None:
        if self._cursor.accept("any"):
            self._rule.flags = "any"
            return
        wanted = "" if self._cursor.at("/") else self._cursor.string()
        self._cursor.expect("/")
        looked_at = self._cursor.string()
        if not set(wanted) <= FLAGS or not set(looked_at) <= FLAGS or not set(wanted) <= set(looked_at):
            raise Refused(self._cursor.line, "flags always false" if set(wanted) <= FLAGS else "syntax error")
        self._rule.flags = f"{wanted}/{looked_at}"

    def _state(self) -> None:
        self._cursor.expect("state")
        self._rule.state = self._word
        if self._cursor.at("("):
            self._rule.state_options = self._cursor.parenthesis()

    def _label(self) -> None:
        self._rule.label = self._cursor.string()
        if len(self._rule.label) > 63:
            raise Refused(self._cursor.line, "rule label too long (max 63 chars)")

    def _tag(self) -> None:
        self._rule.tag = self._cursor.string()

    def _tagged(self) -> None:
        sign = "! " if self._word == "!" else ""
        if sign:
            self._cursor.expect("tagged")
        self._rule.tagged = f"{sign}tagged {self._cursor.string()}"

    def _user(self) -> None:
        operator = self._cursor.take().text if self._cursor.at("=", "!=", "<", ">") else "="
        value = f"{self._word} {operator} {self._cursor.string()}"
        setattr(self._rule, self._word, value)

    def _types(self) -> None:
        names = ICMP6 if self._word == "icmp6-type" else ICMP
        self._icmp = self._cursor.items(self._cursor.string)
        for name in self._icmp:
            if name not in names and not name.isdigit():
                raise Refused(self._cursor.line, f"unknown {self._word} {name}")

    def _plain(self) -> None:
        self._rule.options = " ".join(filter(None, (self._rule.options, self._word)))

    def _valued(self) -> None:
        value = f"({self._cursor.parenthesis()})" if self._cursor.at("(") else self._cursor.string()
        self._rule.options = " ".join(filter(None, (self._rule.options, self._word, value)))

    def _to(self) -> None:
        target = f"{self._word} {pool(self._cursor)}"
        if self._cursor.accept("port"):
            target += f" port {self._cursor.string()}"
        if self._word == "route-to":
            self._rule.route = target
        else:
            self._rule.redirect = target
