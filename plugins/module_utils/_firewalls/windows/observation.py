# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what the script on the host observed."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import Any, Dict, FrozenSet, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import (
    PROFILES,
    WindowsRule,
    parse_rule,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.settings import (
    Policy,
    ProfileSettings,
    settings_of,
)

FORMAT = 1
_BITS = {"Domain": 1, "Private": 2, "Public": 4}
_ALL = 0x7FFFFFFF  # NET_FW_PROFILE2_ALL
_LOOPBACK = ("127.", "[::1]")


@dataclass(frozen=True)
class WindowsListener:
    """A program that listens at a port; an empty path is one that cannot be seen."""

    protocol: str
    port: int
    program: str


@dataclass(frozen=True)
class SecondOpinion:
    """What the service itself says of a profile."""

    enabled: bool
    shielded: bool
    blocks_in: bool
    blocks_out: bool


@dataclass(frozen=True)
class WindowsFacts:
    """A host as it was observed: rules by store, settings of each profile, who listens."""

    texts: Mapping[str, str]
    """The rules of the local store as they are written, by their ids."""
    rules: Tuple[WindowsRule, ...]
    counts: Mapping[str, int]
    skipped: Tuple[str, ...]
    active: Tuple[str, ...]
    """The profiles of the networks that the host is in."""
    active_unclear: bool
    settings: Mapping[str, ProfileSettings]
    second: Mapping[str, SecondOpinion]
    stopped: Tuple[str, ...]
    """Services that the firewall needs and that do not run."""
    listeners: Tuple[WindowsListener, ...]

    def of(self, store: str) -> Tuple[WindowsRule, ...]:
        """Returns the rules of a store."""
        return tuple(rule for rule in self.rules if rule.store == store)

    def with_local(self, changed: Mapping[str, WindowsRule], gone: FrozenSet[str]) -> WindowsFacts:
        """Returns the host as it is with some local rules changed, new or gone."""
        left = [rule for rule in self.rules if rule.store != "local" or rule.id not in {*changed, *gone}]
        return replace(self, rules=(*left, *changed.values()))


def read_observation(answer: Mapping[str, Any]) -> WindowsFacts:
    """Returns what an answer of the script says; raises HostError where it is none of this collection's script."""
    if answer.get("format") != FORMAT:
        raise HostError(
            f"the collection and its script on the host differ: it answered in format {answer.get('format')!r}, and "
            f"{FORMAT} was asked for; run again"
        )
    texts = {store: _unpack(one["packed"]) for store, one in answer["stores"].items()}
    active, unclear = _active(int(answer["state"]["active"]))
    policy: Policy = answer["policy"]
    return WindowsFacts(
        texts=texts["local"],
        rules=tuple(parse_rule(store, name, text) for store in texts for name, text in sorted(texts[store].items())),
        counts={store: int(one["count"]) for store, one in answer["stores"].items()},
        skipped=tuple(name for one in answer["stores"].values() for name in one["skipped"]),
        active=active,
        active_unclear=unclear,
        settings={profile: settings_of(policy, profile) for profile in PROFILES},
        second=_second(answer["state"].get("profiles") or {}),
        stopped=tuple(name for name, state in sorted(answer["services"].items()) if state != "Running"),
        listeners=tuple(
            WindowsListener(one["protocol"], int(one["port"]), one["program"] or "")
            for one in answer["listeners"]
            if not str(one["address"]).startswith(_LOOPBACK)
        ),
    )


def _unpack(packed: str) -> Dict[str, str]:
    texts: Dict[str, str] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return texts


def _active(mask: int) -> Tuple[Tuple[str, ...], bool]:
    """Returns the active profiles, and whether that is a guess: in no network, or in all, Public is the safe one."""
    if mask & _ALL == _ALL:
        return ("Public",), True
    active = tuple(name for name in PROFILES if mask & _BITS[name])
    return active or ("Public",), not active


def _second(profiles: Mapping[str, Mapping[str, Any]]) -> Dict[str, SecondOpinion]:
    """Returns what INetFwPolicy2 says; its actions are 0 for block and 1 for allow, the keys' the other way round."""
    return {
        name: SecondOpinion(
            enabled=bool(profiles[str(bit)]["enabled"]),
            shielded=bool(profiles[str(bit)]["block_all"]),
            blocks_in=profiles[str(bit)]["inbound"] == 0,
            blocks_out=profiles[str(bit)]["outbound"] == 0,
        )
        for name, bit in _BITS.items()
        if str(bit) in profiles
    }
