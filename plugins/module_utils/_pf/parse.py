# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the rules that pfctl prints on any system into PfRule; what is not understood is kept as unknown."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Callable, Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._pf.peer import parse_peer
from ansible_collections.port443.https.plugins.module_utils._pf.rule import PfRule, Rules
from ansible_collections.port443.https.plugins.module_utils._pf.words import PfWords, split_words

# Rule kinds that decide nothing about a packet at the host's own ports.
_TRANSLATIONS = ("nat", "nat-anchor", "binat", "binat-anchor")
_SHAPING = ("scrub", "scrub-anchor", "no", "dummynet", "dummynet-anchor", "altq", "queue", "ether")
_OTHER = frozenset((*_SHAPING, *_TRANSLATIONS))
_CALLS = {"anchor": "anchor", "rdr-anchor": "rdr-anchor"}
_ACTIONS = frozenset(("pass", "block", "match", "anchor", "rdr", "rdr-anchor"))
_RETURNS = re.compile(r"(?:return|drop|return-rst|return-icmp6?)(?:\(.*\))?", re.ASCII)
_NOT_RULES = re.compile(r"(?:set |table <|[A-Za-z0-9_]+ = \"|Loading anchor |include )", re.ASCII)
_PROTOCOLS = {
    "icmp": 1,
    "igmp": 2,
    "ipencap": 4,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "ipv6-icmp": 58,
    "icmp6": 58,
    "ospf": 89,
    "carp": 112,
    "sctp": 132,
    "pfsync": 240,
}
_ICMP_TYPES = {"neighbrsol": 135, "neighbradv": 136, "routersol": 133, "routeradv": 134, "echoreq": 128, "echorep": 129}
_POOL_WORDS = frozenset(
    ("bitmask", "random", "source-hash", "round-robin", "least-states", "sticky-address", "static-port")
)
_FREEBSD_POOL = re.compile(r"0x[0-9a-f]+", re.ASCII)


def parse_rules(text: str) -> Rules:
    """Returns the rules of what ``pfctl -s rules``, ``-s nat`` or ``-n -v -f`` prints, in order.

    Macros, options, tables and counters in between are left out; the lines in braces become the body of the anchor
    before them.
    """
    lines = [line.strip() for line in text.splitlines()]
    rules, _end = _parse_block([line for line in lines if _is_rule(line)], 0)
    return rules


def _is_rule(line: str) -> bool:
    return bool(line) and not line.startswith("[") and not _NOT_RULES.match(line)


def _parse_block(lines: List[str], at: int) -> Tuple[Rules, int]:
    rules: List[PfRule] = []
    while at < len(lines) and lines[at] != "}":
        line = lines[at]
        at += 1
        if line.endswith(" {") or line == "{":
            body, at = _parse_block(lines, at)
            at += 1  # the brace that ends it
            rules.append(replace(parse_rule(line[:-1].strip()), body=body))
        else:
            rules.append(parse_rule(line))
    return tuple(rules), at


def parse_rule(line: str) -> PfRule:
    """Returns one rule as pfctl prints it, without the brace that an inline anchor ends in."""
    words = PfWords(split_words(re.sub(r"^@\d+ ", "", line)))
    kind = words.take()
    if kind == "no" and words.peek() == "rdr":
        words.take()
        found: Dict[str, Any] = {"action": "rdr", "elsewhere": "no"}
    elif kind in _OTHER or kind not in _ACTIONS:
        return PfRule("other", text=line)
    else:
        found = {"action": kind}
    if kind in _CALLS and words.peek().startswith('"'):
        found["anchor"] = words.take().strip('"')
    if kind == "block" and _RETURNS.fullmatch(words.peek()):
        words.take()
    if kind == "rdr" and words.peek() == "pass":
        words.take()
        found["quick"] = True
    unknown: List[str] = []
    while words.left():
        word = words.take()
        read = _READERS.get(word)
        if read is not None:
            read(words, found, unknown)
        elif word.startswith("(") or word in _HARMLESS:
            continue
        else:
            unknown.append(word)
    return PfRule(**found, unknown=tuple(unknown), text=line)


# Words that change nothing about which packets match, or only how the state is kept.
_HARMLESS = frozenset(("all", "allow-opts", "no-df", "random-id", "keep", "modulate", "synproxy", "state"))

_Reader = Callable[[PfWords, Dict[str, Any], List[str]], None]


