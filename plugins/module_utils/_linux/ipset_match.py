# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Binds matches on ipsets to the sets' contents, which then mean the same as sets of nft.

Lookups are those of net/netfilter/ipset/ip_set_core.c, ip_set_test, and of each type's kadt function there.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Callable, Dict, FrozenSet, Iterable, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import HAS_SET_PORTS, ICMP, ICMPV6
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    Chain,
    Effect,
    Match,
    MatchField,
    Rule,
    Ruleset,
    Span,
    Table,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.ipset import LIST, IpSet, Row, read_contents
from ansible_collections.port443.https.plugins.module_utils._xtables.matches import EXCEPTIONS

_FIELDS: FrozenSet[MatchField] = frozenset(("source_set", "destination_set"))
_VERSIONS = {"ip": 4, "ip6": 6}
_ENDS: Dict[bool, Tuple[MatchField, MatchField, MatchField]] = {
    True: ("source", "sport", "in_interface"),
    False: ("destination", "dport", "out_interface"),
}
_Rows = Tuple[Tuple[Match, ...], ...]

Read = Callable[[FrozenSet[str]], Mapping[str, IpSet]]
"""Returns those of the named sets that can be read, and the sets within them."""


def bind_sets(ruleset: Ruleset, read: Read) -> Tuple[Ruleset, Mapping[str, IpSet]]:
    """Returns a ruleset whose rules know what is in the sets that they name, and these sets.

    Only the sets that a rule of iptables names are read. A set that cannot be read stays a name, of which nothing is
    known.
    """
    names = frozenset(
        name
        for table in ruleset
        if table.family in _VERSIONS and table.frontend != "nft"
        for chain in table.chains
        for rule in chain.rules
        if _may_name_set(rule)
        for name in _names_in(rule)
    )
    if not names:
        return ruleset, {}
    sets = read(names)
    return bind(ruleset, sets), sets


def bind(ruleset: Ruleset, sets: Mapping[str, IpSet]) -> Ruleset:
    """Returns a ruleset whose rules know what is in those sets."""
    return tuple(bind_table(table, sets) for table in ruleset) if sets else ruleset


def bind_table(table: Table, sets: Mapping[str, IpSet]) -> Table:
    """Returns a table whose rules know what is in those sets; the same one where no rule names a set."""
    if table.frontend == "nft" or not sets:
        return table
    chains = tuple(_bind_chain(chain, sets, _VERSIONS.get(table.family, 0)) for chain in table.chains)
    return table if all(one is other for one, other in zip(chains, table.chains)) else replace(table, chains=chains)


def _may_name_set(rule: Rule) -> bool:
    return "-set " in rule.text  # --match-set, --add-set, --del-set: nearly all rules of a big ruleset have none


def _names_in(rule: Rule) -> Iterable[str]:
    yield from (match.names[0] for match in rule.matches if match.field in _FIELDS)
    yield from (effect.name for effect in rule.effects if effect.kind == "add_to_set")


def _bind_chain(chain: Chain, sets: Mapping[str, IpSet], version: int) -> Chain:
    if not any(_may_name_set(rule) for rule in chain.rules):
        return chain
    return replace(chain, rules=tuple(_bind_rule(rule, sets, version) for rule in chain.rules))


def _bind_rule(rule: Rule, sets: Mapping[str, IpSet], version: int) -> Rule:
    if not _may_name_set(rule):
        return rule
    matches = tuple(_bind_match(match, sets, version) if match.field in _FIELDS else match for match in rule.matches)
    return replace(rule, matches=matches, effects=tuple(_with_members(rule.effects, sets)))


def _with_members(effects: Sequence[Effect], sets: Mapping[str, IpSet]) -> Iterable[Effect]:
    """What is added to a list comes into one of the sets within (ip_set_list_set.c)."""
    for effect in effects:
        yield effect
        if effect.kind == "add_to_set" and effect.name in sets:
            yield from (replace(effect, name=name) for name in sets[effect.name].members)


