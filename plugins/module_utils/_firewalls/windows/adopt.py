# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules somebody made by hand for just what a set opens, so that they can close with it.

The wizard of Windows makes such a rule: TCP, 443, Allow, Domain and Private. Repeated for Outbound it makes one of
local port 443, which lets no client out: a set of that direction takes its place.
"""

from __future__ import annotations

from typing import Dict, List, Mapping, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.desired import owner_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import WindowsFacts
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import (
    PROTOCOLS,
    PortSet,
    RuleShape,
    shape_of,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_string import PROFILES, WindowsRule
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import contains

_BESIDE = {"desc"}


def adopt(
    facts: WindowsFacts, wanted: Mapping[str, RuleShape], connection_port: int
) -> Tuple[Dict[str, WindowsRule], Tuple[str, ...]]:
    """Returns the rules that become part of the set, by id, and a sentence for each that opens its ports and stays.

    ``connection_port`` is that by which Ansible came: no rule that names it is taken away.
    """
    taken: Dict[str, WindowsRule] = {}
    told: List[str] = []
    for rule in facts.of("local"):
        if not rule.enabled or rule.action != "allow" or owner_of(rule.id) or _is_windows_own(rule):
            continue
        shape = shape_of(rule)
        names = [want for want in wanted.values() if _names_ports_of(shape, want)]
        if not names:
            continue
        why = _why_not(shape, names, connection_port)
        if why:
            told.append(f"rule {rule.shown} stays: {why}")
        else:
            taken[rule.id] = rule
    return taken, tuple(told)


def _is_windows_own(rule: WindowsRule) -> bool:
    return rule.get("Name").startswith("@") or rule.get("EmbedCtxt").startswith("@")


def _ports(shape: RuleShape) -> PortSet:
    """The ports that a person meant: outgoing, the wizard asks for local ports first."""
    return shape.ports if shape.ports.parameters() else shape.local_ports


def _names_ports_of(shape: RuleShape, want: RuleShape) -> bool:
    same = shape.direction == want.direction and shape.protocol == want.protocol
    return same and any(contains(want.ports.spans, low, high) is not False for low, high in _ports(shape).spans)


def _why_not(shape: RuleShape, names: List[RuleShape], connection_port: int) -> str:
    """Says in what a rule is not one of the set's, empty if it is."""
    want = names[0]
    ports = _ports(shape)
    wider = [profile for profile in PROFILES if profile in shape.profiles - want.profiles]
    narrow = [key for key, _value in shape.rest if key.lower() not in _BESIDE]
    both = shape.local_ports.parameters() and shape.remote_ports.parameters()
    if ports.words or any(not contains(want.ports.spans, low, high) for low, high in ports.spans):
        shown = ", ".join(ports.parameters())
        return f"it opens {shown} of {PROTOCOLS[shape.protocol].lower()}, which is more than the set does"
    if any(low <= connection_port <= high for low, high in ports.spans) and shape.direction == "in":
        return f"Ansible itself came by port {connection_port}"
    if wider:
        return f"it opens them in {' and '.join(wider)} as well"
    if shape.remote != want.remote:
        return "it is for other addresses"
    if (shape.program.lower(), shape.service.lower()) != (want.program.lower(), want.service.lower()):
        return "it is for a program or service alone" if shape.program or shape.service else "it is for any program"
    if narrow or both or shape.edge not in ("", want.edge):
        return f"it says more than a set can: {', '.join(narrow) or 'Edge'}"
    return ""
