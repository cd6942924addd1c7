# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connection tracking: which state a packet gets, and what is known of it on its way through the hooks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, Iterable, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.chain import Path
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import MATCH_FIELDS
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    EffectKind,
    Rule,
    Span,
    Table,
)

# include/uapi/linux/netfilter_ipv4.h, NF_IP_PRI_CONNTRACK; the same for IPv6.
CONNTRACK = -200
_TRACKING = frozenset(field for field, known in MATCH_FIELDS.items() if known.tracks)
_OF_CONNECTIONS: FrozenSet[EffectKind] = frozenset(("connmark", "save_mark", "restore_mark"))
_MAY_TRACK = ("ct ", "conn", "helper", "cluster", "ipvs", "match")


@dataclass(frozen=True)
class Decision:
    """The rule or policy that decided, and the table it stands in."""

    table: Table
    path: Path


@dataclass(frozen=True)
class Flow:
    """A packet on its way.

    ``uncertain_at`` is the first rule that was only assumed to match, ``accepted`` the rule or policy that let it in,
    ``dnat`` the rule by which NAT sent it to another port.
    """

    packet: Packet
    uncertain_at: Optional[Decision] = None
    accepted: Optional[Decision] = None
    dnat: Optional[Decision] = None


@dataclass(frozen=True)
class Stop:
    """The end of a packet: blocked, or sent ``elsewhere`` (an address and port that are not the host's).

    ``dnat`` is the rule by which NAT had sent it to another port.
    """

    decision: Decision
    uncertain_at: Optional[Decision]
    elsewhere: str = ""
    dnat: Optional[Decision] = None


@dataclass(frozen=True)
class Traversal:
    """What comes of a packet on some part of its way: those that ``passed`` it, and the ``stops`` of the others."""

    passed: Sequence[Flow]
    stops: Sequence[Stop] = ()


@dataclass(frozen=True)
class ConntrackState:
    """What connection tracking and NAT do to a packet.

    ``state`` are the states it may get; ``first`` marks a first packet, which NAT rules may still send elsewhere;
    ``mapped`` is what NAT made of the first packet of its connection, ``sent`` that packet as it came, where what is
    tracked is an answer to it; ``addresses`` are the host's own. ``outward`` tells that the connection is one of the
    host's programs to another host.
    """

    state: Tuple[str, ...]
    first: bool = False
    mapped: Optional[Packet] = None
    addresses: Optional[Tuple[Span, ...]] = None
    outward: bool = False
    sent: Optional[Packet] = None


def before_conntrack(packet: Packet) -> Packet:
    """Returns the packet before connection tracking: ``--ctstate INVALID`` matches it (xt_conntrack.c)."""
    return replace(packet, state=("INVALID",), template=False)


def apply_conntrack(packet: Packet, tracking: ConntrackState) -> Packet:
    """Returns the packet with the state that connection tracking gives it."""
    packet = replace(packet, template=False)
    if "UNTRACKED" not in packet.state:
        return replace(packet, state=tracking.state)
    if len(packet.state) == 1:
        return packet
    return replace(packet, state=tuple(sorted({*tracking.state, "UNTRACKED"})))


def merged(flows: Iterable[Flow]) -> List[Flow]:
    """Returns each packet once; the flow that is certain stays."""
    kept: Dict[Packet, Flow] = {}
    for flow in flows:
        have = kept.get(flow.packet)
        if have is None or (have.uncertain_at and not flow.uncertain_at):
            kept[flow.packet] = flow
    return list(kept.values())


def all_rules(table: Table) -> Iterable[Rule]:
    """Yields the rules of all chains of a table."""
    return (rule for chain in table.chains for rule in chain.rules)


def has_tracking(tables: Sequence[Table]) -> Optional[bool]:
    """Tells whether a rule has connections tracked.

    Without that no chain of NAT is passed (nf_nat_core.c, nf_nat_inet_fn); that there are such chains is not enough
    (nf_conntrack_proto.c, nf_ct_netns_get). It matters where one blocks.
    """
    if not any(_may_stop(table) for table in tables if any(chain.kind == "nat" for chain in table.chains)):
        return True
    found: Optional[bool] = False
    for rule in (rule for table in tables for rule in all_rules(table)):
        asked = frozenset(field for match in rule.matches for field in match.fields)
        changed = {effect.kind for effect in rule.effects}
        by_target = rule.target == "CT" and "notrack" not in changed
        if asked & _TRACKING or changed & _OF_CONNECTIONS or rule.verdict in ("dnat", "redirect", "snat") or by_target:
            return True
        unknown = (name for match in rule.matches if match.field == "unknown" for name in match.names)
        if rule.verdict == "opaque" or " ct " in rule.text or any(name.startswith(_MAY_TRACK) for name in unknown):
            found = None
    return found


def _may_stop(table: Table) -> bool:
    stops = ("drop", "reject", "opaque")
    return any(chain.policy == "drop" or any(rule.verdict in stops for rule in chain.rules) for chain in table.chains)
