# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Proves that a server gives nobody's site to clients who send no server name, or one that no site has.

Such a client is one who visits the bare address, or has found it by scanning. What counts as a refusal: a handshake
that the server ends, a connection that it closes without an answer, and a status that stands for nothing else there.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._tls.proof import AT_ONCE, look_until
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, connect

STRANGER = "a-stranger.port443.invalid"  # RFC 2606 keeps .invalid free
_REQUEST = f"GET /port443-asks-as-a-stranger HTTP/1.1\r\nHost: {STRANGER}\r\nConnection: close\r\n\r\n"
_SIZE = 4096


@dataclass(frozen=True)
class ExpectedRefusal:
    """Where strangers are to be refused, and the ``statuses`` of HTTP that the server refuses them with."""

    places: Tuple[Endpoint, ...] = ()
    statuses: Tuple[int, ...] = ()


@dataclass(frozen=True)
class StrangerLook:
    """What a stranger got at a place, in words, and whether that is a refusal."""

    place: Endpoint
    answer: str
    refused: bool

    def describe(self) -> Dict[str, Any]:
        """Returns the look as a module returns it."""
        return {
            "address": self.place.address,
            "port": self.place.port,
            "server_name": self.place.name,
            "answer": self.answer,
        }

    def __str__(self) -> str:
        who = f"the server name {self.place.name}" if self.place.name else "no server name"
        return f"{self.place} answers a client with {who}: {self.answer}"


def list_strangers(places: Sequence[Endpoint]) -> Tuple[Endpoint, ...]:
    """Returns the places as strangers visit them, without a name and with one that nobody has, each once."""
    asked = [replace(place, name=name, instead=()) for place in places for name in ("", STRANGER)]
    return tuple(dict.fromkeys(asked))


def look_at_all(expected: ExpectedRefusal) -> Tuple[StrangerLook, ...]:
    """Returns one look at each place, many at once."""
    if not expected.places:
        return ()
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(expected.places))) as pool:
        return tuple(pool.map(lambda place: _look(place, expected.statuses), expected.places))


def look_until_refused(expected: ExpectedRefusal, seconds: float) -> Tuple[StrangerLook, ...]:
    """Returns the looks once each saw a refusal, or the last when time was up: old workers may answer meanwhile."""
    return look_until(lambda: look_at_all(expected), is_refused, seconds)


def is_refused(looks: Sequence[StrangerLook]) -> bool:
    """Tells whether each look saw a refusal."""
    return all(look.refused for look in looks)


def tell_served(looks: Sequence[StrangerLook]) -> List[str]:
    """Returns where strangers are not refused, one sentence each."""
    return [str(look) for look in looks if not look.refused]


def _look(place: Endpoint, statuses: Sequence[int]) -> StrangerLook:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # it is nobody's certificate
    context.set_alpn_protocols(["http/1.1"])
    with contextlib.ExitStack() as opened:
        try:
            connection = opened.enter_context(connect(place))
        except OSError as problem:
            return StrangerLook(place, f"nothing ({problem.strerror or problem})", False)
        try:
            session = opened.enter_context(context.wrap_socket(connection, server_hostname=place.name or None))
        except socket.timeout:
            return StrangerLook(place, "nothing, it does not go on with the handshake", False)
        except OSError as problem:  # ssl.SSLError is one
            return StrangerLook(place, f"the handshake is refused ({_name(problem)})", True)
        return _ask(session, place, statuses)


def _ask(session: ssl.SSLSocket, place: Endpoint, statuses: Sequence[int]) -> StrangerLook:
    try:
        session.sendall(_REQUEST.encode("ascii"))
        received = session.recv(_SIZE)
    except socket.timeout:
        return StrangerLook(place, "nothing, it does not answer the request", False)
    except OSError as problem:
        return StrangerLook(place, f"the connection is closed ({_name(problem)})", True)
    if not received:
        return StrangerLook(place, "the connection is closed", True)
    words = received.split(b"\r\n")[0].decode("ascii", "replace").split()
    status = int(words[1]) if len(words) > 1 and words[0].startswith("HTTP/") and words[1].isdigit() else 0
    return StrangerLook(place, f"status {status}" if status else "what is no HTTP", status in statuses)


def _name(problem: OSError) -> str:
    return str(getattr(problem, "reason", None) or problem.strerror or problem)
