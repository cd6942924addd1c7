# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the match options of iptables into matches, after iptables-extensions(8)."""

from __future__ import annotations

from typing import Callable, Dict, List, Optional, TypeVar

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Match, MatchField
from ansible_collections.port443.https.plugins.module_utils._xtables import words as _words
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import MATCHES, READ

# Modules whose every option is read below or is a match of its own; any other module is one unknown match.
READ_MODULES = frozenset(name for name, known in MATCHES.items() if known == READ)
_LAST_DATE = (1 << 32) - 1  # dates are u32 in include/uapi/linux/netfilter/xt_time.h

# Modules about an IPv6 extension header, by its number: nothing that a connection sends has one.
HEADERS = {"hbh": 0, "rt": 43, "frag": 44, "dst": 60, "mh": 135}


class RuleWords:
    """The words of a rule, taken one after the other; ``module`` is the match module that options belong to.

    ``now`` is in seconds of the epoch, None if not known.
    """

    def __init__(self, family: str, words: List[str], now: Optional[float] = None) -> None:
        self.family = family
        self.now = now
        self.module = ""
        self._words = words
        self._at = 0

    def left(self) -> bool:
        """Tells whether there are more."""
        return self._at < len(self._words)

    def take(self) -> str:
        """Returns the next word, or nothing at the end."""
        word = self._words[self._at] if self._at < len(self._words) else ""
        self._at += 1
        return word

    def take_not(self) -> bool:
        """Takes an exclamation mark, if one is next."""
        if not (self.left() and self._words[self._at] == "!") or isinstance(self._words[self._at], _words.Quoted):
            return False
        self._at += 1
        return True

    def take_values(self) -> List[str]:
        """Returns the words up to the next option."""
        taken: List[str] = []
        while self.left():
            word = self._words[self._at]
            if not isinstance(word, _words.Quoted) and (word == "!" or (word[:1] == "-" and not word[1:2].isdigit())):
                break
            taken.append(word)
            self._at += 1
        return taken

    def put_back(self, word: str) -> None:
        """Makes a word the next one; it is a value, whatever it looks like."""
        self._words.insert(self._at, _words.Quoted(word))


def _protocol(words: RuleWords, negated: bool) -> Optional[Match]:
    word = words.take()
    number = _words.parse_protocol(word)
    if number == 0:
        return Match("protocol", ((0, 255),), negated=negated)
    return None if number is None else Match("protocol", ((number, number),), negated=negated)


def _addresses(words: RuleWords, field: MatchField, negated: bool) -> Optional[Match]:
    spans = _words.parse_networks(words.take(), words.family)
    return None if spans is None else Match(field, spans, negated=negated)


def _address_range(words: RuleWords, field: MatchField, negated: bool) -> Optional[Match]:
    span = _words.parse_address_range(words.take(), words.family)
    return None if span is None else Match(field, (span,), negated=negated)


def _names(words: RuleWords, field: MatchField, negated: bool) -> Optional[Match]:
    names = words.take().split(",")
    if field == "packet_type" or field.endswith("_type"):
        names = [name.upper() for name in names]
    return Match(field, names=tuple(sorted(names)), negated=negated)


def _interface(words: RuleWords, field: MatchField, negated: bool) -> Optional[Match]:
    return Match(field, names=(words.take(),), negated=negated)


def _ports(words: RuleWords, field: MatchField, negated: bool) -> Optional[Match]:
    spans = _words.parse_ports(words.take())
    return None if spans is None else Match(field, spans, negated=negated)


def _marks(words: RuleWords, negated: bool) -> Optional[Match]:
    field: MatchField = "connmark" if words.module == "connmark" else "mark"
    pair = _words.parse_value_and_mask(words.take())
    return None if pair is None else Match(field, argument=(pair[1], pair[0]), negated=negated)


