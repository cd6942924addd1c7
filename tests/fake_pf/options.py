# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may stand behind the addresses of a rule, in any order (filter_opts in parse.y)."""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Tuple

from fake_pf import names
from fake_pf.cursor import Cursor
from fake_pf.pools import Pools
from fake_pf.rules import Rule
from fake_pf.states_options import read_state_options

FLAGS = "FSRPAUEW"
BOTH = (
    *("flags", "keep", "modulate", "synproxy", "no", "label", "tag", "tagged", "!", "user", "group", "icmp-type"),
    *(
        "icmp6-type",
        "allow-opts",
        "probability",
        "rtable",
        "tos",
        "prio",
        "set",
        "fragment",
        "divert-to",
        "divert-reply",
    ),
)
WORDS = {
    "FreeBSD": (*BOTH, "queue"),
    "Darwin": (*BOTH, "queue"),
    "OpenBSD": (
        *(*BOTH, "rdr-to", "nat-to", "binat-to", "af-to", "route-to", "reply-to", "dup-to", "divert-packet", "scrub"),
        *("once", "received-on", "max-pkt-rate"),
    ),
}
SCRUBS = ("no-df", "random-id", "min-ttl", "max-mss", "set-tos", "reassemble")


class Options:
    """Reads them into a rule."""

    def __init__(self, cursor: Cursor, system: str, pools: Pools) -> None:
        self._cursor = cursor
        self._system = system
        self._pools = pools
        self.pool: Callable[[Cursor], str] = pools.route
        self._icmp: List[str] = [""]
        self._users: Dict[str, List[str]] = {"user": [""], "group": [""]}

    def read(self, rule: Rule, protocols: List[int]) -> Tuple[List[str], List[str], List[str]]:
        """Returns the ICMP types, the users and the groups, which are lists."""
        self._rule = rule
        cursor = self._cursor
        readers: Dict[str, Callable[[str], None]] = {
            "flags": self._flags,
            "label": self._label,
            "tag": self._tag,
            "set": self._set,
            "tos": self._tos,
            "tagged": self._tagged,
            "!": self._tagged,
            "user": self._user,
            "group": self._user,
            "keep": self._state,
            "modulate": self._state,
            "synproxy": self._state,
            "no": self._state,
            "icmp-type": self._types,
            "icmp6-type": self._types,
            "probability": self._probability,
            "divert-to": self._divert,
            "divert-packet": self._divert,
            "scrub": self._scrub,
            "received-on": self._received,
            "af-to": self._af_to,
            "rdr-to": self._to,
            "nat-to": self._to,
            "binat-to": self._to,
            "route-to": self._route,
            "reply-to": self._route,
            "dup-to": self._route,
        }
        while not (cursor.at_end() or cursor.at("{", "->")):
            word = cursor.expect(*WORDS[self._system])
            readers.get(word, self._plain)(word)
        if rule.flags not in ("", "any") and set(protocols) - {6} and protocols != [0]:
            raise cursor.wrong("flags only apply to tcp")
        return self._icmp, self._users["user"], self._users["group"]

    def _flags(self, _word: str) -> None:
        if self._cursor.accept("any"):
            self._rule.flags = "any"
            return
        wanted = "" if self._cursor.at("/") else self._cursor.string()
        self._cursor.expect("/")
        looked_at = self._cursor.string()
        for given in (wanted, looked_at):
            if not set(given) <= set(FLAGS):
                raise self._cursor.wrong(f"bad flags {given}")
        if not set(wanted) <= set(looked_at):
            raise self._cursor.wrong("flags always false")
        self._rule.flags = "/".join("".join(sorted(given, key=FLAGS.index)) for given in (wanted, looked_at))

    def _state(self, word: str) -> None:
        self._cursor.expect("state")
        self._rule.state = word
        if self._cursor.at("("):
            self._rule.state_options = read_state_options(self._cursor, self._system)

    def _label(self, _word: str) -> None:
        self._rule.label = self._cursor.string()
        if len(self._rule.label) > 63:
            raise self._cursor.wrong("rule label too long (max 63 chars)")

    def _tag(self, _word: str) -> None:
        name = self._cursor.string()
        if len(name) > 63:
            raise self._cursor.wrong("tag too long, max 63 chars")
        self._rule.options["tag"] = f"tag {name}"

    def _tagged(self, word: str) -> None:
        if word == "!":
            self._cursor.expect("tagged")
        self._rule.tagged = f"{'! ' if word == '!' else ''}tagged {self._cursor.string()}"

    def _user(self, word: str) -> None:
        known = names.USERS if word == "user" else names.GROUPS

        def number(text: str) -> str:
            if not text.isdigit() and text not in known:
                raise self._cursor.wrong(f"unknown {word} {text}")
            return text if text.isdigit() or text == "unknown" else str(known[text])

        def one() -> str:
            if self._cursor.at("=", "!=", "<", "<=", ">", ">="):
                return f"{word} {self._cursor.take().text} {number(self._cursor.word())}"
            first = number(self._cursor.word())
            if self._cursor.at("><", "<>"):
                return f"{word} {first} {self._cursor.take().text} {number(self._cursor.word())}"
            return f"{word} = {first}"

        self._users[word] = self._cursor.items(one)

    def _types(self, word: str) -> None:
        types, codes = (
            (names.ICMP6_TYPES, names.ICMP6_CODES) if word == "icmp6-type" else (names.ICMP_TYPES, names.ICMP_CODES)
        )

        def one() -> str:
            given = self._cursor.word()
            if not given.isdigit() and given not in types:
                raise self._cursor.wrong(f"unknown {word} {given}")
            number = int(given) if given.isdigit() else types[given]
            name = next((name for name, value in types.items() if value == number), str(number))
            if not self._cursor.accept("code"):
                return f"{word} {name}"
            code = self._cursor.word()
            if not code.isdigit() and (number, code) not in codes:
                raise self._cursor.wrong(f"unknown icmp-code {code}")
            value = int(code) if code.isdigit() else codes[number, code]
            named = next((key[1] for key, found in codes.items() if (key[0], found) == (number, value)), str(value))
            return f"{word} {name} code {named}"

        self._icmp = self._cursor.items(one)

    def _plain(self, word: str) -> None:
        """allow-opts, fragment, once, divert-reply alone; prio, queue, rtable, max-pkt-rate with what follows."""
        value = ""
        if word in ("prio", "rtable"):
            value = f" {self._cursor.number()}"
        elif word == "queue":
            value = f" {self._cursor.string()}"
        elif word == "max-pkt-rate":
            value = f" {self._cursor.number()}"
            self._cursor.expect("/")
            value += f"/{self._cursor.number()}"
        self._rule.options["divert" if word == "divert-reply" else word] = word + value

    def _tos(self, _word: str) -> None:
        self._rule.tos = f"tos {self._tos_value()}"

    def _tos_value(self) -> str:
        given = self._cursor.word()
        number = names.TOS.get(given, -1)
        if number < 0 and re.fullmatch(r"0x[0-9a-fA-F]+|[0-9]+", given):
            number = int(given, 0)
        if not 0 <= number < 256:
            raise self._cursor.wrong(f"illegal tos value {given}")
        return f"0x{number:02x}"

    def _probability(self, _word: str) -> None:
        given = self._cursor.word()
        number = float(given.rstrip("%")) / (100 if given.endswith("%") else 1)
        if not 0 < number < 1:
            raise self._cursor.wrong(f"invalid probability: {number}")
        self._rule.probability = f"probability {number * 100:g}%"

    def _set(self, _word: str) -> None:
        settings = []
        if self._cursor.accept("("):
            settings.append(self._setting())
            while not self._cursor.accept(")"):
                self._cursor.accept(",")
                settings.append(self._setting())
        else:
            settings.append(self._setting())
        text = ", ".join(settings)
        self._rule.options["set"] = f"set ({text})" if self._system == "OpenBSD" else f"set ( {text} )"

    def _setting(self) -> str:
        allowed = ("prio", "tos", "queue", "delay") if self._system == "OpenBSD" else ("prio",)
        word = self._cursor.expect(*allowed)
        if word == "prio" and self._cursor.accept("("):
            first = self._cursor.number()
            self._cursor.accept(",")
            second = self._cursor.number()
            self._cursor.expect(")")
            return f"prio({first}, {second})"
        value = self._tos_value() if word == "tos" else self._cursor.word()
        return f"{word} {value}"

    def _divert(self, word: str) -> None:
        if word == "divert-to":
            host = self._cursor.string()
            self._cursor.expect("port")
            port = self._cursor.number()
            self._rule.options["divert"] = (
                f"{word} {host} port {port}" if self._system == "OpenBSD" else f"{word} {port}"
            )
            return
        self._cursor.expect("port")
        self._rule.options["divert"] = f"{word} port {self._cursor.number()}"
        self._rule.options["scrub"] = "scrub (reassemble tcp)"

    def _scrub(self, _word: str) -> None:
        found: Dict[str, str] = {}
        self._cursor.expect("(")
        while not self._cursor.accept(")"):
            word = self._cursor.expect(*SCRUBS)
            value = f" {self._cursor.number()}" if word in ("min-ttl", "max-mss") else ""
            value = f" {self._cursor.expect('tcp')}" if word == "reassemble" else value
            found[word] = word + value
            self._cursor.accept(",")
        self._rule.options["scrub"] = f"scrub ({' '.join(found[word] for word in SCRUBS if word in found)})"

    def _received(self, word: str) -> None:
        self._rule.received = f"{word} {self._cursor.string()}"

    def _af_to(self, word: str) -> None:
        family = self._cursor.expect("inet", "inet6")
        self._cursor.expect("from")
        self._rule.options["to"] = f"{word} {family} from {self._cursor.string()}"

    def _to(self, word: str) -> None:
        self._rule.options["to"] = f"{word} {self._pools.target(self._cursor, self._rule)}"

    def _route(self, word: str) -> None:
        self._rule.options["route"] = f"{word} {self._pools.target(self._cursor, self._rule)}"
