# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rule means, apart from how it is spelled: two rules of one shape are the same rule.

Order, overlaps, masks and prefixes, and the case of keys make no difference. What no field here holds is in ``rest``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Dict, FrozenSet, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.addresses import (
    ANY_ADDRESS,
    AddressSet,
    read_addresses,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import PROFILES, WindowsRule
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans

PROTOCOLS = {"6": "TCP", "17": "UDP"}
_NUMBERS = {name: number for number, name in PROTOCOLS.items()}
_SIDES = {"in": "Inbound", "out": "Outbound"}
_PORT = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?", re.ASCII)
_REMOTE = ("RA4", "RA6", "RA42", "RA62")
_READ = {
    *("action", "active", "dir", "protocol", "profile", "app", "svc", "name", "embedctxt", "edge", "defer"),
    *(key.lower() for key in _REMOTE),
}


@dataclass(frozen=True)
class PortSet:
    """Ports of one side as merged intervals, and words that Windows has for some; nothing at all means any port."""

    spans: Tuple[Tuple[int, int], ...] = ()
    words: Tuple[str, ...] = ()

    def parameters(self) -> List[str]:
        """Returns it as LocalPort takes it."""
        return [*self.words, *(str(low) if low == high else f"{low}-{high}" for low, high in self.spans)]


@dataclass(frozen=True)
class RuleShape:
    """A rule as its meaning; ``edge`` is empty, ``Allow``, ``DeferToUser`` or ``DeferToApp``."""

    direction: str
    protocol: str
    local_ports: PortSet = PortSet()
    remote_ports: PortSet = PortSet()
    profiles: FrozenSet[str] = frozenset(PROFILES)
    remote: AddressSet = ANY_ADDRESS
    display_name: str = ""
    group: str = ""
    program: str = ""
    service: str = ""
    edge: str = ""
    action: str = "allow"
    enabled: bool = True
    rest: Tuple[Tuple[str, str], ...] = ()

    @property
    def ports(self) -> PortSet:
        """The ports of the side that a service has: ours for who comes in, theirs where we go."""
        return self.local_ports if self.direction == "in" else self.remote_ports

    def lines(self) -> str:
        """The rule in lines, for a diff."""
        shown: Dict[str, str] = {
            "enabled": "yes" if self.enabled else "no",
            "action": self.action,
            "direction": self.direction,
            "protocol": PROTOCOLS.get(self.protocol, self.protocol or "any"),
            "local ports": ", ".join(self.local_ports.parameters()) or "any",
            "remote ports": ", ".join(self.remote_ports.parameters()) or "any",
            "remote addresses": ", ".join(self.remote.parameters()) or "any",
            "profiles": ", ".join(name for name in PROFILES if name in self.profiles),
            "display name": self.display_name,
            "group": self.group,
            "program": self.program,
            "service": self.service,
            "edge traversal": self.edge,
            **{f"key {key}": value for key, value in self.rest},
        }
        return "".join(f"{name}: {value}\n" for name, value in shown.items() if value)


def shape_of(rule: WindowsRule) -> RuleShape:
    """Returns what a rule of the registry means."""
    local, remote = _ports(rule, "LPort"), _ports(rule, "RPort")
    rest = [(key, value) for key, value in rule.fields if key.lower() not in _READ and key[1:5].lower() != "port"]
    return RuleShape(
        direction=rule.direction,
        protocol=rule.get("Protocol"),
        local_ports=local,
        remote_ports=remote,
        profiles=rule.profiles,
        remote=read_addresses(rule.all(*_REMOTE)),
        display_name=rule.get("Name"),
        group=rule.get("EmbedCtxt"),
        program=rule.get("App"),
        service=rule.get("Svc"),
        edge=_edge(rule),
        action=rule.action,
        enabled=rule.enabled,
        rest=tuple(sorted(rest)),
    )


def _ports(rule: WindowsRule, side: str) -> PortSet:
    spans, words = [], []
    for key, value in rule.fields:
        if key.lower() == side.lower() or key.lower().startswith(f"{side.lower()}2_"):
            read = _PORT.fullmatch(value)
            if read:
                spans.append((int(read.group(1)), int(read.group(2) or read.group(1))))
            else:
                words.append(value)
    return PortSet(merge_spans(spans), tuple(sorted(words, key=str.lower)))


def _edge(rule: WindowsRule) -> str:
    defer = rule.get("Defer")
    if defer:
        return f"DeferTo{defer}"
    return "Allow" if rule.get("Edge").lower() == "true" else ""


# What a rule may have beside, and New-NetFirewallRule takes as it is.
_BESIDE = {
    "desc": "Description",
    "luauth": "LocalUser",
    "luown": "Owner",
    "apppkgid": "Package",
    "la4": "LocalAddress",
    "la6": "LocalAddress",
}
_LISTS = ("LocalAddress",)


def parameters_of(shape: RuleShape) -> Tuple[Dict[str, Any], Tuple[str, ...]]:
    """Returns the parameters of New-NetFirewallRule for a rule, and the keys that none of them writes."""
    given: Dict[str, Any] = {
        "DisplayName": shape.display_name,
        "Direction": _SIDES.get(shape.direction, "Inbound"),
        "Action": "Block" if shape.action == "block" else "Allow",
        "Enabled": str(shape.enabled),
        "Profile": ",".join(name for name in PROFILES if name in shape.profiles),
    }
    optional: Dict[str, Any] = {
        "Group": shape.group,
        "Protocol": PROTOCOLS.get(shape.protocol, shape.protocol),
        "LocalPort": shape.local_ports.parameters(),
        "RemotePort": shape.remote_ports.parameters(),
        "RemoteAddress": shape.remote.parameters(),
        "Program": shape.program,
        "Service": "Any" if shape.service == "*" else shape.service,
        "EdgeTraversalPolicy": shape.edge,
    }
    given.update({name: value for name, value in optional.items() if value})
    lost = ["Action=ByPass"] if shape.action == "bypass" else []
    for key, value in shape.rest:
        name = _BESIDE.get(key.lower())
        if name in _LISTS:
            given[name] = [*given.get(name, ()), value]
        elif name:
            given[name] = value
        else:
            lost.append(key)
    return given, tuple(dict.fromkeys(lost))


_SETTABLE = {
    "enabled": ("Enabled",),
    "action": ("Action",),
    "profiles": ("Profile",),
    "display_name": ("DisplayName",),
    "local_ports": ("Protocol", "LocalPort"),
    "remote_ports": ("Protocol", "RemotePort"),
    "remote": ("RemoteAddress",),
}


def settable(before: RuleShape, after: RuleShape) -> Dict[str, Any]:
    """Returns the parameters of Set-NetFirewallRule that make one rule the other; none where it has to be made anew.

    Of Set, DisplayName and Group are queries, so a group cannot be changed; and nothing says how each version of
    Windows takes a parameter that puts something back to its default.
    """
    names: List[str] = []
    if "bypass" in (before.action, after.action):
        return {}
    for field in fields(RuleShape):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new:
            continue
        if field.name not in _SETTABLE:
            return {}
        names += _SETTABLE[field.name]
    given = parameters_of(after)[0]
    if any(name not in given for name in names):
        return {}
    return {"NewDisplayName" if name == "DisplayName" else name: given[name] for name in dict.fromkeys(names)}


def number_of(protocol: str) -> str:
    """Returns the number of tcp or udp as the registry has it."""
    return _NUMBERS[protocol.upper()]
