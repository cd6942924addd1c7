# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The running firewalld: its methods, firewalld.dbus(5), and what it said of itself. Versions 0.9 to 2.3."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import ZoneItem, rich_rule
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import NAME
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    service_of_settings,
)
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Answer, Method, Refusal
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

_OBJECT = "/org/fedoraproject/FirewallD1"
_CONFIG = _OBJECT + "/config"
_PROPERTIES = "org.freedesktop.DBus.Properties"
ZONE, POLICY = "zone", "policy"
RUNNING = "RUNNING"

Place = Tuple[str, str]
"""A zone or a policy: which of both, and its name."""


@dataclass(frozen=True)
class Daemon:
    """What firewalld has: ``runtime`` in the kernel, ``saved`` as it last read its files, each a zone's settings.

    ``objects`` are the D-Bus objects of what is saved; ``services`` the runtime definitions of the services that are in
    use, ``saved_services`` the names of the saved ones. ``keeps`` names what a reload would take from others, whatever
    the zones say.
    """

    state: str
    panic: bool
    backend: str
    default_zone: str
    saved_default_zone: str
    runtime: Dict[Place, Mapping[str, Any]]
    saved: Dict[Place, Mapping[str, Any]]
    objects: Dict[Place, str]
    services: Dict[str, ServiceDefinition] = field(default_factory=dict)
    saved_services: FrozenSet[str] = frozenset()
    keeps: Tuple[str, ...] = ()


def method(interface: str, member: str, signature: str = "", *arguments: Any, path: str = _OBJECT) -> Method:
    """Returns a method of firewalld; ``interface`` is the end of its name, such as ``.zone``."""
    return Method(NAME, path, NAME + interface, member, signature, arguments)


RELOAD = method("", "reload")
CHECK_SAVED = method("", "checkPermanentConfig")


def add_now(zone: str, item: ZoneItem, seconds: int = 0) -> Method:
    """Returns the call that lets an item into a zone at runtime, for some seconds or until the next reload."""
    member, signature, words = _words(item)
    return method(".zone", "add" + member, f"s{signature}i", zone, *words, seconds)


def remove_now(zone: str, item: ZoneItem) -> Method:
    """Returns the call that takes an item out of a zone at runtime."""
    member, signature, words = _words(item)
    return method(".zone", "remove" + member, "s" + signature, zone, *words)


def add_saved(path: str, item: ZoneItem) -> Method:
    """Returns the call that lets an item into the saved zone whose object is ``path``."""
    member, signature, words = _words(item)
    return method(".config.zone", "add" + member, signature, *words, path=path)


def remove_saved(path: str, item: ZoneItem) -> Method:
    """Returns the call that takes an item out of the saved zone whose object is ``path``."""
    member, signature, words = _words(item)
    return method(".config.zone", "remove" + member, signature, *words, path=path)


def define_service(service: str, ports: Sequence[Tuple[str, str]]) -> Method:
    """Returns the call that makes a saved service of some ports, numbers and protocols."""
    settings = {"short": ("s", service), "ports": ("a(ss)", tuple(ports))}
    return method(".config", "addService2", "sa{sv}", service, settings, path=_CONFIG)


def set_policy(policy: str, settings: Mapping[str, Tuple[str, Any]]) -> Method:
    """Returns the call that replaces some lists of a policy at runtime; the values are variants."""
    return method(".policy", "setPolicySettings", "sa{sv}", policy, dict(settings))


def _words(item: ZoneItem) -> Tuple[str, str, Tuple[str, ...]]:
    if item.rich:
        return "RichRule", "s", (item.text or rich_rule(item),)
    if item.service:
        return "Service", "s", (item.service,)
    number, _slash, protocol = str(item.port).partition("/")
    return "Port", "ss", (number, protocol)


