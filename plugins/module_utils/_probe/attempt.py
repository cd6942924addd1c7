# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a look leaves on the wire: from which address and port it connects, so that the host can tell it from others."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._probe.finding import LOST, OK, Finding, SocketPlace
from ansible_collections.port443.https.plugins.module_utils._probe.reach import FAMILIES, connect, own_address

_SIZES = 8  # of segments, each two more than the one before: every other number is one that systems use
_PATIENCE = 0.3  # seconds


@dataclass
class Attempt:
    """One connection, or one exchange of datagrams (``protocol`` udp).

    ``segment`` is the maximum segment size that it asks for, 0 for what is usual; ``port`` the one that it comes from,
    0 as long as that is not known.
    """

    place: SocketPlace
    protocol: str
    segment: int = 0
    port: int = 0

    def knock(self, timeout: float) -> None:
        """Connects and ends that; raises Failure. A recorder that does not know who looks learns it in between."""
        connection = connect(self.place, timeout, self._open())
        time.sleep(_PATIENCE if self.segment else 0.0)
        connection.close()

    def _open(self) -> Optional[socket.socket]:
        """Returns a socket of a port that is known; None where nothing has to be known."""
        if not self.segment:
            return None
        opened = socket.socket(FAMILIES[self.place.family], socket.SOCK_STREAM)
        try:
            opened.bind(("", 0))
            self.port = opened.getsockname()[1]
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, self.segment)
        except OSError:  # a system that has no such option: then the port alone tells
            pass
        return opened


def plan_attempts(places: Sequence[SocketPlace], protocol: str, mark: int) -> List[Attempt]:
    """Returns an attempt for each place; with a ``mark``, which is odd, they ask for that segment size and the next."""
    return [
        Attempt(place, protocol, mark + number % _SIZES * 2 if mark and protocol == "tcp" else 0)
        for number, place in enumerate(places)
    ]


def describe_attempts(attempts: Sequence[Attempt], findings: Sequence[Finding]) -> List[Dict[str, Any]]:
    """Returns each attempt with what came of it, ``ok`` where something answered, as plain values."""
    return [
        {
            "host": attempt.place.host,
            "address": attempt.place.address,
            "family": attempt.place.family,
            "port": attempt.place.port,
            "protocol": attempt.protocol,
            "outcome": _outcome(attempt, findings),
            "sources": [[address, attempt.port] for address in _own(attempt.place)],
            "segment": attempt.segment,
            "named": list(dict.fromkeys(one.place.address for one in attempts if one.place.host == attempt.place.host)),
        }
        for attempt in attempts
    ]


def _outcome(attempt: Attempt, findings: Sequence[Finding]) -> str:
    place = (attempt.place.address, attempt.place.port)
    found = (
        one.outcome
        for one in findings
        if (one.address, one.port) == place and (one.check == "quic") == (attempt.protocol == "udp")
    )
    return next((outcome for outcome in found if outcome in LOST), OK)


def _own(place: SocketPlace) -> Tuple[str, ...]:
    address = own_address(place)
    return (address,) if address else ()
