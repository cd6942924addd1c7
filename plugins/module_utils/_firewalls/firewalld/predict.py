# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Predicts the ruleset that firewalld makes of a change, so that check mode judges what a real run leaves."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import ZONE, Place
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import ZoneItem
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PROTOCOL_NUMBERS, PortRule

_FAMILIES = {4: ("ip", "inet"), 6: ("ip6", "inet")}
_ETHERTYPES = {4: 0x0800, 6: 0x86DD}  # include/uapi/linux/if_ether.h


def predict(ruleset: Ruleset, added: Sequence[Tuple[Place, ZoneItem]], ports: Sequence[PortRule]) -> Ruleset:
    """Returns the ruleset with what is added to zones and policies; ``ports`` are those of the set's service.

    firewalld appends to the chain of what a zone allows, or to the one for rich rules with a positive priority. Zones
    that nothing arrives in have no chains, and nothing is added for them.
    """
    wanted: Dict[str, List[Tuple[ZoneItem, PortRule]]] = {}
    for place, item in added:
        opened = ports if item.service else [item.port] if item.port else []
        for name in _chains_of(place, item):
            wanted.setdefault(name, []).extend((item, port) for port in opened)
    return tuple(_predict_table(table, wanted) for table in ruleset)


def _chains_of(place: Place, item: ZoneItem) -> Tuple[str, str]:
    """The chain's name with FirewallBackend nftables, and with iptables."""
    kind, name = place
    stem = f"IN_{name}" if kind == ZONE else f"OUT_policy_{name}"
    ending = "post" if item.priority > 0 else "allow"
    return f"filter_{stem}_{ending}", f"{stem}_{ending}"


def _predict_table(table: Table, wanted: Dict[str, List[Tuple[ZoneItem, PortRule]]]) -> Table:
    if table.name not in ("firewalld", "filter"):
        return table
    model = _model(table)
    chains = tuple(_predict_chain(table, chain, wanted.get(chain.name, []), model) for chain in table.chains)
    return replace(table, chains=chains) if chains != table.chains else table


def _model(table: Table) -> Tuple[Match, ...]:
    """What each accepting rule asks of the connection's state: firewalld 0.9 lets in new ones, later versions any."""
    for chain in table.chains:
        for rule in chain.rules:
            if rule.verdict == "accept" and any(match.field == "dport" for match in rule.matches):
                return tuple(match for match in rule.matches if match.field == "state")
    return ()


def _predict_chain(
    table: Table, chain: Chain, opened: List[Tuple[ZoneItem, PortRule]], model: Tuple[Match, ...]
) -> Chain:
    rules = tuple(
        _rule(table, chain, item, port, model)
        for item, port in opened
        if item.source is None or table.family in _FAMILIES[item.source.version]
    )
    return replace(chain, rules=chain.rules + rules) if rules else chain


def _rule(table: Table, chain: Chain, item: ZoneItem, port: PortRule, model: Tuple[Match, ...]) -> Rule:
    number = PROTOCOL_NUMBERS[port.protocol]
    matches = [Match("protocol", ((number, number),)), Match("dport", ((port.low, port.high),))]
    if item.source is not None:
        version, low, high = item.source.version, item.source.network_address, item.source.broadcast_address
        kind = _ETHERTYPES[version]
        family = [Match("ethertype", ((kind, kind),))] if table.family == "inet" else []
        matches = [*family, Match("source", ((int(low), int(high)),)), *matches]
    return Rule((*matches, *model), "accept", text=_text(table, chain, item, port, bool(model)))


def _text(table: Table, chain: Chain, item: ZoneItem, port: PortRule, new: bool) -> str:
    """The rule as nft or iptables-save will print it."""
    low_and_high = str(port).split("/", 1)[0]
    if table.frontend == "nft":
        family = "" if item.source is None else "ip" if item.source.version == 4 else "ip6"
        source = f"{family} saddr {item.source} " if family else ""
        state = "ct state { new, untracked } " if new else ""
        return f"{source}{port.protocol} dport {low_and_high} {state}accept"
    source = f"-s {item.source} " if item.source is not None else ""
    ports = low_and_high.replace("-", ":")
    state = "-m conntrack --ctstate NEW,UNTRACKED " if new else ""
    return f"-A {chain.name} {source}-p {port.protocol} -m {port.protocol} --dport {ports} {state}-j ACCEPT"
