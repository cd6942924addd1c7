# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the source or destination of a rule of pf: an address with its ports."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span
from ansible_collections.port443.https.plugins.module_utils._pf.rule import Peer
from ansible_collections.port443.https.plugins.module_utils._pf.words import PfWords
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

_LAST = 65535
_TABLE = re.compile(r"<([^:>]+)(?::[0-9*]+)?>")
_OPERATORS = frozenset(("=", "!=", "<", "<=", ">", ">="))


def parse_peer(words: PfWords, protocol: str) -> Peer:
    """Returns what stands after ``from`` or ``to``; ``protocol`` is the one whose service names ports have.

    FreeBSD and macOS print ports that have a name by that name, OpenBSD prints numbers.
    """
    negated = words.peek() == "!"
    if negated:
        words.take()
    kind, network, name = parse_address(words.take())
    if words.peek() in ("-", "&", "/"):  # a range of addresses, or a mask that is no prefix
        kind, network, name = "unknown", None, " ".join((words.take(), words.take()))
    if name == "route":
        words.take()
    try:
        return Peer(kind, network, name, negated, _parse_ports(words, protocol))
    except OSError:  # a service that this host has no name for any more
        return Peer("unknown", None, "a port of unknown name", negated)


def parse_address(word: str) -> Tuple[str, Optional[Network], str]:
    """Returns kind, network and name of an address as Peer has them."""
    if word == "any":
        return "any", None, ""
    table = _TABLE.fullmatch(word)
    if table:
        return "table", None, table.group(1)
    if word in ("no-route", "urpf-failed"):
        return "routing", None, word
    if word.startswith("("):
        return "interface", None, word.strip("()")
    try:
        return "network", ipaddress.ip_network(word.partition("%")[0], strict=False), ""
    except ValueError:
        return "unknown", None, word


def _parse_ports(words: PfWords, protocol: str) -> Optional[Tuple[Span, ...]]:
    """The spans of ``port = 443``, ``port 1024:2048``, ``port 1 >< 5``; None where no port is asked about."""
    if words.peek() != "port":
        return None
    words.take()
    first = words.take()
    if first in _OPERATORS:
        return _compare(first, _number(words.take(), protocol))
    if ":" in first:
        low, _colon, high = first.partition(":")
        return ((_number(low, protocol), _number(high, protocol)),)
    if words.peek() in ("><", "<>"):
        inside = words.take() == "><"
        low_number, high_number = _number(first, protocol), _number(words.take(), protocol)
        if inside:
            return ((low_number + 1, high_number - 1),)
        return ((0, low_number - 1), (high_number + 1, _LAST))
    number = _number(first, protocol)
    return ((number, number),)


def _compare(operator: str, number: int) -> Tuple[Span, ...]:
    spans = {
        "=": ((number, number),),
        "!=": ((0, number - 1), (number + 1, _LAST)),
        "<": ((0, number - 1),),
        "<=": ((0, number),),
        ">": ((number + 1, _LAST),),
        ">=": ((number, _LAST),),
    }
    return tuple(span for span in spans[operator] if span[0] <= span[1])


def _number(word: str, protocol: str) -> int:
    return int(word) if word.isdigit() else socket.getservbyname(word, protocol)
