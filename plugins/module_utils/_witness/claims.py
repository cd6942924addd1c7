# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds settings by which a Linux host leaves it unanswered who on a link has its IPv4 address (ARP); changes nothing.

Then the router before it sends nothing, and no packet of a look arrives (net/ipv4/arp.c, arp_process; ip-sysctl.rst).
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Iterator, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.wire import rtnetlink
from ansible_collections.port443.https.plugins.module_utils._linux.interface_settings import (
    ALL,
    STRICT,
    find_effective,
    read_setting,
)
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import Mute

_NO_ADDRESS, _ITS_OWN = 8, 1  # of arp_ignore: answers for none, or for addresses of the interface that was asked alone
_LOOPBACK = "lo"


def find_mutes(host: Files, address: str, source: str, addresses: Sequence[str]) -> Tuple[Mute, ...]:
    """Returns what may keep a host from answering who has an address; ``source`` is who asks, empty if not known."""
    own = _find_own(address, addresses)
    if not own:
        return ()
    with contextlib.suppress(OSError):
        holder = rtnetlink.find_holder(own)
        if holder:
            return tuple(_find(host, own, holder, source))
    return ()


def _find_own(address: str, addresses: Sequence[str]) -> str:
    """The address itself, or behind translation the only one that the host has of IPv4."""
    if address in addresses:
        return address
    outer = [one for one in addresses if ":" not in one and not ipaddress.ip_address(one).is_loopback]
    return outer[0] if len(outer) == 1 else ""


def _find(host: Files, own: str, holder: str, source: str) -> Iterator[Mute]:
    ignore = find_effective(host, holder, "arp_ignore")
    if ignore == _NO_ADDRESS:
        yield Mute(own, holder, "arp_ignore", ignore)
    if holder == _LOOPBACK and read_setting(host, ALL, "arp_ignore") >= _ITS_OWN:
        yield Mute(own, holder, "arp_ignore", ignore)
    back, _problem = rtnetlink.find_route(source, own) if source else ("", "")
    if holder == _LOOPBACK or back in ("", holder, _LOOPBACK):
        return
    if find_effective(host, holder, "rp_filter") == STRICT:
        yield Mute(own, holder, "rp_filter", STRICT, source, back)
    if find_effective(host, holder, "arp_filter") > 0:
        yield Mute(own, holder, "arp_filter", 1, source, back)
