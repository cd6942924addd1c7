# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetches the leaf that is served at the endpoints of a site, until it is the wanted one or time is up."""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
from dataclasses import dataclass, replace
from typing import Any, Dict, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._tls.shown import shake_hands

PATIENCE = 3.0  # seconds for one handshake: the host talks to itself
_CONCRETE = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9_-]+)*")  # a host name, no wildcard, pattern or '_'


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of TLS: address or host name, port, server name to send ('' for none), a PROXY line before TLS.

    ``instead`` are the names of the server that is asked for, where ``name`` is none of them: another may answer.
    ``starttls`` is the protocol of mail that begins TLS there, empty where TLS comes first.
    """

    address: str
    port: int
    name: str
    proxy: bool = False
    instead: Tuple[str, ...] = ()
    starttls: str = ""

    def own(self) -> Optional[Endpoint]:
        """Returns the place with a name that leads to the server; None where ``name`` does, or no name is known to."""
        concrete = [name for name in self.instead if _CONCRETE.fullmatch(name) and not is_address(name)]
        return replace(self, name=concrete[0], instead=()) if concrete else None

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Look:
    """The answer of an endpoint: the SHA-256 of the certificate that it showed, or why it showed none.

    ``offered`` is false where a mail server does not offer to begin TLS.
    """

    place: Endpoint
    fingerprint: str = ""
    problem: str = ""
    offered: bool = True

    def describe(self) -> Dict[str, Any]:
        """Returns the look as a module returns it."""
        return {
            "address": self.place.address,
            "port": self.place.port,
            "server_name": self.place.name,
            "fingerprint": self.fingerprint or None,
            "problem": self.problem or None,
        }

    def __str__(self) -> str:
        if self.fingerprint:
            return f"{self.place} serves sha256:{self.fingerprint}"
        return f"{self.place} serves nothing ({self.problem})"


def find_own(places: Sequence[Endpoint]) -> Tuple[Endpoint, ...]:
    """Returns the places whose name need not lead to the server that is meant, with names that do."""
    found = [place.own() for place in places]
    return tuple(place for place in found if place is not None)


def fetch(place: Endpoint, fingerprint: str, kind: str) -> Look:
    """Returns what is served at a place; ``fingerprint`` and ``kind`` of key are those hoped for.

    A server may hold an RSA and an ECDSA certificate and choose by what the client can do: where it shows another
    one than hoped for, it is asked again by a client that can do nothing but ``kind``, as far as TLS 1.2 allows.
    """
    first = _look_once(place, None)
    if first.fingerprint in ("", fingerprint) or kind not in ("RSA", "EC"):
        return first
    second = _look_once(place, "ECDHE+aRSA" if kind == "RSA" else "ECDHE+aECDSA")
    return second if second.fingerprint == fingerprint else first


def is_proved(looks: Sequence[Look], fingerprint: str) -> bool:
    """Tells whether there is at least one look, and every one of them saw the fingerprint."""
    return bool(looks) and all(one.fingerprint == fingerprint for one in looks)


def connect(place: Endpoint) -> socket.socket:
    """Returns a connection on which TLS comes next, or the conversation that begins it; raises OSError."""
    connection = socket.create_connection((place.address, place.port), timeout=PATIENCE)
    try:
        if place.proxy:
            connection.sendall(b"PROXY UNKNOWN\r\n")  # haproxy.org proxy-protocol.txt, 2.1
    except OSError:
        connection.close()
        raise
    return connection


def _look_once(place: Endpoint, ciphers: Optional[str]) -> Look:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who is there is the question; whether to trust it was settled before
    if ciphers is not None:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
    try:
        with connect(place) as connection:
            if place.starttls:
                from ansible_collections.port443.https.plugins.module_utils._tls import starttls

                starttls.begin(connection, place.starttls)
            shown = shake_hands(context, connection, place.name, PATIENCE)
    except ssl.SSLError as problem:
        return Look(place, problem=f"no TLS: {problem.reason or problem}")
    except (OSError, ValueError) as problem:
        words = str(getattr(problem, "strerror", None) or problem)
        return Look(place, problem=words, offered=getattr(problem, "offered", True))
    return Look(place, hashlib.sha256(shown).hexdigest()) if shown else Look(place, problem="no certificate was shown")