def _bind_match(match: Match, sets: Mapping[str, IpSet], version: int) -> Match:
    """The condition by the contents of the set, or as it was where one of the sets is not understood."""
    name, *directions = match.names
    have = sets.get(name)
    within = [sets.get(member) for member in have.members] if have and have.kind == LIST else [have]
    known = [one for one in within if one is not None and not one.scattered]
    if len(known) < len(within):
        return match
    asked = (tuple(directions), match.argument == (EXCEPTIONS,), version)
    bound = _ask(tuple(known), *asked)
    names = (name, *(one.name for one in known if one.name != name))
    return replace(bound, names=names, negated=match.negated)


# The same few questions stand in many rules.
@lru_cache(maxsize=64)
def _ask(sets: Tuple[IpSet, ...], directions: Tuple[str, ...], exceptions: bool, version: int) -> Match:
    """The condition that a packet is in one of the sets, whatever their types."""
    rows: List[Tuple[Match, ...]] = []
    plain: Dict[MatchField, List[Span]] = {}
    for have in sets:
        for row in _rows_of(have, directions, exceptions, version):
            if len(row) == 1 and row[0].field in ("source", "destination"):
                plain.setdefault(row[0].field, []).extend(row[0].spans)
            else:
                rows.append(row)
    addresses = [Match(field, merge_spans(spans)) for field, spans in plain.items()]
    if len(addresses) == 1 and not rows:
        return addresses[0]
    never = Match(_ENDS[directions[0] == "src"][0], ())  # an empty set is a set about somebody, too
    return Match("either", rows=(*((one,) for one in addresses), *rows) or ((never,),))


def _rows_of(have: IpSet, directions: Tuple[str, ...], exceptions: bool, version: int) -> _Rows:
    """What one set asks; one of the other IP version, or of more dimensions than the rule names, holds nobody."""
    if (have.family and have.family != version) or len(directions) < len(have.dimensions):
        return ((Match(_ENDS[directions[0] == "src"][0], ()),),)
    contents = read_contents(have)
    exceptions = exceptions and "net" in have.dimensions  # else the kernel does not mind the option
    listed = contents.excepted if exceptions else contents.rows
    if not listed:
        return (tuple(_nothing(have, directions)),)
    unknown = () if contents.exact else (Match("unknown", names=(have.kind,)),)
    return tuple((*asked, *unknown) for row in listed for asked in _ask_for(have, row, directions))


def _nothing(have: IpSet, directions: Sequence[str]) -> Iterable[Match]:
    """What an empty set asks for, for those who want to know what a rule is about."""
    for dimension, direction in zip(have.dimensions, directions):
        address, port, _interface = _ENDS[direction == "src"]
        yield Match({"port": port}.get(dimension, address), ())


def _ask_for(have: IpSet, row: Row, directions: Sequence[str]) -> _Rows:
    """The conditions that a packet is in a row; of ports, those of ICMP are types and codes."""
    rows: _Rows = ((),)
    values = iter(row)
    for dimension, direction in zip(have.dimensions, directions):
        address, port, interface = _ENDS[direction == "src"]
        value = next(values)
        if dimension == "port":
            ports = _ports(value, port, next(values))
            rows = tuple((*before, *asked) for before in rows for asked in ports)
            continue
        if dimension in ("ip", "net"):
            asked = Match(address, value)
        elif dimension == "iface" and value != ("",):
            asked = Match(interface, names=value)
        elif dimension == "mark":
            asked = Match("mark", argument=(have.mark_mask, value[0]))
        else:
            asked = Match("unknown", names=(dimension,))
        rows = tuple((*before, asked) for before in rows)
    return rows


def _ports(protocols: Tuple[Span, ...], field: MatchField, ports: Tuple[Span, ...]) -> _Rows:
    """What ip_set_getport.c takes for a port: of ICMP type and code, of protocols that have none 0."""
    protocol = Match("protocol", protocols)
    number = protocols[0][0]
    if number in (ICMP, ICMPV6):
        kinds = [(kind, low, high) for low, high in ports for kind in range(low >> 8, (high >> 8) + 1)]
        return tuple(
            (
                protocol,
                Match(
                    "icmp_type",
                    ((kind, kind),),
                    argument=(max(low, kind << 8) & 255, min(high, kind << 8 | 255) & 255),
                ),
            )
            for kind, low, high in kinds
        )
    if number in HAS_SET_PORTS:
        return ((protocol, Match(field, ports)),)
    return ((protocol,),) if any(low == 0 for low, _high in ports) else ((Match("protocol", ()),),)
