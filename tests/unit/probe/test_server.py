# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a server offers is found out by asking it, and what is missing is named."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._probe import server as _probe_server
from ansible_collections.port443.https.plugins.module_utils._probe.finding import Failure, SocketPlace, finding, sum_up
from ansible_collections.port443.https.plugins.module_utils._probe.probe import probe
from ansible_collections.port443.https.plugins.module_utils._probe.request import ProbeRequest

NAME = "www.example.com"


def at(port):
    return SocketPlace("127.0.0.1", "127.0.0.1", "ipv4", port)


def serve(servers, answer=b"", alpn=(), newest=None, oldest=None):
    """A TLS server that gives one answer to whatever it is asked; returns its place."""
    context = servers.context([pki.site().pem()], pki.site().key_pem())
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = oldest or ssl.TLSVersion.TLSv1_2
    context.maximum_version = newest or ssl.TLSVersion.TLSv1_3
    if alpn:
        context.set_alpn_protocols(list(alpn))

    def behave(connection):
        with context.wrap_socket(connection, server_side=True) as session:
            if session.recv(4096):
                session.sendall(answer)

    return at(servers.raw(behave))


def test_old_versions_that_are_refused_are_told(servers):
    place = serve(servers)
    assert _probe_server.check_versions(place, NAME, "TLSv1.3", 2) == "TLSv1.3; TLSv1 and TLSv1.1 refused"


@pytest.mark.parametrize(
    ("oldest", "words"),
    [
        (ssl.TLSVersion.TLSv1, "accepts TLSv1 and TLSv1.1, which RFC 8996 forbids"),
        (ssl.TLSVersion.TLSv1_1, "accepts TLSv1.1, which RFC 8996 forbids"),
    ],
)
def test_an_old_version_that_is_taken_is_named(servers, oldest, words):
    with pytest.raises(Failure) as failure:
        _probe_server.check_versions(serve(servers, oldest=oldest), NAME, "TLSv1.3", 2)
    assert (failure.value.outcome, failure.value.detail) == ("old tls", words)


def test_an_old_version_that_was_agreed_on_is_named(servers):
    with pytest.raises(Failure) as failure:
        _probe_server.check_versions(at(1), NAME, "TLSv1.1", 2)
    assert failure.value.detail == "agrees on TLSv1.1, which browsers refuse"


def test_a_version_this_machine_cannot_offer_is_no_finding_about_the_server(servers, monkeypatch):
    def refuse(*_given):
        error = ssl.SSLError(1, "no protocols available")
        error.reason = "NO_PROTOCOLS_AVAILABLE"
        raise Failure("no handshake", "no protocols available") from error

    monkeypatch.setattr(_probe_server, "shake_hands", refuse)
    assert _probe_server.check_versions(at(1), NAME, "TLSv1.2", 2) == (
        "TLSv1.2; TLSv1 and TLSv1.1 cannot be asked for from this machine"
    )


def test_http2_is_what_the_server_chooses(servers):
    assert _probe_server.check_http2(serve(servers, alpn=["h2", "http/1.1"]), NAME, 2) == "h2"
    for alpn, chosen in ((["http/1.1"], "http/1.1"), ([], "no protocol at all")):
        with pytest.raises(Failure) as failure:
            _probe_server.check_http2(serve(servers, alpn=alpn), NAME, 2)
        assert (failure.value.outcome, failure.value.detail) == (
            "no http2",
            f"the server chooses {chosen} (ALPN, RFC 7301)",
        )


def answer(header):
    return f"HTTP/1.1 200 OK\r\n{header}Content-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("value", ["max-age=300", "includeSubDomains; Max-Age = 63072000", 'max-age="1"'])
def test_hsts_is_the_header(servers, value):
    place = serve(servers, answer(f"Strict-Transport-Security: {value}\r\n"))
    assert _probe_server.check_hsts(place, NAME, 2) == value