def _value(name: str, value: object) -> _Reader:
    def read(_words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
        found[name] = value

    return read


def _skip(count: int) -> _Reader:
    def read(words: PfWords, _found: Dict[str, Any], _unknown: List[str]) -> None:
        for _word in range(count):
            words.take()

    return read


def _doubt(count: int) -> _Reader:
    """Reads a condition that only the kernel can judge, of so many words after its own."""

    def read(words: PfWords, _found: Dict[str, Any], unknown: List[str]) -> None:
        unknown.append(" ".join([words.taken(), *[words.take() for _word in range(count)]]))

    return read


def _read_log(words: PfWords, _found: Dict[str, Any], _unknown: List[str]) -> None:
    if words.peek().startswith("("):
        words.take()


def _read_interface(words: PfWords, found: Dict[str, Any], unknown: List[str]) -> None:
    if words.peek() == "!":
        words.take()
        found["interface_negated"] = True
    name = words.take()
    if name == "rdomain":
        unknown.append("on rdomain " + words.take())
    else:
        found["interface"] = name.strip('"')


def _read_protocol(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    name = words.take()
    found["protocol"] = _PROTOCOLS[name] if name in _PROTOCOLS else int(name) if name.isdigit() else -1


def _read_peer(name: str) -> _Reader:
    def read(words: PfWords, found: Dict[str, Any], unknown: List[str]) -> None:
        protocol = "udp" if found.get("protocol") == 17 else "tcp"
        found[name] = parse_peer(words, protocol)
        if words.peek() == "os":
            unknown.append(" ".join((words.take(), words.take())))

    return read


def _read_flags(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    given = words.take()
    if given != "any":
        wanted, _slash, looked_at = given.partition("/")
        found["flags"] = (wanted, looked_at)


def _read_icmp(words: PfWords, found: Dict[str, Any], unknown: List[str]) -> None:
    given = words.take()
    number: Optional[int] = int(given) if given.isdigit() else _ICMP_TYPES.get(given, -1)
    found["icmp_type"] = number
    if words.peek() == "code":
        unknown.append(" ".join((words.take(), words.take())))


def _read_no(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    if words.take() == "state":
        found["stateful"] = False


def _read_label(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    found.setdefault("label", words.take().strip('"'))


def _read_queue(words: PfWords, _found: Dict[str, Any], _unknown: List[str]) -> None:
    words.take()


def _read_not(words: PfWords, _found: Dict[str, Any], unknown: List[str]) -> None:
    unknown.append(" ".join(("!", words.take(), words.take())))


def _read_user(words: PfWords, _found: Dict[str, Any], unknown: List[str]) -> None:
    """``user = 55``, ``user != 0``, ``user 1000 >< 2000``."""
    kind, first, second = words.taken(), words.take(), words.take()
    unknown.append(" ".join((kind, first, second)))
    if second in ("><", "<>"):
        unknown[-1] += " " + words.take()


def _read_pool(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    """Where packets are routed or translated to: an address or a list, and how one is picked."""
    kind = words.taken()
    place = [words.take()]
    if place[0] == "{":
        while words.left() and place[-1] != "}":
            place.append(words.take())
    if words.peek() == "port":
        place += [words.take(), words.take()]
    while words.peek() in _POOL_WORDS or _FREEBSD_POOL.fullmatch(words.peek()):
        words.take()
    if kind in ("->", "rdr-to", "af-to", "divert-to", "divert-packet"):
        found["elsewhere"] = " ".join(place)


def _read_family(words: PfWords, found: Dict[str, Any], _unknown: List[str]) -> None:
    """``af-to inet from 192.0.2.10 to 198.51.100.1``: the other IP version, and the addresses there."""
    place = [words.taken(), words.take()]
    while words.peek() in ("from", "to"):
        place += [words.take(), words.take()]
    found["elsewhere"] = " ".join(place)


_READERS: Dict[str, _Reader] = {
    "in": _value("direction", "in"),
    "out": _value("direction", "out"),
    "quick": _value("quick", True),
    "inet": _value("family", 4),
    "inet6": _value("family", 6),
    "log": _read_log,
    "on": _read_interface,
    "proto": _read_protocol,
    "from": _read_peer("source"),
    "to": _read_peer("destination"),
    "flags": _read_flags,
    "icmp-type": _read_icmp,
    "icmp6-type": _read_icmp,
    "no": _read_no,
    "label": _read_label,
    "queue": _read_queue,
    "set": _skip(1),
    "scrub": _skip(1),
    "tag": _skip(1),
    "prio": _doubt(1),
    "ridentifier": _skip(1),
    "rtable": _skip(1),
    "min-ttl": _skip(1),
    "max-mss": _skip(1),
    "set-tos": _skip(1),
    "dnpipe": _skip(1),
    "dnqueue": _skip(1),
    "tos": _doubt(1),
    "once": _doubt(0),  # pf.conf(5): it goes at its first match, so the next connection meets another ruleset
    "max-pkt-rate": _doubt(1),
    "probability": _doubt(1),
    "tagged": _doubt(1),
    "received-on": _doubt(1),
    "!received-on": _doubt(1),
    "fragment": _doubt(0),
    "user": _read_user,
    "group": _read_user,
    "!": _read_not,
    "route-to": _read_pool,
    "reply-to": _read_pool,
    "dup-to": _read_pool,
    "nat-to": _read_pool,
    "rdr-to": _read_pool,
    "af-to": _read_family,
    "divert-to": _read_pool,
    "divert-packet": _doubt(2),
    "divert-reply": _skip(0),
    "->": _read_pool,
}
