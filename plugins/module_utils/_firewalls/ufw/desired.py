# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Computes the rules that a request wants in one of ufw's files, and where among the administrator's they go."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import (
    PROTOCOLS,
    UfwRule,
    allow,
    encode_comment,
    user_chain,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import (
    RuleBlock,
    UserRules,
    boundaries,
    put,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.first_packet import Opening, packet_of
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement, RulePosition
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.ports import chunk_ports, group_by_protocol


@dataclass(frozen=True)
class _Wanted:
    """A rule of ours before block ``index`` of the others', and the packets that it lets through."""

    index: int
    rule: UfwRule
    packets: Tuple[Packet, ...]


def is_ours(rule: Optional[UfwRule], request: PortsRequest) -> bool:
    """Tells whether a rule is of our set: it has our comment, and accepts as all of ours do."""
    return rule is not None and rule.action == "allow" and rule.comment == encode_comment(request.chain)


def without_set(have: UserRules, request: PortsRequest) -> UserRules:
    """Returns the file without our rules."""
    return have.with_blocks(block for block in have.blocks if not is_ours(block.rule, request))


def with_set(have: UserRules, request: PortsRequest, link: Link) -> UserRules:
    """Returns the file with our rules as the request wants them; those there that will do stay where they are.

    A rule that ufw could not tell from one of the administrator's is left out: ufw would keep one of the two alone.
    Raises HostError for a protocol that ufw has no ports of.
    """
    asked = _asked(request, have.family)
    others = [block for block in have.blocks if not _is_taken_over(block.rule, request, asked)]
    stripped = have.with_blocks(others)
    theirs = {block.rule.key for block in others if block.rule is not None}
    wanted = [one for one in _place(stripped, request, link) if one.rule.key not in theirs]
    return have.with_blocks(put(others, _settle(have, stripped, wanted, request)))


def _is_taken_over(rule: Optional[UfwRule], request: PortsRequest, asked: Sequence[UfwRule]) -> bool:
    """Whether a rule is ours, or is to become ours as it accepts what is asked for, or a part, and nothing else."""
    if is_ours(rule, request):
        return True
    if rule is None or not request.adopt or (rule.action, rule.sapp, rule.sport) != ("allow", "-", "any"):
        return False
    return any(_covers(one, rule) for one in asked if one.where == rule.where and one.protocol == rule.protocol)


def _covers(wide: UfwRule, narrow: UfwRule) -> bool:
    if (wide.src, wide.dst) != (narrow.src, narrow.dst) or wide.ports is None or narrow.ports is None:
        return False
    return all(any(low <= first and last <= high for low, high in wide.ports) for first, last in narrow.ports)


def _asked(request: PortsRequest, family: int) -> List[UfwRule]:
    """One rule for each protocol, source and direction, however many ports there are."""
    refused = [str(port) for port in request.ports if port.protocol not in PROTOCOLS]
    if refused:
        raise HostError("ufw knows ports of tcp and udp alone, so it cannot open {}".format(", ".join(refused)))
    comment = encode_comment(request.chain)
    return [
        allow(ports, source, direction, family, comment)
        for direction in request.directions
        for source in _sources(request, family)
        for ports in group_by_protocol(request.ports)
    ]


def _sources(request: PortsRequest, family: int) -> Sequence[Optional[Network]]:
    sources = request.sources(family)
    return () if sources is None else sources or (None,)


def _place(stripped: UserRules, request: PortsRequest, link: Link) -> List[_Wanted]:
    """Places each port as a stranger's packet would meet the rules; ports of one place share rules."""
    comment = encode_comment(request.chain)
    wanted: List[_Wanted] = []
    for direction in request.directions:
        route = _Route(stripped, direction)
        for source in _sources(request, stripped.family):
            for ports in group_by_protocol(request.ports):
                groups: Dict[int, List[PortRule]] = {}
                for port in ports:
                    index = route.find(packet_of(Opening(port, source, None, direction), link), request.position)
                    groups.setdefault(index, []).append(port)
                for index, members in groups.items():
                    for chunk in chunk_ports(members):
                        packets = tuple(packet_of(Opening(port, source, None, direction), link) for port in chunk)
                        rule = allow(chunk, source, direction, stripped.family, comment)
                        wanted.append(_Wanted(index, rule, packets))
    return wanted


class _Route:
    """The rules that connections of one direction meet, as places between the blocks of the file."""

    def __init__(self, stripped: UserRules, direction: str) -> None:
        self.chain = user_chain(direction, stripped.family)
        self._counts = boundaries(stripped.blocks, self.chain)
        self._table = _based(stripped.table(), self.chain, direction)
        self._placement = Placement(self._table, self.chain)

    def find(self, packet: Packet, position: str) -> int:
        """The block before which a rule for such packets goes; behind the last block where no rule is in its way."""
        if position == "first":
            return 0
        if position == "last":
            return len(self._counts) - 1
        place = self._placement.find(packet, position)
        while place.chain != self.chain:
            place = self._caller(place.chain)
        if place.index == self._counts[-1]:
            return len(self._counts) - 1
        return max(index for index, count in enumerate(self._counts) if count <= place.index)

    def may_stay(self, have: int, want: int, packets: Sequence[Packet]) -> bool:
        """Tells whether a rule before one block does what it would do before the other."""
        there, wanted = (RulePosition(self.chain, self._counts[index]) for index in (have, want))
        return self._placement.may_stay(there, wanted, packets)

    def _caller(self, target: str) -> RulePosition:
        """The one rule that leads to a chain: placement enters no chain with another way in."""
        return next(
            RulePosition(chain.name, index)
            for chain in self._table.chains
            for index, rule in enumerate(chain.rules)
            if rule.target == target
        )


def _based(table: Table, base: str, direction: str) -> Table:
    """The table as if connections came to the chain at once; what ufw has before it is no place for rules of users."""
    hook = {"in": "input", "out": "output"}[direction]
    return replace(
        table,
        chains=tuple(replace(chain, hook=hook) if chain.name == base else chain for chain in table.chains),
    )


def _settle(
    have: UserRules, stripped: UserRules, wanted: Sequence[_Wanted], request: PortsRequest
) -> Dict[int, List[RuleBlock]]:
    """Our blocks by the index of the others' block that they precede; one that is there and will do stays."""
    there = _find_ours(have, request)
    routes = {user_chain(direction, have.family): _Route(stripped, direction) for direction in request.directions}
    kept: List[Tuple[int, int, RuleBlock]] = []
    for number, one in enumerate(wanted):
        block = RuleBlock(one.rule.text(have.family), one.rule)
        order, index = len(there) + number, one.index
        for before, (place, old) in enumerate(there):
            same = old is not None and old.key == one.rule.key
            if same and routes[one.rule.chain(have.family)].may_stay(place, one.index, one.packets):
                there[before] = (place, None)
                order, index = before, place
                break
        kept.append((index, order, block))
    ours: Dict[int, List[RuleBlock]] = {}
    for index, _order, block in sorted(kept, key=lambda entry: entry[:2]):
        ours.setdefault(index, []).append(block)
    return ours


def _find_ours(have: UserRules, request: PortsRequest) -> List[Tuple[int, Optional[UfwRule]]]:
    """Our rules, and those to take over, each with the index of the others' block that it precedes."""
    asked = _asked(request, have.family)
    found: List[Tuple[int, Optional[UfwRule]]] = []
    others = 0
    for block in have.blocks:
        if _is_taken_over(block.rule, request, asked):
            found.append((others, block.rule))
        else:
            others += 1
    return found
