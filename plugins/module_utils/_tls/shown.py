# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Fetches the leaf from a server's first flight, so also where the handshake fails for want of a client certificate.

In TLS 1.2 such a server (SSLVerifyClient require, verify required) sends its alert before the handshake is over, and
Python's ssl then tells nothing of what it showed; in TLS 1.3 a client is through before that.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from typing import Dict, Optional

_SIZE = 16384
_HANDSHAKE, _CERTIFICATE, _CERTIFICATE_REQUEST = 22, 11, 13  # RFC 5246, 6.2.1 and 7.4


def shake_hands(context: ssl.SSLContext, connection: socket.socket, name: str, seconds: float) -> Optional[bytes]:
    """Returns the DER of the certificate that the server showed, None for none; raises OSError.

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
                return session.getpeercert(binary_form=True)
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
        shown = _read_flight(bytes(flight)) if answered else None
        if shown is None:
            raise
        return shown


def _read_flight(flight: bytes) -> Optional[bytes]:
    """Returns the certificate of a server that asks for one of the client, from what it sent in the clear."""
    messages = _read_messages(flight)
    listed = messages.get(_CERTIFICATE, b"")
    if _CERTIFICATE_REQUEST not in messages or len(listed) < 6:
        return None
    size = int.from_bytes(listed[3:6], "big")
    return listed[6 : 6 + size] if len(listed) >= 6 + size else None


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