def _tcp_flags(words: RuleWords, negated: bool) -> Optional[Match]:
    mask, value = _words.parse_tcp_flags(words.take()), _words.parse_tcp_flags(words.take())
    return None if mask is None or value is None else Match("tcp_flags", argument=(mask, value), negated=negated)


def _syn(words: RuleWords, negated: bool) -> Optional[Match]:
    return Match("tcp_flags", argument=(0x17, 0x02), negated=negated)  # FIN,SYN,RST,ACK SYN


def _icmp_type(words: RuleWords, negated: bool) -> Optional[Match]:
    parsed = _words.parse_icmp_type(words.take(), words.family)
    return None if parsed is None else Match("icmp_type", (parsed[0],), argument=parsed[1], negated=negated)


def _set(words: RuleWords, negated: bool) -> Optional[Match]:
    name, directions = words.take(), words.take().split(",")
    if directions[0] not in ("src", "dst"):
        return None
    field: MatchField = "source_set" if directions[0] == "src" else "destination_set"
    return Match(field, names=(name, *directions), negated=negated)


def _hops(words: RuleWords, relation: str, negated: bool) -> Optional[Match]:
    number = _words.parse_number(words.take())
    if number is None:
        return None
    spans = {"eq": (number, number), "lt": (0, number - 1), "gt": (number + 1, 255)}
    return Match("hop_limit", (spans[relation],), negated=negated)


def _date(words: RuleWords, end: str, negated: bool) -> Optional[Match]:
    """A rule that holds from a date on, or up to it; both ends are within (xt_time.c), the zone is UTC."""
    date = _words.parse_date(words.take())
    if date is None:
        return None
    span = (date, _LAST_DATE) if end == "start" else (0, date)
    known = () if words.now is None else ("holds" if span[0] <= words.now < span[1] + 1 else "ended",)
    return Match("time", (span,), known, negated=negated)


_Reader = Callable[[RuleWords, bool], Optional[Match]]
_Asked = TypeVar("_Asked", MatchField, str)  # what a reader is about: the field of a Match, a relation


def _of(read: Callable[[RuleWords, _Asked, bool], Optional[Match]], asked: _Asked) -> _Reader:
    return lambda words, negated: read(words, asked, negated)


CONDITIONS: Dict[str, _Reader] = {
    "-p": _protocol,
    "-s": _of(_addresses, "source"),
    "-d": _of(_addresses, "destination"),
    "-i": _of(_interface, "in_interface"),
    "-o": _of(_interface, "out_interface"),
    "-f": lambda _words_of_rule, negated: Match("fragment", negated=negated),
    "--dport": _of(_ports, "dport"),
    "--sport": _of(_ports, "sport"),
    "--dports": _of(_ports, "dport"),
    "--sports": _of(_ports, "sport"),
    "--ports": _of(_ports, "port"),
    "--syn": _syn,
    "--tcp-flags": _tcp_flags,
    "--state": _of(_names, "state"),
    "--ctstate": _of(_names, "state"),
    "--icmp-type": _icmp_type,
    "--icmpv6-type": _icmp_type,
    "--mark": _marks,
    "--src-type": _of(_names, "source_type"),
    "--dst-type": _of(_names, "destination_type"),
    "--pkt-type": _of(_names, "packet_type"),
    "--src-range": _of(_address_range, "source"),
    "--dst-range": _of(_address_range, "destination"),
    "--match-set": _set,
    "--ttl-eq": _of(_hops, "eq"),
    "--ttl-lt": _of(_hops, "lt"),
    "--ttl-gt": _of(_hops, "gt"),
    "--hl-eq": _of(_hops, "eq"),
    "--hl-lt": _of(_hops, "lt"),
    "--hl-gt": _of(_hops, "gt"),
    "--datestart": _of(_date, "start"),
    "--datestop": _of(_date, "stop"),
}


EXCEPTIONS = 1
"""The argument of a match with ``--return-nomatch``: it asks for the elements that do not match."""
