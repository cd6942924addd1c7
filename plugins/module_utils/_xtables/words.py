# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tokenises rules of iptables, and parses their addresses, numbers and names."""

from __future__ import annotations

import calendar
import ipaddress
import re
import time
from functools import lru_cache
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span

# The names that iptables-save prints (its own list and /etc/protocols), numbers from the IANA protocol registry.
PROTOCOLS = {
    "all": 0,
    "icmp": 1,
    "igmp": 2,
    "ipencap": 4,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "igp": 9,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ipsec-esp": 50,
    "ah": 51,
    "ipsec-ah": 51,
    "ipv6-icmp": 58,
    "icmpv6": 58,
    "icmp6": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "etherip": 97,
    "pim": 103,
    "ipcomp": 108,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": 132,
    "mobility-header": 135,
    "ipv6-mh": 135,
    "udplite": 136,
    "mptcp": 262,
}
# Hand-written rules files name ports; iptables-save prints numbers.
_PORTS = {
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "http": 80,
    "www": 80,
    "pop3": 110,
    "ntp": 123,
    "imap": 143,
    "imap2": 143,
    "https": 443,
    "submission": 587,
    "imaps": 993,
    "pop3s": 995,
    "mysql": 3306,
    "postgresql": 5432,
    "http-alt": 8080,
}
_TCP_FLAGS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ALL": 63, "NONE": 0}
_ICMP = {
    "ip": {"echo-reply": 0, "pong": 0, "destination-unreachable": 3, "echo-request": 8, "ping": 8, "time-exceeded": 11},
    "ip6": {
        "destination-unreachable": 1,
        "packet-too-big": 2,
        "time-exceeded": 3,
        "ttl-exceeded": 3,
        "parameter-problem": 4,
        "echo-request": 128,
        "ping": 128,
        "echo-reply": 129,
        "pong": 129,
        "router-solicitation": 133,
        "router-advertisement": 134,
        "neighbour-solicitation": 135,
        "neighbor-solicitation": 135,
        "neighbour-advertisement": 136,
        "neighbor-advertisement": 136,
        "redirect": 137,
    },
}
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+)', re.DOTALL)


class Quoted(str):
    """A word that stood in quotes: a value, whatever it looks like."""

    __slots__ = ()


def tokenise(line: str) -> List[str]:
    """Splits a line as iptables-restore does: blanks part words, double quotes keep them, a backslash escapes."""
    if '"' not in line and "'" not in line and "\\" not in line:
        return line.split()
    words: List[str] = []
    for match in _TOKEN.finditer(line):
        bare = match.group(3)
        if bare is not None:
            words.append(re.sub(r"\\(.)", r"\1", bare))
        elif match.group(2) is not None:
            words.append(Quoted(match.group(2)))
        else:
            words.append(Quoted(re.sub(r"\\(.)", r"\1", match.group(1), flags=re.DOTALL)))
    return words


def parse_date(word: str) -> Optional[int]:
    """Returns a date such as ``2026-11-22T21:00:00``, its end optional, as seconds of the epoch."""
    for form in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"):
        try:
            return calendar.timegm(time.strptime(word, form))
        except ValueError:
            continue
    return None


def render_date(seconds: int) -> str:
    """Returns seconds of the epoch as a date of iptables."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def parse_protocol(word: str) -> Optional[int]:
    """Returns a protocol's number, or None for a name that is not known here."""
    return int(word) if word.isdigit() else PROTOCOLS.get(word.lower())


def parse_port(word: str) -> Optional[int]:
    """Returns a port's number, or None for a service that is not known here."""
    return int(word) if word.isdigit() else _PORTS.get(word)


