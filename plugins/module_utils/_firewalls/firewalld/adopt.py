# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decides whether an item of firewalld made by others may be adopted: it accepts nothing that the set does not."""

from __future__ import annotations

from typing import Mapping, Optional

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import ZoneItem
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    covers,
    opens_within,
)
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, Network, PortsRequest


def is_adoptable(item: ZoneItem, request: PortsRequest, services: Mapping[str, ServiceDefinition]) -> bool:
    """Tells whether an item of another's is to become part of the set; ``services`` are definitions by name.

    Rich rules with a priority stand where they are for a reason, and services of our other sets belong to those.
    """
    if not request.adopt or item.priority or item.service.startswith(CHAIN_PREFIX):
        return False
    if item.service:
        within = opens_within(services.get(item.service), request.ports)
    else:
        within = item.port is not None and covers(request.ports, (item.port,))
    return within and _comes_from_within(item.source, request)


def _comes_from_within(source: Optional[Network], request: PortsRequest) -> bool:
    if not request.source:
        return True
    return source is not None and any(_contains(network, source) for network in request.source)


def _contains(network: Network, other: Network) -> bool:
    if network.version != other.version:
        return False
    low, high = int(network.network_address), int(network.broadcast_address)
    return low <= int(other.network_address) and int(other.broadcast_address) <= high
