# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Shakes hands with a server: the certificate that it shows, and whether a client would verify it."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import ssl
import time
from dataclasses import dataclass
from typing import List

from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._pki.pem import read_pem
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._pki.x509 import (
    Certificate,
    describe_name,
    read_certificate,
)
from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure, SocketPlace
from ansible_collections.port443.https.plugins.module_utils._probe.reach import connect, explain
from ansible_collections.port443.https.plugins.module_utils._tls import shown
from ansible_collections.port443.https.plugins.module_utils._tls.shown import ShownCertificates

PARTIAL_CHAIN = 0x80000  # x509_vfy.h; named in Python's ssl since 3.10: a given CA may be an intermediate
# What OpenSSL 1.1.1 to 3.5 says when the first bytes of the answer are no TLS record.
_NOT_TLS = (
    "WRONG_VERSION_NUMBER",
    "UNKNOWN_PROTOCOL",
    "HTTP_REQUEST",
    "PACKET_LENGTH_TOO_LONG",
    "RECORD_LAYER_FAILURE",
)
_EXPIRED, _NOT_YET_VALID = "expired", "not yet valid"
# Numbers of X509_verify_cert_error_string(3).
_OUTDATED = {10: _EXPIRED, 9: _NOT_YET_VALID}
_CHAIN_ENDS = {
    18: "it is self-signed, and not among the trusted ones",
    19: "its root certificate is not among the trusted ones",
    20: "its issuer is not known: the server sends no intermediate certificate, or its root is not trusted",
    21: "its issuer is not known: the server sends no intermediate certificate, or its root is not trusted",
}


@dataclass(frozen=True)
class Handshake:
    """A finished handshake: the certificate that was shown and the protocol version agreed on (``TLSv1.3``)."""

    certificate: Certificate
    version: str


def observe(place: SocketPlace, name: str, timeout: float) -> Handshake:
    """Returns what the server at ``place`` shows who asks for ``name``, without judging it; raises Failure."""
    found = _fetch(make_open_context(), place, name, timeout)
    if not found.chain:
        raise Failure("no certificate", "the server showed no certificate")
    try:
        return Handshake(read_certificate(found.chain[0], "the server's certificate"), found.version)
    except RequestError as problem:
        raise Failure("damaged", problem.message) from problem


def verify(place: SocketPlace, name: str, timeout: float, authorities: str) -> None:
    """Shakes hands as a client does that verifies the chain; raises Failure where it would give up.

    ``authorities`` are trusted certificates in PEM, empty for those of the system. Names are not looked at here, and
    VERIFY_X509_STRICT is left out: Python 3.13 turns it on in default contexts, browsers do not.
    """
    try:
        _fetch(_make_verifying_context(authorities), place, name, timeout)
    except Failure as failure:
        if failure.outcome not in (_EXPIRED, _NOT_YET_VALID):
            raise
        raise Failure(failure.outcome, _find_outdated(place, name, timeout, authorities) + failure.detail) from failure


@functools.lru_cache(maxsize=4)
def _make_verifying_context(authorities: str) -> ssl.SSLContext:
    """Returns a client's context that verifies chains, one for all looks: to load the CAs of a system takes long.

    No session is resumed by it, as none is given to a connection.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if authorities:
        context.verify_flags = ssl.VerifyFlags(int(context.verify_flags) | PARTIAL_CHAIN)
        context.load_verify_locations(cadata=authorities)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def make_open_context() -> ssl.SSLContext:
    """Returns a client's context that judges nobody and offers everything it has.

    With less than ``ALL:@SECLEVEL=0`` it might be the client that refuses.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:!aNULL:@SECLEVEL=0")
    return context


def _fetch(context: ssl.SSLContext, place: SocketPlace, name: str, timeout: float) -> ShownCertificates:
    """Returns what is shown to a client with this context; raises Failure.

    One that wants a certificate of its clients is no failure, once it has shown its own and that is verified.
    """
    with contextlib.closing(connect(place, timeout)) as connection:
        try:
            return shown.observe(context, connection, name, timeout)
        except (OSError, ValueError) as error:
            raise _explain(error, timeout) from error


def _find_outdated(place: SocketPlace, name: str, timeout: float, authorities: str) -> str:
    """Returns the beginning of a sentence: which certificate of a chain is out of date, and when it is not.

    OpenSSL tells which it is to its own callback, which Python does not have.
    """
    context = make_open_context()
    if not hasattr(ssl.SSLObject, "get_unverified_chain"):
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # which sends it in the clear
    chain: List[Certificate] = []
    with contextlib.suppress(Failure, RequestError):
        for der in _fetch(context, place, name, timeout).chain:
            chain.append(read_certificate(der, "the server's certificate"))
    given = [block.der for block in read_pem(authorities.encode("ascii"), "ca").blocks] if authorities else []
    whose = [*((one, "") for one in chain), *((read_certificate(der, "ca"), ", of ca") for der in given)]
    now = int(time.time())
    for one, where in whose:
        if not one.not_before <= now <= one.not_after:
            dates = f"valid from {show_time(one.not_before)} to {show_time(one.not_after)}"
            return f"'{describe_name(one.subject)}'{where}, {dates}: "
    return f"one above '{describe_name(chain[-1].issuer)}', which the server does not send: " if len(chain) > 1 else ""


def shake_hands(context: ssl.SSLContext, place: SocketPlace, name: str, timeout: float) -> ssl.SSLSocket:
    """Returns the connection after a handshake that asks for ``name``; raises Failure."""
    connection = connect(place, timeout)
    try:
        return context.wrap_socket(connection, server_hostname=name)
    except (OSError, ValueError) as error:
        connection.close()
        raise _explain(error, timeout) from error


def _explain(error: Exception, timeout: float) -> Failure:
    """What went wrong in a handshake, the library's own words included."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _explain_verification(error)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Failure("closed", "the server ended the connection in the middle of the handshake")
    if isinstance(error, socket.timeout):
        return Failure("timed out", f"connected, but the handshake did not end in {timeout:g} s")
    if not isinstance(error, ssl.SSLError):
        return explain(error, timeout) if isinstance(error, OSError) else Failure("failed", str(error))
    reason = error.reason or str(error)
    if reason in _NOT_TLS:
        return Failure("not tls", "what answers there does not speak TLS")
    words = re.sub("^(SSLV3|TLSV1|TLSV13)_(ALERT_)?", "", reason).replace("_", " ").lower()
    if words.replace(" ", "_").upper() != reason:
        return Failure("alert", f"the server refused with the TLS alert: {words}")
    return Failure("no handshake", words)


def _explain_verification(error: ssl.SSLCertVerificationError) -> Failure:
    words = error.verify_message
    if error.verify_code in _OUTDATED:
        return Failure(_OUTDATED[error.verify_code], words)
    reason = _CHAIN_ENDS.get(error.verify_code)
    return Failure("untrusted", f"{reason} ({words})" if reason else words)