@pytest.mark.parametrize(
    ("said", "outcome", "detail"),
    [
        (answer(""), "no hsts", "there is no header Strict-Transport-Security"),
        (answer("Strict-Transport-Security: max-age=0\r\n"), "no hsts", "the header is 'max-age=0'"),
        (answer("Strict-Transport-Security: x-max-age=1\r\n"), "no hsts", "the header is 'x-max-age=1'"),
        (
            b"220 mail ready\r\n",
            "not http",
            "what answers there does not speak HTTP: BadStatusLine('220 mail ready\\r\\n')",
        ),
    ],
)
def test_hsts_that_does_not_count_is_told(servers, said, outcome, detail):
    with pytest.raises(Failure) as failure:
        _probe_server.check_hsts(serve(servers, said), NAME, 2)
    assert (failure.value.outcome, failure.value.detail) == (outcome, detail)


def version_negotiation(question):
    """What a server of QUIC versions 1 and 2 says to a client of a version it does not know (RFC 9000, 17.2.1)."""
    theirs, own = question[6:14], question[15:23]
    versions = bytes.fromhex("00000001") + bytes.fromhex("6b3343cf") + bytes.fromhex("8a1a2a3a")
    return b"\x80" + bytes(4) + b"\x08" + own + b"\x08" + theirs + versions


@contextlib.contextmanager
def datagrams(reply):
    """Answers datagrams on loopback with ``reply(datagram)``, None for none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5)

        def work():
            with contextlib.suppress(OSError):
                while True:
                    question, client = listener.recvfrom(65535)
                    said = reply(question)
                    if said is not None:
                        listener.sendto(said, client)

        threading.Thread(target=work, daemon=True).start()
        yield at(listener.getsockname()[1])


def test_quic_answers_with_its_versions():
    seen = []
    with datagrams(lambda question: seen.append(question) or version_negotiation(question)) as place:
        assert _probe_server.check_quic(place, 2) == "QUIC version 1, 2"
    assert (len(seen[0]), seen[0][0] & 0x80, seen[0][1] & 0x0F) == (1200, 0x80, 0x0A)


def test_a_lost_datagram_is_asked_again():
    seen = []
    with datagrams(
        lambda question: version_negotiation(question) if seen.append(1) or len(seen) > 1 else None
    ) as place:
        assert _probe_server.check_quic(place, 1.5) == "QUIC version 1, 2"


@pytest.mark.parametrize(
    ("reply", "outcome"), [(lambda question: None, "timed out"), (lambda question: question, "not quic")]
)
def test_other_than_quic_is_told(reply, outcome):
    with datagrams(reply) as place, pytest.raises(Failure) as failure:
        _probe_server.check_quic(place, 0.3)
    assert failure.value.outcome == outcome


def test_a_closed_udp_port_is_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        place = at(taken.getsockname()[1])
    with pytest.raises(Failure) as failure:
        _probe_server.check_quic(place, 1)
    assert failure.value.outcome == "refused"


def test_the_checks_are_made_of_every_name_and_quic_of_every_address(servers):
    with datagrams(version_negotiation) as quic:
        request = ProbeRequest(("127.0.0.1",), (NAME,), port=quic.port, checks=("quic",), timeout=1)
        report = probe(request)
    assert report.findings == (finding("quic", "", quic, "ok", "QUIC version 1, 2"),)
    place = serve(servers, answer(""), alpn=["h2"])
    request = ProbeRequest(
        ("127.0.0.1",), (NAME,), port=place.port, checks=("tls", "versions", "http2", "hsts"), timeout=2
    )
    assert sum_up(probe(request).findings) == {"tls": "ok", "versions": "ok", "http2": "ok", "hsts": "no hsts"}


def test_a_host_without_an_address_has_no_quic():
    request = ProbeRequest(("nowhere.invalid",), (NAME,), checks=("quic",), timeout=1)
    assert sum_up(probe(request).findings) == {"quic": "unresolvable"}


def test_checks_are_summed_up_by_their_first_failure():
    good, late, none = (finding("tls", NAME, at(443), word, "") for word in ("ok", "timed out", "not tried"))
    assert sum_up([good, none, late]) == {"tls": "timed out"}
    assert sum_up([late, none, good]) == {"tls": "timed out"}
    assert sum_up([good, good]) == {"tls": "ok"}
    assert sum_up([none]) == {"tls": "not tried"}
