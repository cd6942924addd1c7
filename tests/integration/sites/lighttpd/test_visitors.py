# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who is let in by lighttpd's sites, and how they speak TLS: users, client certificates, balancers."""

from __future__ import annotations

import base64
import hashlib
import ssl
from pathlib import Path

import pki
import pytest
import yaml
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from application import Application
from lighttpd_sites import SPOOFED
from scanner import scan
from visiting import ask, make_client, open_tls, page, tls_context


def test_basic_auth_asks_everywhere_but_for_challenges(server, backend):
    folder = server.folder
    users = folder / "users file"
    digest = base64.b64encode(hashlib.sha1(b"secret").digest()).decode()  # noqa: S324
    users.write_text(f"jane:{{SHA}}{digest}\n")
    page(folder, "acme/.well-known/acme-challenge/token", "proof")
    site = server.site(
        "www.example.com",
        backends=(backend,),
        users_file=str(users),
        redirect=False,
        locations=(Location("/files", root=str(folder)), Location("/moved", redirect_to="/")),
    )
    server.write(site)
    right = "Authorization: Basic " + base64.b64encode(b"jane:secret").decode()
    with server.running():
        for tls, port in ((True, 443), (False, 80)):
            for path in ("/", "/files", "/moved"):
                assert ask("www.example.com", path, tls=tls, port=port).status == 401
            assert ask("www.example.com", headers=[right], tls=tls, port=port).status == 200
        challenge = ask("www.example.com", "/.well-known/acme-challenge/token", tls=False, port=80)
        assert (challenge.status, challenge.body) == (200, b"proof")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_is_asked_for_whatever_name_the_handshake_had(server, version):
    folder = server.folder
    (ca, client), (_other_ca, stranger) = make_client(folder, "a"), make_client(folder, "bb")
    page(folder, "www/page", "ours")
    server.write(
        server.site("a.example.com", client_ca=ca, client_verification="required"),
        server.site("may.example.com", number=2, client_ca=ca, client_verification="optional"),
        server.site("open.example.com", number=3),
    )
    with server.running():
        good, bad, without = (tls_context(one, version) for one in (client, stranger, None))
        assert ask("a.example.com", "/page", context=good).body == b"ours"
        for context in (bad, without):
            assert opens(context, "a.example.com", "a.example.com") is False
            for name in ("may.example.com", "open.example.com", None, "wrong.example.com"):
                assert opens(context, name, "a.example.com") is False, name
            assert opens(context, "may.example.com", "may.example.com") is True
            assert opens(context, "open.example.com", "open.example.com") is True
        for name in ("may.example.com", "open.example.com"):
            assert opens(without, "a.example.com", "a.example.com", visit(without, name)) is False


def visit(context, name):
    """Asks for a page and returns the session."""
    with open_tls(name, context=context) as connection:
        connection.sendall(f"GET /page HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert b"200 OK" in connection.recv(4096)
        return connection.session


def opens(context, name, host, session=None) -> bool:
    try:
        with open_tls(name, context=context, session=session) as connection:
            connection.sendall(f"GET /page HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return b"200 OK" in connection.recv(4096)
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return False


def test_sessions_are_resumed_where_nobody_asks_for_certificates(server):
    folder = server.folder
    page(folder, "www/page", "ours")
    server.write(server.site("www.example.com"))
    with server.running():
        context = tls_context()
        session = visit(context, "www.example.com")
        with open_tls("www.example.com", context=context, session=session) as connection:
            assert connection.session_reused is True


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "10.0.0.0/8"])
def test_a_balancers_word_counts_if_it_is_trusted(server, trusted):
    folder = server.folder
    page(folder, "www/index.php", "<?php")
    page(folder, "www/page", "ours")
    users = folder / "users"
    users.write_text("")
    server.set(trusted_proxies=(trusted, "2001:db8::/32"))
    headers = ["X-Forwarded-For: 198.51.100.9, 192.0.2.7", "X-Forwarded-Proto: https"]
    ours = trusted.startswith("127")
    with Application(fastcgi=True) as php:
        server.write(server.site("www.example.com", locations=(Location("/", php=php.place),)))
        with server.running():
            told = ask("www.example.com", "/index.php", headers=headers).told()
            assert told["REMOTE_ADDR"] == ("192.0.2.7" if ours else "127.0.0.1")
            plain = ask("www.example.com", "/page", headers=headers, tls=False, port=80)
            assert plain.status == (200 if ours else 301)
            plain = ask("www.example.com", "/page", tls=False, port=80)
            assert plain.all("location") == ["https://www.example.com/page"]
    server.write(server.site("www.example.com", users_file=str(users)))
    with server.running():
        assert ask("www.example.com", "/page", headers=headers, tls=False, port=80).status == (401 if ours else 301)
        assert ask("www.example.com", "/page", tls=False, port=80).status == 301  # no password over plain HTTP


