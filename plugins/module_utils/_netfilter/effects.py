# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies the effects of a rule to a packet: marks, tracking, membership of sets."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import ALL_BITS, Effect, EffectKind


def change(packet: Packet, effects: Tuple[Effect, ...]) -> Packet:
    """Returns the packet after the effects of a rule."""
    for effect in effects:
        if effect.kind == "add_to_set":
            packet = replace(packet, dynamic_sets=packet.dynamic_sets | {effect.name})
        else:
            packet = _CHANGES[effect.kind](packet, effect.argument)
    return packet


def _changed(have: Optional[int], value: Optional[int], mask: int) -> Optional[int]:
    """``have & ~mask ^ value``; unknown bits make all unknown unless the mask clears them."""
    if value is None or (have is None and mask != ALL_BITS):
        return None
    return ((have or 0) & ~mask & ALL_BITS) ^ value


def _bits(have: Optional[int], mask: int) -> Optional[int]:
    return have & mask if have is not None else (0 if mask == 0 else None)


def _set_mark(packet: Packet, argument: Tuple[int, ...]) -> Packet:
    if not argument:
        return replace(packet, mark=None)
    return replace(packet, mark=_changed(packet.mark, argument[0], argument[1]))


def _set_connmark(packet: Packet, argument: Tuple[int, ...]) -> Packet:
    if not packet.has_connection or not argument:
        return packet if packet.has_connection is False else replace(packet, connmark=None)
    return replace(packet, connmark=_changed(packet.connmark, argument[0], argument[1]))


def _save_mark(packet: Packet, argument: Tuple[int, ...]) -> Packet:
    if not packet.has_connection:
        return packet if packet.has_connection is False else replace(packet, connmark=None)
    return replace(packet, connmark=_changed(packet.connmark, _bits(packet.mark, argument[0]), argument[1]))


def _restore_mark(packet: Packet, argument: Tuple[int, ...]) -> Packet:
    if not packet.has_connection:
        return packet if packet.has_connection is False else replace(packet, mark=None)
    return replace(packet, mark=_changed(packet.mark, _bits(packet.connmark, argument[1]), argument[0]))


def _stop_tracking(packet: Packet, _argument: Tuple[int, ...]) -> Packet:
    """Only a packet that no connection is known for yet becomes untracked (nft_ct.c, xt_CT.c)."""
    states = {"UNTRACKED" if state == "INVALID" else state for state in packet.state}
    return replace(packet, state=tuple(sorted(states)))


def _attach_template(packet: Packet, _argument: Tuple[int, ...]) -> Packet:
    """A packet that has a template counts as new until conntrack sees it, and no rule makes it untracked (xt_CT.c)."""
    if "INVALID" not in packet.state:
        return packet
    states = {"NEW" if state == "INVALID" else state for state in packet.state}
    return replace(packet, state=tuple(sorted(states)), template=True)


def _set_hop_limit(packet: Packet, argument: Tuple[int, ...]) -> Packet:
    return replace(packet, hop_limit=(argument[0], argument[1]))


_CHANGES: Dict[EffectKind, Callable[[Packet, Tuple[int, ...]], Packet]] = {
    "mark": _set_mark,
    "connmark": _set_connmark,
    "save_mark": _save_mark,
    "restore_mark": _restore_mark,
    "notrack": _stop_tracking,
    "template": _attach_template,
    "hop_limit": _set_hop_limit,
}
"""By kind of effect: the packet that comes of a packet and an argument."""