@lru_cache(maxsize=4096)
def parse_ports(word: str) -> Optional[Tuple[Span, ...]]:
    """Returns ``80,443,8000:8010,1024:`` as rising spans, or None if a part is not understood."""
    spans: List[Span] = []
    for part in word.split(","):
        low_word, colon, high_word = part.partition(":")
        low = parse_port(low_word) if low_word or not colon else 0
        high = (parse_port(high_word) if high_word else 65535) if colon else low
        if low is None or high is None or low > high:
            return None
        spans.append((low, high))
    return _merge(spans)


def _merge(spans: List[Span]) -> Tuple[Span, ...]:
    """Sorts spans and joins those that touch, so that equal sets of ports are equal values."""
    merged: List[Span] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def parse_networks(word: str, family: str) -> Optional[Tuple[Span, ...]]:
    """Returns ``10.0.0.0/8,192.0.2.1`` as spans of integers, or None for names and masks with holes."""
    spans = []
    for part in word.split(","):
        span = _parse_network(part, family)
        if span is None:
            return None
        spans.append(span)
    return tuple(spans)


def _parse_network(word: str, family: str) -> Optional[Span]:
    address_word, _slash, mask_word = word.partition("/")
    address = parse_address(address_word, family)
    if address is None:
        return None
    width = 128 if family == "ip6" else 32
    hosts = _host_mask(mask_word, width) if mask_word else 0
    return None if hosts is None else (address & ~hosts, address | hosts)


def _host_mask(word: str, width: int) -> Optional[int]:
    """The bits of a mask that are free, as an integer 2^n - 1; None where the mask has holes."""
    if word.isdigit():
        return (1 << (width - int(word))) - 1 if int(word) <= width else None
    mask = parse_address(word, "ip6" if width == 128 else "ip")
    if mask is None:
        return None
    hosts = mask ^ ((1 << width) - 1)
    return hosts if hosts & (hosts + 1) == 0 else None


def parse_address(word: str, family: str) -> Optional[int]:
    """Returns an address as an integer, or None if the word is none."""
    try:
        return int(ipaddress.IPv6Address(word) if family == "ip6" else ipaddress.IPv4Address(word))
    except ValueError:
        return None


def parse_address_range(word: str, family: str) -> Optional[Span]:
    """Returns ``192.0.2.1-192.0.2.9`` as a span."""
    low_word, dash, high_word = word.partition("-")
    low = parse_address(low_word, family)
    high = parse_address(high_word, family) if dash else low
    return None if low is None or high is None or low > high else (low, high)


def parse_number(word: str) -> Optional[int]:
    """Returns a number written in decimal, octal or hexadecimal as C reads it, or None."""
    try:
        return int(word, 8) if len(word) > 1 and word[0] == "0" and word.isdigit() else int(word, 0)
    except ValueError:
        return None


def parse_value_and_mask(word: str) -> Optional[Tuple[int, int]]:
    """Returns ``0x1/0xff`` as (value, mask); the mask is all 32 bits where none is given."""
    value_word, slash, mask_word = word.partition("/")
    value, mask = parse_number(value_word), parse_number(mask_word) if slash else 0xFFFFFFFF
    return None if value is None or mask is None else (value, mask)


def parse_tcp_flags(word: str) -> Optional[int]:
    """Returns ``SYN,ACK`` as the bits of the TCP header."""
    flags = 0
    for name in word.upper().split(","):
        if name not in _TCP_FLAGS:
            return None
        flags |= _TCP_FLAGS[name]
    return flags


def parse_icmp_type(word: str, family: str) -> Optional[Tuple[Span, Tuple[int, ...]]]:
    """Returns ``8``, ``3/4``, ``echo-request`` or ``any`` as the type's span and the code's span (empty for any)."""
    if word == "any" or (word == "255" and family == "ip"):  # extensions/libipt_icmp.c prints type 255 as any
        return (0, 255), ()
    type_word, slash, code_word = word.partition("/")
    number = int(type_word) if type_word.isdigit() else _ICMP[family].get(type_word)
    if number is None or (slash and not code_word.isdigit()):
        return None
    return (number, number), (int(code_word), int(code_word)) if slash else ()
