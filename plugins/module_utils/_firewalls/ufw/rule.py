# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses and renders one rule of ufw: its tuple in user.rules, and the rule of iptables that it stands for.

The forms are those that ufw 0.36 writes (UFWRule.format_rule and _write_rules in its sources).
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from typing import Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network

TUPLE = "### tuple ###"
ANYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
PROTOCOLS = ("tcp", "udp")
_HOOKS = {"in": "input", "out": "output"}


@dataclass(frozen=True)
class UfwRule:
    """A rule as ufw keeps it.

    ``action`` is allow, deny, reject or limit, with ``route:`` before it and ``_log`` or ``_log-all`` behind it where
    that is so. ``dport`` and ``sport`` are ``any`` or a list such as ``80,8000:8010``; ``dst`` and ``src`` addresses;
    ``dapp`` and ``sapp`` names of application profiles, spaces as ``%20``, ``-`` for none; ``where`` a direction and
    interfaces, such as ``in`` or ``in_eth0``; ``comment`` is in hexadecimal digits.
    """

    action: str
    protocol: str
    dport: str
    dst: str
    sport: str
    src: str
    dapp: str = "-"
    sapp: str = "-"
    where: str = "in"
    comment: str = ""

    @property
    def key(self) -> UfwRule:
        """What ufw tells rules apart by: of those that differ in action and comment alone it keeps one."""
        route = self.action.startswith("route:")
        return replace(self, action="route" if route else "", comment="", dport=_sorted(self.dport))

    @property
    def ports(self) -> Optional[Tuple[Tuple[int, int], ...]]:
        """The ports as low and high ends, None where it is about any port."""
        return None if self.dport == "any" else tuple(_span(word) for word in self.dport.split(","))

    def chain(self, family: int) -> str:
        """The chain that the rule goes to in iptables."""
        return user_chain(self.where.split("_", 1)[0], family)

    def text(self, family: int) -> str:
        """The lines of an accepting rule in user.rules, with the empty line before them."""
        profiles = () if self.dapp == self.sapp == "-" else (self.dapp, self.sapp)
        fields = (self.action, self.protocol, self.dport, self.dst, self.sport, self.src, *profiles, self.where)
        comment = f" comment={self.comment}" if self.comment else ""
        source = "" if self.src == ANYWHERE[family] else f" -s {self.src}"
        match = f"-p {self.protocol} {'-m multiport --dports' if self._is_list else '--dport'} {self.dport}{source}"
        return f"\n{TUPLE} {' '.join(fields)}{comment}\n-A {self.chain(family)} {match} -j ACCEPT\n"

    def live_line(self, family: int) -> str:
        """The rule of an accepting one as iptables-save prints it, once loaded."""
        bits = "" if "/" in self.src else {4: "/32", 6: "/128"}[family]
        source = "" if self.src == ANYWHERE[family] else f"-s {self.src}{bits} "
        port = f"-m multiport --dports {self.dport}" if self._is_list else f"-m {self.protocol} --dport {self.dport}"
        return f"-A {self.chain(family)} {source}-p {self.protocol} {port} -j ACCEPT"

    @property
    def _is_list(self) -> bool:
        return "," in self.dport or ":" in self.dport


def user_chain(direction: str, family: int) -> str:
    """The chain that holds the rules of an administrator; ``direction`` is in or out."""
    return f"ufw{'6' if family == 6 else ''}-user-{_HOOKS[direction]}"


def encode_comment(text: str) -> str:
    """Returns a comment the way that user.rules has it."""
    return text.encode("utf-8").hex()


def allow(ports: Sequence[PortRule], source: Optional[Network], direction: str, family: int, comment: str) -> UfwRule:
    """Returns the rule that accepts ports of one protocol from a network or from anyone.

    ufw takes as many ports in a rule as iptables' multiport: 15, a range counting twice.
    """
    dport = ",".join(f"{port.low}:{port.high}" if port.low < port.high else str(port.low) for port in ports)
    anywhere = ANYWHERE[family]
    src = _address(source) if source is not None and source.prefixlen else anywhere
    return UfwRule("allow", ports[0].protocol, dport, anywhere, "any", src, where=direction, comment=comment)


def parse_tuple(line: str) -> Optional[UfwRule]:
    """Returns the rule of a tuple's line, None for one that ufw skips as malformed."""
    words, _mark, comment = line[len(TUPLE) :].partition(" comment=")
    fields = words.split()
    if not 6 <= len(fields) <= 9:
        return None
    where = fields[-1] if len(fields) in (7, 9) else "in"
    profiles = fields[6:8] if len(fields) > 7 else ["-", "-"]
    action, protocol, dport, dst, sport, src = fields[:6]
    return UfwRule(action, protocol, dport, dst, sport, src, profiles[0], profiles[1], where, comment.strip())


def _address(network: Network) -> str:
    """As ufw writes it: a single address without its length, IPv6 as the C library prints it."""
    kind = socket.AF_INET if network.version == 4 else socket.AF_INET6
    address = socket.inet_ntop(kind, network.network_address.packed)
    return address if network.prefixlen == network.max_prefixlen else f"{address}/{network.prefixlen}"


def _span(word: str) -> Tuple[int, int]:
    low, _colon, high = word.partition(":")
    return int(low), int(high or low)


def _sorted(ports: str) -> str:
    return ",".join(sorted(ports.split(",")))