def observe_daemon(host: FirewallHost) -> Daemon:
    """Asks a running firewalld for all that matters here, in three rounds.

    Raises HostError if it does not answer as versions from 0.9 do.
    """
    asked = {
        "state": Method(NAME, _OBJECT, _PROPERTIES, "Get", "ss", (NAME, "state")),
        "panic": method("", "queryPanicMode"),
        "default_zone": method("", "getDefaultZone"),
        "zones": method(".zone", "getZones"),
        "policies": method(".policy", "getPolicies"),
        "conf": Method(NAME, _CONFIG, _PROPERTIES, "GetAll", "s", (NAME + ".config",)),
        "services": method(".config", "getServiceNames", path=_CONFIG),
        "live_services": method("", "listServices"),
        "chains": method(".direct", "getAllChains"),
        "rules": method(".direct", "getAllRules"),
        "passthroughs": method(".direct", "getAllPassthroughs"),
        "ipsets": method(".ipset", "getIPSets"),
        "logged": method("", "getLogDenied"),
    }
    said = dict(zip(asked, _ask(host, list(asked.values()))))
    places = [(ZONE, name) for name in said["zones"]] + [(POLICY, name) for name in said["policies"]]
    runtime, objects = _ask_places(host, places)
    ours = [name for name in said["live_services"] if name.startswith(CHAIN_PREFIX)]
    saved, services = _ask_saved(host, runtime, objects, ours)
    conf = said["conf"]
    return Daemon(
        state=said["state"],
        panic=said["panic"],
        backend=conf.get("FirewallBackend", "iptables"),
        default_zone=said["default_zone"],
        saved_default_zone=conf.get("DefaultZone", ""),
        runtime=runtime,
        saved=saved,
        objects=objects,
        services=services,
        saved_services=frozenset(said["services"]),
        keeps=_find_keeps(said),
    )


def _find_keeps(said: Mapping[str, Any]) -> Tuple[str, ...]:
    """What a reload would flush beyond zones and policies, or apply beyond them."""
    keeps = [] if said["state"] == RUNNING else ["a state that is not " + RUNNING]
    if said["conf"].get("FirewallBackend") != "nftables":
        keeps.append("rules that others have in iptables' tables")
    if said["chains"] or said["rules"] or said["passthroughs"]:
        keeps.append("direct rules")
    if said["ipsets"]:
        keeps.append("ipsets")
    if said["default_zone"] != said["conf"].get("DefaultZone") or said["logged"] != said["conf"].get("LogDenied"):
        keeps.append("what firewalld.conf says")
    return tuple(keeps)


def _ask_places(host: FirewallHost, places: Sequence[Place]) -> Tuple[Dict[Place, Mapping[str, Any]], Dict[Place, str]]:
    """The runtime settings of zones and policies, and the objects of those that are saved too."""
    now = [
        method(".zone", "getZoneSettings2", "s", name)
        if kind == ZONE
        else method(".policy", "getPolicySettings", "s", name)
        for kind, name in places
    ]
    saved = [
        method(".config", "getZoneByName" if kind == ZONE else "getPolicyByName", "s", name, path=_CONFIG)
        for kind, name in places
    ]
    answers = host.ask(now + saved)
    settings = [_value(method, answer) for method, answer in zip(now, answers)]
    found = zip(places, answers[len(now) :])
    objects = {place: answer[0] for place, answer in found if not isinstance(answer, Refusal)}
    return dict(zip(places, settings)), objects


def _ask_saved(
    host: FirewallHost, runtime: Mapping[Place, Mapping[str, Any]], objects: Mapping[Place, str], ours: Sequence[str]
) -> Tuple[Dict[Place, Mapping[str, Any]], Dict[str, ServiceDefinition]]:
    """The settings of what is saved, and the runtime definitions of our services and of those that are in use."""
    saved = [
        method(".config.zone", "getSettings2", path=path)
        if kind == ZONE
        else method(".config.policy", "getSettings", path=path)
        for (kind, _name), path in objects.items()
    ]
    names = sorted({name for settings in runtime.values() for name in settings.get("services", ())}.union(ours))
    definitions = [method("", "getServiceSettings2", "s", name) for name in names]
    answers = host.ask(saved + definitions)
    settings = [_value(method, answer) for method, answer in zip(saved, answers)]
    services = {
        name: service_of_settings(answer[0])
        for name, answer in zip(names, answers[len(saved) :])
        if not isinstance(answer, Refusal)
    }
    return dict(zip(objects, settings)), services


def _ask(host: FirewallHost, methods: Sequence[Method]) -> List[Any]:
    return [_value(method, answer) for method, answer in zip(methods, host.ask(methods))]


def _value(asked: Method, answer: Answer) -> Any:
    if isinstance(answer, Refusal):
        raise HostError(
            f"firewalld runs, but does not answer {asked.interface}.{asked.member} (this needs version 0.9 or newer): "
            f"{answer.words or answer.name}"
        )
    return answer[0]
