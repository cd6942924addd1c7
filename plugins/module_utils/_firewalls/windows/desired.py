# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rules that a request wants: one for each direction and protocol, each under an id of its own."""

from __future__ import annotations

import re
from typing import Dict, Optional

from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.addresses import set_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.rule_shape import (
    PortSet,
    RuleShape,
    number_of,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import merge_spans
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, PortsRequest

PREFIX = CHAIN_PREFIX
"""What the ids of all our rules begin with; that alone does not make a rule ours, see ``owner_of``."""
DEFAULT_PROFILES = ("domain", "private")
GROUP = "port443"

# From end to end: by their beginning, the rules of the set https-in would be those of the set https as well.
_ID = re.compile(PREFIX + r"([a-z][a-z0-9-]{0,19})-(in|out)-(tcp|udp)", re.ASCII)


def owner_of(rule_id: str) -> Optional[str]:
    """Returns the name of the set that a rule belongs to, None if it is none of ours."""
    read = _ID.fullmatch(rule_id.lower())
    return read.group(1) if read else None


def desired_rules(request: PortsRequest) -> Dict[str, RuleShape]:
    """Returns the rules of a set by their ids; none where it is to be absent."""
    rules = {}
    for direction in request.directions if request.state == "present" else ():
        for protocol in ("tcp", "udp"):
            spans = merge_spans((port.low, port.high) for port in request.ports if port.protocol == protocol)
            if spans:
                rules[f"{request.chain}-{direction}-{protocol}"] = _rule(request, direction, protocol, PortSet(spans))
    return rules


def _rule(request: PortsRequest, direction: str, protocol: str, ports: PortSet) -> RuleShape:
    profiles = DEFAULT_PROFILES if request.profiles is None else request.profiles
    return RuleShape(
        direction=direction,
        protocol=number_of(protocol),
        local_ports=ports if direction == "in" else PortSet(),
        remote_ports=ports if direction == "out" else PortSet(),
        profiles=frozenset(name.capitalize() for name in profiles),
        remote=set_of(request.source),
        display_name=request.display_name or f"port443 {request.name} ({protocol.upper()} {direction})",
        group=request.group or GROUP,
        program="" if request.program == "any" else request.program,
        service="" if request.service == "any" else request.service,
        edge="Allow" if request.edge_traversal else "",
    )
