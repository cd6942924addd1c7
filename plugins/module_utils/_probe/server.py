# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks what a server offers beside a handshake: versions of TLS, HTTP/2, an answer, HSTS, QUIC."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from typing import List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure, SocketPlace
from ansible_collections.port443.https.plugins.module_utils._probe.reach import connect_datagrams, explain, get_headers
from ansible_collections.port443.https.plugins.module_utils._probe.tls import make_open_context, shake_hands

OLD_VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1.1": ssl.TLSVersion.TLSv1_1}
# What OpenSSL says when it is this machine that cannot, or may not, offer a version.
_CLIENT_REFUSES = ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE", "UNSUPPORTED_PROTOCOL", "NO_SUITABLE_DIGEST")
NOT_FOUND = 404
_QUIC_DATAGRAM = 1200  # bytes a client's first datagram has at least, RFC 9000, 14.1
_QUIC_TRIES = 3


def check_versions(place: SocketPlace, name: str, version: str, timeout: float) -> str:
    """Returns which versions of TLS the server takes, ``version`` the one agreed on; raises Failure for an old one."""
    if version in OLD_VERSIONS:
        raise Failure("old tls", f"agrees on {version}, which browsers refuse")
    taken: List[str] = []
    refused: List[str] = []
    unasked: List[str] = []
    for old, number in OLD_VERSIONS.items():
        answer = _offer(place, name, number, timeout)
        (unasked if answer is None else taken if answer else refused).append(old)
    if taken:
        raise Failure("old tls", f"accepts {' and '.join(taken)}, which RFC 8996 forbids")
    told = f"{version}; {' and '.join(refused)} refused" if refused else version
    return told + (f"; {' and '.join(unasked)} cannot be asked for from this machine" if unasked else "")


def check_http2(place: SocketPlace, name: str, timeout: float) -> str:
    """Returns the protocol that the server chooses of HTTP/2 and HTTP/1.1; raises Failure unless it is HTTP/2."""
    context = make_open_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with shake_hands(context, place, name, timeout) as connection:
        chosen = connection.selected_alpn_protocol()
    if chosen != "h2":
        raise Failure("no http2", f"the server chooses {chosen or 'no protocol at all'} (ALPN, RFC 7301)")
    return "h2"


def check_hsts(place: SocketPlace, name: str, timeout: float) -> str:
    """Returns the header that tells browsers to use HTTPS alone (RFC 6797); raises Failure where none counts."""
    header = _get_front_page(place, name, timeout).getheader("Strict-Transport-Security") or ""
    age = re.search(r"(?:^|;)\s*max-age\s*=\s*\"?([0-9]+)", header, re.IGNORECASE)
    if age is None or int(age.group(1)) == 0:
        told = f"the header is {header!r}" if header else "there is no header Strict-Transport-Security"
        raise Failure("no hsts", told)
    return header


def check_status(place: SocketPlace, name: str, timeout: float, serves_files: bool, right: Sequence[int]) -> str:
    """Returns with which status ``/`` is answered; raises Failure for 5xx, and for 404 of a site that ``serves_files``.

    Whatever is among ``right`` is. Other errors of the client may be meant, such as 401 and 403.
    """
    response = _get_front_page(place, name, timeout)
    told = f"{response.status} {response.reason}".strip()
    if response.status in right:
        return told
    if response.status >= 500:
        raise Failure("server error", f"GET / is answered {told}: the application does not answer, or fails")
    if response.status == NOT_FOUND:
        if serves_files:
            raise Failure("not found", f"GET / is answered {told}: the folder of the site is missing or empty")
        return f"{told}: there is nothing at /, which may be meant"
    return told


def _get_front_page(place: SocketPlace, name: str, timeout: float) -> http.client.HTTPResponse:
    # Not HTTPSConnection: it would load the CAs of the system, which costs more than all the rest of the look.
    connection = http.client.HTTPConnection(place.address, place.port, timeout=timeout)
    connection.sock = shake_hands(make_open_context(), place, name, timeout)
    host = (f"[{name}]" if ":" in name else name) + ("" if place.port == 443 else f":{place.port}")
    return get_headers(connection, "/", host, timeout)


def check_quic(place: SocketPlace, timeout: float) -> str:
    """Returns which versions of QUIC answer on the UDP port; raises Failure.

    A server answers a version that nobody has with those that it has (RFC 9000, 6.1), and needs no handshake for it.
    """
    own, theirs = os.urandom(8), os.urandom(8)
    question = bytes([0xC0]) + bytes.fromhex("1a2a3a4a") + bytes([8]) + theirs + bytes([8]) + own
    with connect_datagrams(place, timeout) as connection:
        connection.settimeout(timeout / _QUIC_TRIES)
        for _attempt in range(_QUIC_TRIES):
            try:
                connection.send(question.ljust(_QUIC_DATAGRAM, b"\x00"))
                answer = connection.recv(65535)
            except socket.timeout:
                continue
            except OSError as error:
                raise explain(error, timeout) from error
            return _read_versions(answer, own, theirs)
    raise Failure("timed out", f"no answer in {timeout:g} s: a firewall drops it, or nothing speaks QUIC there")


def _offer(place: SocketPlace, name: str, version: ssl.TLSVersion, timeout: float) -> Optional[bool]:
    """Whether the server takes a version; None where this machine does not offer it. Raises Failure for a time-out."""
    try:
        context = make_open_context()
        context.minimum_version = context.maximum_version = version
    except (ValueError, ssl.SSLError):
        return None
    try:
        shake_hands(context, place, name, timeout).close()
    except Failure as failure:
        cause = failure.__cause__
        if isinstance(cause, ssl.SSLError) and cause.reason in _CLIENT_REFUSES:
            return None
        if failure.outcome == "timed out":
            raise
        return False
    return True


def _read_versions(answer: bytes, own: bytes, theirs: bytes) -> str:
    """Version Negotiation: a long header of version 0, connection ids swapped, then versions (RFC 9000, 17.2.1)."""
    head = bytes(4) + bytes([8]) + own + bytes([8]) + theirs
    if not answer[:1] or not answer[0] & 0x80 or answer[1 : 1 + len(head)] != head:
        raise Failure("not quic", "what answers there does not speak QUIC")
    rest = answer[1 + len(head) :]
    numbers = [int.from_bytes(rest[at : at + 4], "big") for at in range(0, len(rest), 4)]
    names = {1: "1", 0x6B3343CF: "2"}  # RFC 9000, RFC 9369
    known = [names.get(number, f"0x{number:08x}") for number in numbers if number & 0x0F0F0F0F != 0x0A0A0A0A]
    return f"QUIC version {', '.join(known)}" if known else "QUIC"
