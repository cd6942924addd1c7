# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is served is what is found: real handshakes with servers of this process, on loopback."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._pki.chain import read_pair
from ansible_collections.port443.https.plugins.module_utils._tls import proof, self_handshake, served_certificate, shown
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look

NOW = int(pki.NOW.timestamp())


def make_context(site):
    return self_handshake.load_pair(read_pair(site.pem(), site.key_pem(), pki.intermediate().pem(), NOW))


@contextlib.contextmanager
def serve(context_for):
    """Answers TLS on loopback, each connection with the context for its number, or hangs up where that is None."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        over = threading.Event()

        def answer():
            number = 0
            while not over.is_set():
                try:
                    connection, _peer = listener.accept()
                except socket.timeout:
                    continue
                context = context_for(number)
                number += 1
                with contextlib.suppress(OSError), connection:
                    connection.settimeout(2)
                    if context is not None:
                        context.wrap_socket(connection, server_side=True).close()

        server = threading.Thread(target=answer)
        server.start()
        try:
            yield Endpoint("127.0.0.1", listener.getsockname()[1], "www.example.com")
        finally:
            over.set()
            server.join()


def test_the_certificate_that_is_served_is_found():
    site = pki.site()
    with serve(lambda number: make_context(site)) as place:
        assert served_certificate.fetch(place, site.sha256(), "EC") == Look(place, site.sha256())


def test_another_certificate_is_found_for_what_it_is():
    site, other = pki.site(), pki.site(number=2)
    with serve(lambda number: make_context(other)) as place:
        assert served_certificate.fetch(place, site.sha256(), "EC") == Look(place, other.sha256())


@pytest.mark.parametrize("kind", ["RSA", "EC"])
def test_of_two_certificates_the_one_hoped_for_is_asked_for(kind):
    sites = {"EC": pki.site(), "RSA": pki.site(key="rsa2048")}
    context = make_context(sites["EC"])
    with self_handshake._as_path(sites["RSA"].pem() + sites["RSA"].key_pem(), None) as path:
        context.load_cert_chain(path)
    with serve(lambda number: context) as place:
        assert served_certificate.fetch(place, sites[kind].sha256(), kind) == Look(place, sites[kind].sha256())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("key", ["p256", "rsa2048"])
def test_what_a_server_shows_that_wants_a_certificate_of_the_client_is_found(version, key):
    """As Apache with SSLVerifyClient require, or HAProxy with verify required."""
    site = pki.site(key=key)
    context = make_context(site)
    context.minimum_version = context.maximum_version = version
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=pki.root().pem().decode())
    with serve(lambda number: context) as place:
        assert served_certificate.fetch(place, site.sha256(), "EC") == Look(place, site.sha256())


def test_what_was_shown_before_the_handshake_was_refused_for_another_reason_is_no_proof():
    """A client that accepts none of the server's signatures gives up after it has seen the certificate."""
    site = pki.site(key="rsa2048")
    context = make_context(site)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # which verifies, and trusts nobody
    client.check_hostname = False
    with contextlib.ExitStack() as opened:
        place = opened.enter_context(serve(lambda number: context))
        connection = opened.enter_context(socket.create_connection((place.address, place.port)))
        opened.enter_context(pytest.raises(ssl.SSLError))
        shown.shake_hands(client, connection, place.name, 2)


@pytest.mark.parametrize(
    "flight", [b"", b"\x16\x03\x03", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\x00\x04\x0b\x00\x00\x09"]
)
def test_a_flight_without_a_certificate_shows_none(flight):
    assert shown._read_flight(shown._read_messages(flight)).chain == ()


def test_a_closed_port_is_told():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = Endpoint("127.0.0.1", listener.getsockname()[1], "")
    assert served_certificate.fetch(place, "00", "EC") == Look(place, problem="Connection refused")
    assert str(served_certificate.fetch(place, "00", "EC")) == f"{place} serves nothing (Connection refused)"


def test_a_server_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(served_certificate, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = Endpoint("127.0.0.1", listener.getsockname()[1], "")
        before = time.monotonic()
        look = served_certificate.fetch(place, "00", "EC")
        assert (look.fingerprint, "timed out" in look.problem) == ("", True)
        assert time.monotonic() - before < 2


def test_a_server_that_hangs_up_is_told():
    with serve(lambda number: None) as place:
        look = served_certificate.fetch(place, "00", "EC")
    assert (look.fingerprint, bool(look.problem)) == ("", True)


def test_proof_waits_for_a_slow_reload():
    old, new = make_context(pki.site(number=2)), make_context(pki.site())
    with serve(lambda number: old if number < 5 else new) as place:
        looks = proof.look_until_met([Expectation("www", pki.site().sha256(), "", (place,))], 10)
    assert looks == {"www": (Look(place, pki.site().sha256()),)}


def test_one_lucky_look_is_no_proof():
    """Connections alternate, as if an old worker and a new one took turns for good."""
    old, new = make_context(pki.site(number=2)), make_context(pki.site())
    with serve(lambda number: (new, old)[number % 2]) as place:
        before = time.monotonic()
        proof.look_until_met([Expectation("www", pki.site().sha256(), "", (place,))], 1)
        assert time.monotonic() - before >= 1


def test_every_place_has_to_serve_it():
    site, other = Look(Endpoint("::1", 443, "x"), "aa"), Look(Endpoint("127.0.0.1", 443, "x"), "bb")
    assert served_certificate.is_proved((site, site), "aa") is True
    assert served_certificate.is_proved((site, other), "aa") is False
    assert served_certificate.is_proved((), "aa") is False


def test_places_are_written_as_people_write_them():
    assert (str(Endpoint("::1", 443, "x")), str(Endpoint("127.0.0.1", 443, "x"))) == ("[::1]:443", "127.0.0.1:443")


def test_a_pair_is_loaded_without_a_file_anybody_could_read(tmp_path, monkeypatch):
    """Where the system has no memfd, a file of a private folder is used, and it is gone afterwards."""
    monkeypatch.delattr("os.memfd_create", raising=False)
    seen = []
    real = ssl.SSLContext.load_cert_chain

    def watch(context, path, **given):
        import os

        seen.append((os.stat(path).st_mode & 0o7777, os.stat(os.path.dirname(path)).st_mode & 0o7777))
        return real(context, path, **given)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    site = pki.site()
    self_handshake.load_pair(read_pair(site.pem(), site.key_pem(), None, NOW), str(tmp_path))
    assert (seen, list(tmp_path.iterdir())) == ([(0o600, 0o700)], [])


def test_what_is_not_served_yet_is_looked_at_again_for_a_moment_and_the_rest_is_left():
    old, new = pki.site(), pki.site(number=2)
    # A look asks twice where it does not see what it hopes for.
    with serve(lambda number: make_context(old if number < 3 else new)) as place, serve(lambda number: None) as quiet:
        late = Expectation("late", new.sha256(), "EC", (place,))
        met = Expectation("met", new.sha256(), "EC", (quiet,))
        lost = Expectation("lost", new.sha256(), "EC", (quiet,))
        looks = {"late": (Look(place, old.sha256()),), "met": (Look(quiet, new.sha256()),)}
        assert proof.look_again([late, met], looks) == {**looks, "late": (Look(place, new.sha256()),)}
        started = time.monotonic()
        assert proof.look_again([lost], {"lost": ()})["lost"][0].fingerprint == ""
        assert time.monotonic() - started < 3 * proof.SETTLING
