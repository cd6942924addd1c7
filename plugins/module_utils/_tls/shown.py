# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetches the certificates from a server's first flight, so also where the handshake fails for want of a client's.

In TLS 1.2 such a server (SSLVerifyClient require, verify required) sends its alert before the handshake is over, and
Python's ssl then tells nothing of what it showed; in TLS 1.3 a client is through before that.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Dict, Optional, Tuple

_SIZE = 16384
# RFC 5246, 6.2.1 and 7.4
_HANDSHAKE, _SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_REQUEST = 22, 2, 11, 13
_VERSIONS = {b"\x03\x01": "TLSv1", b"\x03\x02": "TLSv1.1", b"\x03\x03": "TLSv1.2"}  # as Python calls them


@dataclass(frozen=True)
class ShownCertificates:
    """The DER of what a server showed, leaf first, and the version of TLS that was agreed on (``TLSv1.3``).

    Of TLS 1.3, Python tells the leaf alone up to 3.12.
    """

    chain: Tuple[bytes, ...] = ()
    version: str = ""


def shake_hands(context: ssl.SSLContext, connection: socket.socket, name: str, seconds: float) -> Optional[bytes]:
    """Returns the DER of the certificate that the server showed, None for none; as observe does."""
    return next(iter(observe(context, connection, name, seconds).chain), None)


def observe(context: ssl.SSLContext, connection: socket.socket, name: str, seconds: float) -> ShownCertificates:
    """Returns what the server showed; raises OSError, and ValueError for a name that cannot be sent.

    ``name`` is the server name to send ('' for none), ``seconds`` are for the whole handshake. What a server shows that
    asks for a certificate and then refuses to go on without one counts: OpenSSL answers the request only after it has
    checked that the server signed with the key of what it showed (RFC 5246, 7.4.3).
    """
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(received, to_send, server_hostname=name or None)
    end, flight, answered = time.monotonic() + seconds, bytearray(), False
    try:
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                session.do_handshake()
                with contextlib.suppress(OSError):
                    connection.sendall(to_send.read())
                return _read_session(session, bytes(flight))
            answered = answered or bool(flight and to_send.pending)
            if time.monotonic() >= end:
                raise socket.timeout("timed out")
            connection.settimeout(end - time.monotonic() + 0.001)
            connection.sendall(to_send.read())
            part = connection.recv(_SIZE)
            flight += part
            if part:
                received.write(part)
            else:
                received.write_eof()
    except OSError:
        messages = _read_messages(bytes(flight)) if answered else {}
        shown = _read_flight(messages)
        if _CERTIFICATE_REQUEST not in messages or not shown.chain:
            raise
        return shown


def _read_session(session: ssl.SSLObject, flight: bytes) -> ShownCertificates:
    """Returns what a handshake that succeeded showed."""
    leaf, version = session.getpeercert(binary_form=True), session.version() or ""
    if not leaf:
        return ShownCertificates((), version)
    tell_chain = getattr(session, "get_unverified_chain", None)  # since Python 3.13
    chain = tuple(tell_chain()) if tell_chain else _read_flight(_read_messages(flight)).chain
    return ShownCertificates(chain if chain[:1] == (leaf,) else (leaf,), version)


def _read_flight(messages: Dict[int, bytes]) -> ShownCertificates:
    """Returns what a server sent in the clear, as it does up to TLS 1.2."""
    listed, chain = messages.get(_CERTIFICATE, b"")[3:], []
    while len(listed) > 3:
        size = int.from_bytes(listed[:3], "big")
        if len(listed) < 3 + size:
            break
        chain.append(listed[3 : 3 + size])
        listed = listed[3 + size :]
    return ShownCertificates(tuple(chain), _VERSIONS.get(messages.get(_SERVER_HELLO, b"")[:2], ""))


def _read_messages(flight: bytes) -> Dict[int, bytes]:
    """Returns the handshake messages by their kind; of records of another kind nothing is read."""
    stream = b""
    while len(flight) >= 5:
        size = int.from_bytes(flight[3:5], "big")
        if flight[0] == _HANDSHAKE:
            stream += flight[5 : 5 + size]
        flight = flight[5 + size :]
    messages: Dict[int, bytes] = {}
    while len(stream) >= 4:
        size = int.from_bytes(stream[1:4], "big")
        messages.setdefault(stream[0], stream[4 : 4 + size])
        stream = stream[4 + size :]
    return messages
