# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans the changes of firewalld's runtime configuration.

A service that firewalld has not loaded cannot be used. A reload loads it, but takes away whatever somebody changed at
runtime alone: so it is done only where nobody did, and else the set's ports are let in by rich rules meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.adopt import is_adoptable
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import (
    POLICY,
    ZONE,
    Daemon,
    Place,
    add_now,
    remove_now,
    set_policy,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    Ours,
    ZoneItem,
    is_ours,
    number_of,
    parse_items,
    port_items,
    rich_rule,
    service_items,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import ServiceDefinition
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BusCall, Change
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

_UNKNOWN_REST = 60  # seconds for which a timed rule comes back if a change is undone; nobody tells what was left of it


@dataclass(frozen=True)
class Live:
    """What changes at runtime: by ``steps``, or by a ``reload`` instead.

    ``added`` is what is let in then and was not; ``loaded`` tells that it is by the service, as at the next boot.
    """

    steps: Tuple[BusCall, ...] = ()
    changes: Tuple[Change, ...] = ()
    added: Tuple[Tuple[Place, ZoneItem], ...] = ()
    reload: bool = False
    loaded: bool = False


@dataclass(frozen=True)
class _Part:
    """One zone or policy: our items there, what they are to be, and others' that the set takes over."""

    place: Place
    settings: Mapping[str, Any]
    have: Tuple[ZoneItem, ...]
    want: Tuple[ZoneItem, ...]
    adopted: Tuple[ZoneItem, ...]

    @property
    def added(self) -> Tuple[ZoneItem, ...]:
        have = frozenset(self.have)
        return tuple(item for item in self.want if item not in have)

    @property
    def dropped(self) -> Tuple[ZoneItem, ...]:
        want = frozenset(self.want)
        return tuple(item for item in self.have if item not in want) + self.adopted


def plan_live(
    daemon: Daemon,
    request: PortsRequest,
    ours: Ours,
    targets: FrozenSet[Place],
    on_disk: Mapping[str, ServiceDefinition],
) -> Live:
    """Returns what makes the runtime what the request says; ``on_disk`` are services as their files define them.

    Raises HostError for a time limit on what goes out, which firewalld does not know.
    """
    ready = request.chain in daemon.services and daemon.services[request.chain] == ServiceDefinition(request.ports)
    ready = ready and request.timeout is None
    if request.timeout is not None and any(kind == POLICY for kind, _name in targets):
        raise HostError("firewalld cannot open a policy for a time: leave timeout out for what goes out")
    loaded = _parts(daemon, request, ours, targets, by_service=True)
    ported = _parts(daemon, request, ours, targets, by_service=False)
    if ready and all(_is_settled(by, other) for by, other in zip(loaded, ported)):
        return Live(loaded=True)
    if all(_is_settled(part) for part in ported):
        return Live()
    may_load = request.persistent and bool(targets) and not find_losses(daemon, ours, on_disk)
    parts = loaded if ready or may_load else ported
    added = tuple((part.place, item) for part in parts for item in part.added)
    changes = tuple(_change(part) for part in parts if part.added or part.dropped)
    if may_load and not ready:
        return Live((), changes, added, reload=True, loaded=True)
    steps = tuple(step for part in parts for step in _steps(part, request))
    return Live(steps, changes, added, loaded=ready)


def _parts(
    daemon: Daemon, request: PortsRequest, ours: Ours, targets: FrozenSet[Place], by_service: bool
) -> List[_Part]:
    parts = []
    for place, settings in sorted(daemon.runtime.items()):
        items = parse_items(settings)
        want: Tuple[ZoneItem, ...] = ()
        adopted: Tuple[ZoneItem, ...] = ()
        if place in targets:
            want = wanted_items(request, place, by_service)
            adopted = tuple(item for item in items if is_adoptable(item, request, daemon.services))
        have = tuple(item for item in items if is_ours(item, ours))
        parts.append(_Part(place, settings, have, want, adopted))
    return parts


def wanted_items(request: PortsRequest, place: Place, by_service: bool) -> Tuple[ZoneItem, ...]:
    """Returns the items of a set for a zone or policy that it goes into.

    A service of a policy is always a rich rule: firewalld writes the files anew that name a service otherwise when the
    service's file goes away.
    """
    if by_service:
        return service_items(request.chain, request.source, rich=place[0] == POLICY)
    return port_items(request.name, request.ports, request.source, request.timeout is not None)


def is_settled(have: Sequence[ZoneItem], want: Sequence[ZoneItem], also: Sequence[ZoneItem] = ()) -> bool:
    """Tells whether ours are what is wanted; what is ``also`` there may stay, as it means the same."""
    return set(want) <= set(have) <= {*want, *also}


def _is_settled(part: _Part, other: _Part = _Part((ZONE, ""), {}, (), (), ())) -> bool:
    return is_settled(part.have, part.want, other.want) and not part.adopted


def find_losses(daemon: Daemon, ours: Ours, on_disk: Mapping[str, ServiceDefinition]) -> Tuple[str, ...]:
    """Returns what a reload would take away or bring in beyond this set; nothing where it is safe."""
    losses = list(daemon.keeps)
    for place in sorted({*daemon.runtime, *daemon.saved}):
        now, saved = (_without_ours(one.get(place), ours) for one in (daemon.runtime, daemon.saved))
        if place == (ZONE, daemon.default_zone) and now and saved:
            # What is in no zone is in this one, so that nothing is lost with an interface that is only said to be here.
            now["interfaces"] = now.get("interfaces", set()) & saved.get("interfaces", set())
            now = {key: value for key, value in now.items() if value}
        if now != saved:
            losses.append(" ".join(place))
    for name, service in daemon.services.items():
        if name != ours.service and name in on_disk and as_told(on_disk[name]) != service:
            losses.append(f"service {name}")
    return tuple(losses)


def as_told(service: ServiceDefinition) -> ServiceDefinition:
    """Returns a definition read from a file in the form of one that firewalld tells."""
    return ServiceDefinition(service.ports, service.simple)


def _without_ours(settings: Any, ours: Ours) -> Dict[str, Any]:
    """A zone's settings without ours, in a form that can be compared."""
    kept: Dict[str, Any] = {}
    for key, value in (settings or {}).items():
        if key == "services":
            value = [service for service in value if service != ours.service]
        elif key in ("rules_str", "rich_rules"):
            value = [text for text in value if not _is_our_rule(text, ours)]
        if value:
            kept[key] = set(value) if isinstance(value, list) else value
    return kept


def _is_our_rule(text: str, ours: Ours) -> bool:
    if f'service name="{ours.service}"' in text:
        return True
    return any(f'priority="{number}"' in text for number in ours.numbers) and text.endswith(" accept")


def _steps(part: _Part, request: PortsRequest) -> Tuple[BusCall, ...]:
    if not part.added and not part.dropped:
        return ()
    kind, name = part.place
    if kind == POLICY:
        before, after = _policy_lists(part)
        return (BusCall((set_policy(name, after),), (BusCall((set_policy(name, before),)),)),)
    adding = [add_now(name, item, request.timeout or 0) for item in part.added]
    dropping = [remove_now(name, item) for item in part.dropped]
    timed = number_of(request.name, True)
    back = [add_now(name, item, _UNKNOWN_REST if item.priority == timed else 0) for item in part.dropped]
    back += [remove_now(name, item) for item in part.added]
    return (BusCall(tuple(adding + dropping), (BusCall(tuple(back)),)),)


def _policy_lists(part: _Part) -> Tuple[Dict[str, Tuple[str, Any]], Dict[str, Tuple[str, Any]]]:
    """A policy's services, ports and rich rules before and after, as D-Bus wants them."""
    services, ports, rules = (list(part.settings.get(key, ())) for key in ("services", "ports", "rich_rules"))
    before = {"services": ("as", services), "ports": ("a(ss)", ports), "rich_rules": ("as", rules)}
    gone = {item.text for item in part.dropped if item.rich}
    after = {
        "services": ("as", [one for one in services if ZoneItem(one) not in part.dropped]),
        "ports": ("a(ss)", [one for one in ports if not set(parse_items({"ports": [one]})) & set(part.dropped)]),
        "rich_rules": ("as", [one for one in rules if one not in gone] + [rich_rule(item) for item in part.added]),
    }
    changed = [key for key in before if before[key] != after[key]]
    return {key: before[key] for key in changed}, {key: after[key] for key in changed}


def _change(part: _Part) -> Change:
    before = [str(item) for item in parse_items(part.settings)]
    gone = {str(item) for item in part.dropped}
    after = [line for line in before if line not in gone] + [str(item) for item in part.added]
    return Change(f"firewalld {' '.join(part.place)}, now", _text(before), _text(after))


def _text(lines: Sequence[str]) -> str:
    return "".join(line + "\n" for line in lines)