def test_the_proxy_protocol_tells_the_visitor(server, backend):
    server.set(trusted_proxies=("127.0.0.0/8",), proxy_protocol=True)
    server.write(server.site("www.example.com", backends=(backend,)))
    line = b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 443\r\n"
    with server.running():
        for headers in ([], SPOOFED):
            told = ask("www.example.com", first=line, headers=headers).told()
            assert told["x-forwarded-for"] == "192.0.2.7"
        assert ask("www.example.com", first=line, tls=False, port=80).status == 301
    server.set(trusted_proxies=("10.0.0.0/8",))
    server.write(server.site("www.example.com", backends=(backend,)))
    with server.running():
        with pytest.raises((ssl.SSLError, OSError)):
            ask("www.example.com", first=line)
        assert ask("www.example.com").told()["x-forwarded-for"] == "127.0.0.1"


@pytest.mark.parametrize("flag", ["", "enable", "disable"])
def test_http2_is_as_it_is_wanted(server, flag):
    more = f'server.feature-flags = ("server.h2proto" => "{flag}", "server.graceful-shutdown-timeout" => 5)'
    server.administer(more if flag else "")
    context = tls_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    for wanted in (False, *([] if flag == "disable" else [True])):
        server.set(http2=wanted)
        server.write(server.site("www.example.com"))
        with server.running(), open_tls("www.example.com", context=context) as connection:
            assert connection.selected_alpn_protocol() == ("h2" if wanted else "http/1.1")


MOZILLA = yaml.safe_load((Path(__file__).parents[2] / "serve_https" / "mozilla.yml").read_text())


@pytest.mark.parametrize("profile", ["intermediate", "modern"])
def test_a_stranger_sees_the_profile_and_nothing_else(server, profile):
    server.set(profile=profile)
    kinds = {"ecdsa.example.com": "-ECDSA-", "rsa.example.com": "-RSA-"}
    pairs = [pki.site("ecdsa.example.com"), pki.site("rsa.example.com", key="rsa2048")]
    server.write(*(server.site(name, pair=pair) for name, pair in zip(kinds, pairs)))
    (server.folder / "ca.pem").write_bytes(pki.root().pem())
    wanted = MOZILLA[profile]
    with server.running():
        seen = scan(kinds, server.folder / "ca.pem")
    assert seen == {
        name: {
            "suites": {
                version: {one for one in wanted["suites"][version] if one.startswith("TLS_") or kind in one}
                for version in wanted["protocols"]
            },
            "curves": set(wanted["curves"]),
            "dh_bits": {wanted["dh_bits"]} if profile == "intermediate" and kind == "-RSA-" else set(),
            "chain": [pair.sha256(), pki.intermediate().sha256()],
            "trusted": [True],
            # Of keys that lighttpd exchanges every eight hours.
            "tickets": "FULLY_SUPPORTED" if profile == "intermediate" else "SERVER_IS_TLS_1_3_ONLY",
            "weak": [],
        }
        for (name, kind), pair in zip(kinds.items(), pairs)
    }
