# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The link by which one IP version reaches a host: interface of the default route, addresses, next hop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span


@dataclass(frozen=True)
class Link:
    """The link of one IP version; ``exists`` is False where the host has no such version at all.

    ``gateway`` is the next hop to strangers over IPv6 as an integer, None if not known. ``plain`` are the interfaces
    that are no bridge and not part of one; ``direct`` those without neighbours to find, such as tunnels; ``layered``
    those that are made of others, as those of VLANs and bonds are. ``names`` are all of them, empty if not known.
    ``one_way`` are those by which no stranger gets in whatever the rules say, and why, as a sentence.
    ``listeners`` are protocol and port of the sockets that wait for others than the host itself, None if nobody looked.
    """

    family: int
    exists: bool
    interface: Optional[str]
    addresses: Tuple[Span, ...]
    gateway: Optional[int] = None
    plain: FrozenSet[str] = frozenset()
    direct: FrozenSet[str] = frozenset()
    layered: FrozenSet[str] = frozenset()
    names: FrozenSet[str] = frozenset()
    one_way: Tuple[Tuple[str, str], ...] = ()
    listeners: Optional[FrozenSet[Tuple[int, int]]] = None
