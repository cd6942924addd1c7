# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges the ports of a request: open, blocked or depends for each IP version, and the rule that decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import WORSE, Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import UNLISTED_SOURCE, Addresses
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import ConnectionJudge
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest

FAMILY_NAMES = {4: "ipv4", 6: "ipv6"}


@dataclass(frozen=True)
class PortVerdict:
    """One line of the answer."""

    port: str
    protocol: str
    family: str
    direction: str
    verdict: str
    because: str

    @property
    def key(self) -> Tuple[str, str, str, str]:
        """What the line is about."""
        return self.port, self.protocol, self.family, self.direction

    @property
    def title(self) -> str:
        """What the line is about, for a sentence."""
        version = "IPv4" if self.family == "ipv4" else "IPv6"
        return "{}{}/{} over {}".format("outgoing " * (self.direction == "out"), self.port, self.protocol, version)

    def as_result(self) -> Dict[str, str]:
        """The line as a module returns it."""
        return dict(self.__dict__)


@dataclass(frozen=True)
class PortQuery:
    """What one line is asked about: ``ways`` are the sources (None: anybody) and interfaces to look at."""

    direction: str
    link: Link
    port: PortRule
    ways: Tuple[Tuple[Optional[Network], Optional[str]], ...]

    def answered(self, verdict: str, because: str) -> PortVerdict:
        """Returns the line with its answer."""
        number, family = str(self.port).split("/", 1)[0], FAMILY_NAMES[self.link.family]
        return PortVerdict(number, self.port.protocol, family, self.direction, verdict, because)


def judge(ruleset: Ruleset, links: Sequence[Link], request: PortsRequest) -> List[PortVerdict]:
    """Returns a line for each direction, IP version and port: the worst over the request's sources and interfaces."""
    return list(_judge_all(_Asked(ruleset, tuple(links), request)))


@dataclass(frozen=True)
class _Asked:
    """All that a verdict depends on, compared whole and hashed by its size, as a host may have 10,000 rules."""

    ruleset: Ruleset
    links: Tuple[Link, ...]
    request: PortsRequest

    def __hash__(self) -> int:
        return hash((len(self.ruleset), self.links, self.request))


# What is planned, what came of it and, mostly, what the rehearsal loads are the same rules: the last answers are kept.
@lru_cache(maxsize=2)
def _judge_all(asked: _Asked) -> Tuple[PortVerdict, ...]:
    return tuple(line for line, _answer in explain(asked.ruleset, asked.links, asked.request))


def explain(ruleset: Ruleset, links: Sequence[Link], request: PortsRequest) -> Iterator[Tuple[PortVerdict, Verdict]]:
    """Yields the lines of ``judge``, each with where the rule that decides stands."""
    verdicts = ConnectionJudge(ruleset)
    for asked in ask(links, request):
        answers = [
            _without_way_back(asked, source, interface, verdicts.answer(_question(asked, source, interface)))
            for source, interface in asked.ways
        ]
        answer = max(answers, key=lambda one: WORSE.index(one.verdict))
        yield asked.answered(answer.verdict, answer.because + _silence(asked, answer)), answer


def _without_way_back(
    asked: PortQuery, source: Optional[Network], interface: Optional[str], answer: Verdict
) -> Verdict:
    """What no rule blocks, the kernel drops before the rules where the way back to strangers leads elsewhere."""
    reason = dict(asked.link.one_way).get(interface or "")
    stranger = source is None or not source.prefixlen
    if reason is None or not stranger or asked.direction == "out" or answer.verdict == "blocked":
        return answer
    return Verdict("blocked", reason)


def _silence(asked: PortQuery, answer: Verdict) -> str:
    """Says that nobody listens at any port to which NAT may send who comes."""
    listeners = asked.link.listeners
    if not answer.arrives or listeners is None or answer.verdict == "blocked":
        return ""
    number = PROTOCOL_NUMBERS[asked.port.protocol]
    ports = {port for protocol, port in listeners if protocol == number}
    heard = any(low <= port <= high for low, high in answer.arrives for port in ports)
    return "" if heard else " (listening: no)"


def ask(links: Sequence[Link], request: PortsRequest) -> Iterator[PortQuery]:
    """Yields what a request asks, in the order of the lines of its answer, for the IP versions that are there."""
    for direction in request.directions:
        for link in links:
            sources = request.sources(link.family)
            if not link.exists or sources is None:
                continue
            interfaces = request.interface or (link.interface,)
            ways = tuple((source, interface) for source in sources or (None,) for interface in interfaces)
            for port in request.ports:
                yield PortQuery(direction, link, port, ways)


def _question(asked: PortQuery, source: Optional[Network], interface: Optional[str]) -> ConnectionQuery:
    link, port = asked.link, asked.port
    who: Addresses = UNLISTED_SOURCE
    if source is not None and source.prefixlen:
        who = ((int(source.network_address), int(source.broadcast_address)),)
    return ConnectionQuery(
        family=link.family,
        protocol=PROTOCOL_NUMBERS[port.protocol],
        port=(port.low, port.high),
        source=who,
        interface=interface,
        addresses=link.addresses or None,
        gateway=link.gateway,
        bridge=interface not in link.plain,
        neighbours=interface not in link.direct,
        direction=asked.direction,
        layered=interface in link.layered,
    )
