# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chooses the zones for inbound and the policies for outbound connections that a set goes into."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import POLICY, ZONE, Place
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import FirewalldState
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.xml import Node, parse
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

_BLOCKING = ("DROP", "REJECT", "%%REJECT%%")
_FIRST_PRIORITY = -1  # of a policy that names none, firewalld.policy(5)


def find_targets(have: FirewalldState, request: PortsRequest) -> Tuple[FrozenSet[Place], FrozenSet[Place]]:
    """Returns the zones and policies that a set goes into at runtime, and those of the files.

    At runtime there are none where firewalld does not run. Raises HostError for a zone that does not exist.
    """
    if request.state == "absent":
        return frozenset(), frozenset()
    settings = {place: _settings_of_file(file.effective) for place, file in have.files.items()}
    loaded: Mapping[Place, Mapping[str, Any]] = have.daemon.runtime if have.daemon else settings
    default = have.daemon.default_zone if have.daemon else have.default_zone
    zones = _arrival_zones(have, loaded, default)
    asked = {request.zone} if request.zone else zones
    now: Set[Place] = set()
    saved: Set[Place] = set()
    if "in" in request.directions:
        _refuse_unknown(asked, loaded, settings)
        now |= {(ZONE, zone) for zone in asked}
        saved |= {(ZONE, zone) for zone in asked}
    if "out" in request.directions:
        now |= _blocking_policies(loaded, zones)
        saved |= _blocking_policies(settings, zones)
    return frozenset(now if have.daemon else ()), frozenset(saved)


def _arrival_zones(have: FirewalldState, settings: Mapping[Place, Mapping[str, Any]], default: str) -> Set[str]:
    """The zones of the interfaces that strangers arrive on, over either IP version."""
    names = {link.interface for link in have.kernel.links if link.exists}
    return {_zone_of(name, settings) or default for name in names or {None}}


def _zone_of(interface: Optional[str], settings: Mapping[Place, Mapping[str, Any]]) -> Optional[str]:
    for (kind, zone), one in settings.items():
        if kind == ZONE and interface and any(_is_named(interface, name) for name in one.get("interfaces", ())):
            return zone
    return None


def _is_named(interface: str, name: str) -> bool:
    return interface.startswith(name[:-1]) if name.endswith("+") else interface == name


def _refuse_unknown(zones: Set[str], loaded: Mapping[Place, Any], settings: Mapping[Place, Any]) -> None:
    known = sorted(name for kind, name in loaded if kind == ZONE)
    for zone in zones:
        if (ZONE, zone) not in loaded and (ZONE, zone) in settings:
            raise HostError(f"firewalld has not loaded the zone {zone} yet: run firewall-cmd --reload first")
        if (ZONE, zone) not in loaded:
            raise HostError("firewalld has no zone {!r}; there are {}".format(zone, ", ".join(known)))
        if (ZONE, zone) not in settings:
            raise HostError(
                f"the zone {zone} of firewalld is not one file in /etc/firewalld/zones or /usr/lib/firewalld/zones: "
                "save it as one, or name another zone"
            )


def _blocking_policies(settings: Mapping[Place, Mapping[str, Any]], zones: Set[str]) -> Set[Place]:
    """Of the policies that stop what this host sends into each zone, the one that is asked first."""
    found: Set[Place] = set()
    for zone in zones:
        blocking = [
            (one.get("priority", _FIRST_PRIORITY), place)
            for place, one in settings.items()
            if place[0] == POLICY
            and one.get("target") in _BLOCKING
            and "HOST" in one.get("ingress_zones", ())
            and {"ANY", zone}.intersection(one.get("egress_zones", ()))
        ]
        found |= {min(blocking)[1]} if blocking else set()
    return found


def _settings_of_file(content: bytes) -> Dict[str, Any]:
    """What a file says of interfaces and of policies, in the form that D-Bus has; nothing if it is broken."""
    try:
        root = parse(content)
    except ValueError:
        return {}
    return {
        "interfaces": _names(root, "interface"),
        "ingress_zones": _names(root, "ingress-zone"),
        "egress_zones": _names(root, "egress-zone"),
        "target": root.attributes.get("target", ""),
        "priority": _priority(root),
    }


def _priority(root: Node) -> int:
    text = root.attributes.get("priority", "")
    return int(text) if text.lstrip("-").isdigit() else _FIRST_PRIORITY


def _names(root: Node, tag: str) -> List[str]:
    return [child.attributes.get("name", "") for child in root.find_all(tag)]
