# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Starts a recorder on the host before a look, and tells after it where each connection ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.wire import recorder
from ansible_collections.port443.https.plugins.module_utils._host.wire.recorder import FOLDER, Recording, Taken
from ansible_collections.port443.https.plugins.module_utils._witness.arguments import MOST
from ansible_collections.port443.https.plugins.module_utils._witness.circumstances import (
    LINUX,
    count_before,
    observe_all,
)
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import Door
from ansible_collections.port443.https.plugins.module_utils._witness.headers import SeenPacket, read_headers
from ansible_collections.port443.https.plugins.module_utils._witness.judge import judge_ending
from ansible_collections.port443.https.plugins.module_utils._witness.keeper import Keeper
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch
from ansible_collections.port443.https.plugins.module_utils._witness.story import Story, tell_story


@dataclass(frozen=True)
class Begun:
    """A recorder's token, empty where there is none; then ``blind`` says why."""

    token: str
    blind: str


def begin(host: FirewallHost, watch: Watch, seconds: float, folder: str = FOLDER) -> Begun:
    """Starts a recorder that ends by itself after so many seconds."""
    if host.system() != LINUX:
        return Begun("", f"{host.system()} has no recorder here")
    keeper = Keeper(watch)
    try:
        recording = Recording(keeper.program, keeper.keep, count_before(host), seconds, MOST)
        return Begun(recorder.start(recording, folder), "")
    except HostError as problem:
        return Begun("", problem.message)


def end(
    host: FirewallHost, token: str, blind: str, doors: Sequence[Door], folder: str = FOLDER
) -> List[Dict[str, Any]]:
    """Returns where each look ended, and removes what the recorder left; ``blind`` says why there was none."""
    taken: Optional[Taken] = None
    try:
        taken = recorder.take(token, folder) if token else None
    except HostError as problem:
        blind = problem.message
    packets = _read(taken) if taken else ()
    stories = [tell_story(door, packets) if taken else None for door in doors]
    before: Mapping[str, Any] = taken.about if taken else {}
    facts = observe_all(host, list(zip(doors, stories)), before, blind, taken is None or taken.whole)
    return [
        judge_ending(door, story, found, _find_other(door, doors, stories)).as_dict(door)
        for door, story, found in zip(doors, stories, facts)
    ]


def _read(taken: Taken) -> Tuple[SeenPacket, ...]:
    read = (read_headers(one.at, one.outgoing, one.interface, one.headers) for one in taken.heard)
    return tuple(packet for packet in read if packet)


def _find_other(door: Door, doors: Sequence[Door], stories: Sequence[Optional[Story]]) -> Optional[SeenPacket]:
    """A packet that came in through another door at the same address."""
    for other, story in zip(doors, stories):
        if other is not door and other.address == door.address and story is not None and story.first:
            return story.first
    return None
