# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reloads firewalld, after one more look at what others would lose by it, and undoes that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, FrozenSet, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import (
    CHECK_SAVED,
    RELOAD,
    ZONE,
    Daemon,
    Place,
    add_now,
    remove_now,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    Ours,
    ZoneItem,
    is_ours,
    parse_items,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.runtime import find_losses
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Method, Refusal
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import observe_kernel
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act


@dataclass(frozen=True)
class Try(Act):
    """Has firewalld try what is saved before it is changed; taken back last, it makes the runtime what it was.

    ``runtime`` is what the set had there, and the definition of its service.
    """

    ours: Ours
    runtime: Tuple[Any, ...]
    methods: Tuple[Method, ...] = (CHECK_SAVED,)

    def __str__(self) -> str:
        return "\n".join(map(str, self.methods))

    def carry_out(self, host: FirewallHost) -> None:
        """Asks firewalld whether it could load its files; raises HostError with its words."""
        _call(host, self.methods)

    def take_back(self, host: FirewallHost) -> None:
        """Reloads once more, if it was reloaded; where that would take something by now, ours alone goes."""
        daemon, losses = _look(host, self.ours)
        if daemon is None or state_of(daemon, self.ours) == self.runtime:
            return
        if not losses:
            _call(host, (RELOAD,))
            return
        _call(host, _way_back(_items_of(daemon, self.ours), dict(self.runtime[0])))
        daemon, _losses = _look(host, self.ours)
        if daemon is not None and not _is_same(state_of(daemon, self.ours), self.runtime):
            raise HostError(
                f"firewalld was not reloaded, which would take away {losses[0]}: when that may be, run "
                "firewall-cmd --reload"
            )


@dataclass(frozen=True)
class Reload(Act):
    """Has firewalld load its files, unless that would take what others made since it was planned."""

    loads_files: ClassVar[bool] = True

    ours: Ours
    methods: Tuple[Method, ...] = (RELOAD,)

    def __str__(self) -> str:
        return "\n".join(map(str, self.methods))

    def carry_out(self, host: FirewallHost) -> None:
        """Reloads; raises Overtaken where others would lose something, and HostError with firewalld's words."""
        _daemon, losses = _look(host, self.ours)
        if losses:
            raise Overtaken(f"another program made meanwhile what a reload of firewalld would take away: {losses[0]}")
        _call(host, self.methods)

    def take_back(self, host: FirewallHost) -> None:
        """The first step does it, when the files are what they were."""


def state_of(daemon: Daemon, ours: Ours) -> Tuple[Any, ...]:
    """Returns what a set has at runtime: its items by zone or policy, and what its service opens."""
    items = tuple(sorted((place, found) for place, found in _items_of(daemon, ours).items() if found))
    return items, daemon.services.get(ours.service)


def _is_same(now: Tuple[Any, ...], before: Tuple[Any, ...]) -> bool:
    """Tells whether the set has what it had; a service that nothing names means nothing."""
    return now[0] == before[0] and (before[1] is None or now[1] == before[1])


def _items_of(daemon: Daemon, ours: Ours) -> Dict[Place, FrozenSet[ZoneItem]]:
    return {
        place: frozenset(item for item in parse_items(settings) if is_ours(item, ours))
        for place, settings in daemon.runtime.items()
    }


def _way_back(now: Dict[Place, FrozenSet[ZoneItem]], before: Dict[Place, FrozenSet[ZoneItem]]) -> Tuple[Method, ...]:
    """What makes the items in zones what they were; policies are only taken back whole, by a reload."""
    none: FrozenSet[ZoneItem] = frozenset()
    calls: List[Method] = []
    for kind, name in sorted({*now, *before}):
        have, want = (one.get((kind, name), none) for one in (now, before))
        if kind == ZONE:
            calls += [remove_now(name, item) for item in have - want]
            calls += [add_now(name, item) for item in want - have]
    return tuple(calls)


def _look(host: FirewallHost, ours: Ours) -> Tuple[Any, Tuple[str, ...]]:
    have = observe(host, observe_kernel(host))
    return have.daemon, find_losses(have.daemon, ours, have.definitions) if have.daemon else ()


def _call(host: FirewallHost, methods: Tuple[Method, ...]) -> None:
    for method, answer in zip(methods, host.ask(methods)):
        if isinstance(answer, Refusal):
            raise HostError(f"{method} failed and said: {answer.words or answer.name}")
