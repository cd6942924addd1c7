# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What HAProxy does with rendered sites: real connections to a real HAProxy, with real applications behind it."""

from __future__ import annotations

import ssl
from dataclasses import replace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from haproxy_sites import DEFAULTS, HOSTILE, RunningHaproxy, ask, client_context, start_application, write_pem

SHOP, BLOG = "shop.example.com", "blog.example.com"
WEBSOCKET = (  # RFC 6455, 1.3
    *("Upgrade: websocket", "Connection: keep-alive, Upgrade"),
    *("Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
)


@pytest.fixture
def haproxy(tmp_path):
    running = RunningHaproxy(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def application():
    port, server = start_application()
    yield port
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(tmp_path, application):
    return make_site(tmp_path, SHOP, application, 1)


@pytest.fixture
def blog(tmp_path, application):
    return make_site(tmp_path, BLOG, application, 2)


def make_site(folder, name, port, number, **more):
    pem = write_pem(folder, name, pki.site(name, number=number))
    return Site(name, (name,), pem, pem, backends=(f"http://127.0.0.1:{port}",), **more)


def settings_of(haproxy, **more):
    return ServerSettings(port=haproxy.port, http_port=haproxy.http_port, **more)


@pytest.mark.parametrize("main", [DEFAULTS, HOSTILE, "global\n    maxconn 100\n"])
def test_a_site_is_served_whatever_the_defaults_of_others(haproxy, shop, main):
    haproxy.serve([shop], settings_of(haproxy), main)
    seen = haproxy.ask(SHOP).seen()
    assert (seen["x-forwarded-for"], seen["x-forwarded-proto"]) == (["127.0.0.1"], ["https"])
    assert "x-client" not in seen
    assert haproxy.ask(SHOP, "nobody.example.com").status == 421


def test_a_websocket_is_opened_and_echoes(haproxy, shop):
    haproxy.serve([shop], settings_of(haproxy))
    with haproxy.connect(SHOP) as connection:
        answer = ask(connection, SHOP, headers=WEBSOCKET, close=False)
        connection.sendall(b"hello")
        assert (answer.status, answer.content + connection.recv(100)) == (101, b"echo hello")


def test_nothing_that_a_visitor_says_of_himself_reaches_the_application(haproxy, shop):
    haproxy.serve([shop], settings_of(haproxy))
    spoofed = ["X-Real-IP: 6.6.6.6", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: gopher", "Forwarded: for=6.6.6.6"]
    spoofed += ["X-Forwarded-Host: evil", "x-forwarded-port: 1", "X-Forwarded-Anything: 1"]
    host = f"{SHOP}:{haproxy.port}"
    with haproxy.connect(SHOP) as connection:
        named = "Connection: keep-alive, X-Forwarded-For, X-Forwarded-Proto"
        seen = ask(connection, host, headers=[*spoofed, named], close=False).seen()
    told = {name: values for name, values in seen.items() if name.startswith("x-") or name == "forwarded"}
    assert told == {
        "x-forwarded-for": ["127.0.0.1"],
        "x-forwarded-proto": ["https"],
        "x-forwarded-host": [host],
    }
    assert seen["host"] == [host]
    assert "x-forwarded" not in " ".join(seen.get("connection", [])).lower()


def test_an_unknown_name_gets_no_site(haproxy, shop):
    haproxy.serve([shop], settings_of(haproxy))
    for name in ("nobody.example.com", None):
        with pytest.raises(ssl.SSLError):
            haproxy.ask(name, SHOP)
    assert haproxy.ask(SHOP, "nobody.example.com").status == 421
    assert haproxy.ask_plain("nobody.example.com").status == 404
    assert haproxy.ask_plain("nobody.example.com", "/.well-known/acme-challenge/x").status == 404


def test_a_challenge_is_answered_for_every_name(haproxy, shop):
    acme_port, server = start_application("acme")
    haproxy.serve([shop], settings_of(haproxy, acme_port=acme_port))
    for host in (SHOP, "nobody.example.com"):
        assert haproxy.ask_plain(host, "/.well-known/acme-challenge/x").application() == "acme"
    server.shutdown()
    server.server_close()


def test_the_default_server_answers_to_unknown_names_over_https_alone(haproxy, shop, blog):
    haproxy.serve([replace(shop, default_server=True), blog], settings_of(haproxy))
    assert haproxy.ask("nobody.example.com").status == 200
    assert haproxy.ask(None, "127.0.0.1").status == 200
    assert haproxy.ask_plain("nobody.example.com").status == 404


def test_a_site_with_an_address_is_served_to_clients_without_a_name(haproxy, shop):
    haproxy.serve([replace(shop, names=(SHOP, "127.0.0.1", "::1"))], settings_of(haproxy))
    assert haproxy.ask(None, "127.0.0.1").status == 200
    assert haproxy.ask(None, "[::1]:1234").status == 200
    assert haproxy.ask(None, "127.0.0.2").status == 421


def test_plain_http_leads_to_https_with_path_and_query(haproxy, shop, blog):
    haproxy.serve([shop, replace(blog, redirect=False)], settings_of(haproxy))
    answer = haproxy.ask_plain(f"{SHOP}:{haproxy.http_port}", "/a?b=%41")
    assert (answer.status, answer.values("location")) == (301, [f"https://{SHOP}:{haproxy.port}/a?b=%41"])
    assert haproxy.ask_plain(BLOG).seen()["x-forwarded-proto"] == ["http"]


def test_hsts_is_sent_once_whoever_sends_it(haproxy, shop, blog):
    sites = [replace(shop, hsts_max_age=300, security_headers=True, redirect=False), blog]
    haproxy.serve(sites, settings_of(haproxy))
    answer = haproxy.ask(SHOP)
    assert answer.values("strict-transport-security") == ["max-age=300"]
    assert answer.values("x-content-type-options") == ["nosniff"]
    assert answer.values("x-frame-options") == ["DENY"]  # the application knows better
    assert answer.values("referrer-policy") == ["strict-origin-when-cross-origin"]
    assert haproxy.ask(BLOG).values("strict-transport-security") == ["max-age=1"]


@pytest.mark.parametrize("known", [True, False])
def test_an_https_backend_is_verified(haproxy, tmp_path, shop, known):
    pem = write_pem(tmp_path, "backend", pki.site("localhost", number=3))
    port, server = start_application("tls", pem)
    authority = tmp_path / "backend ca's.crt"
    authority.write_bytes((pki.root() if known else pki.issue("Other", ca=True, number=7)).pem())
    site = replace(shop, backends=(f"https://localhost:{port}",), backend_ca=str(authority))
    haproxy.serve([site], settings_of(haproxy))
    assert haproxy.ask(SHOP).status == (200 if known else 503)
    haproxy.serve([replace(site, verify_backend=False, backend_ca="")], settings_of(haproxy))
    assert haproxy.ask(SHOP).application() == "tls"
    server.shutdown()
    server.server_close()


def test_a_backend_of_another_name_is_refused(haproxy, tmp_path, shop):
    pem = write_pem(tmp_path, "backend", pki.site("elsewhere.example.com", number=3))
    port, server = start_application("tls", pem)
    authority = tmp_path / "ca.crt"
    authority.write_bytes(pki.root().pem())
    haproxy.serve(
        [replace(shop, backends=(f"https://localhost:{port}",), backend_ca=str(authority))], settings_of(haproxy)
    )
    assert haproxy.ask(SHOP).status == 503
    server.shutdown()
    server.server_close()


def test_a_backend_that_is_down_gets_no_requests(haproxy, shop, application):
    haproxy.serve(
        [replace(shop, backends=(*shop.backends, "http://127.0.0.1:1"), health_path="/up")], settings_of(haproxy)
    )
    assert [haproxy.ask(SHOP).status for _attempt in range(4)] == [200] * 4


def test_the_longest_location_answers_also_when_it_is_written_in_other_letters(haproxy, shop):
    port, server = start_application("admin")
    admin = Location("/admin", backends=(f"http://127.0.0.1:{port}",))
    old = Location("/admin/old", redirect_to="https://x.example/%41$HOME", redirect_code=308)
    denied = Location("/it's \"#\\", directives=("http-request return status 418",))
    haproxy.serve([replace(shop, locations=(admin, old, denied))], settings_of(haproxy))
    assert [haproxy.ask(SHOP, path=path).application() for path in ("/", "/admin/x", "/%61dmin")] == [
        "application",
        "admin",
        "admin",
    ]
    answer = haproxy.ask(SHOP, path="/admin/old/x")
    assert (answer.status, answer.values("location")) == (308, ["https://x.example/%41$HOME"])
    assert haproxy.ask(SHOP, path="/it's%20%22%23%5cx").status == 418
    server.shutdown()
    server.server_close()


def test_a_name_wins_over_a_wildcard_of_another_site(haproxy, shop, blog):
    port, server = start_application("wild")
    wild = replace(blog, name="a", names=("*.example.com",), backends=(f"http://127.0.0.1:{port}",))
    haproxy.serve([wild, shop], settings_of(haproxy))
    assert haproxy.ask(SHOP).application() == "application"
    assert haproxy.ask("any.example.com").application() == "wild"
    server.shutdown()
    server.server_close()


def test_a_balancer_says_who_the_visitor_is(haproxy, shop):
    haproxy.serve([shop], settings_of(haproxy, trusted_proxies=("127.0.0.1/32", "192.0.2.0/24")))
    with haproxy.connect(SHOP) as connection:
        said = ["X-Forwarded-For: 6.6.6.6, 203.0.113.9, 192.0.2.1", "X-Forwarded-Proto: http"]
        first = ask(connection, SHOP, headers=said, close=False).seen()
        second = ask(connection, SHOP, close=False).seen()
    assert (first["x-forwarded-for"], first["x-forwarded-proto"]) == (["203.0.113.9"], ["http"])
    assert (second["x-forwarded-for"], second["x-forwarded-proto"]) == (["127.0.0.1"], ["https"])
    by_https = haproxy.ask_plain(SHOP, headers=["X-Forwarded-Proto: https", "X-Forwarded-For: 203.0.113.9"])
    assert by_https.seen()["x-forwarded-proto"] == ["https"]
    assert haproxy.ask_plain(SHOP, headers=["X-Forwarded-Proto: http"]).status == 301


def test_a_proxy_line_is_needed_and_believed(haproxy, shop):
    haproxy.serve([shop], settings_of(haproxy, trusted_proxies=("192.0.2.0/24",), proxy_protocol=True))
    line = f"PROXY TCP4 203.0.113.9 127.0.0.1 1234 {haproxy.port}\r\n".encode()
    seen = haproxy.ask(SHOP, before=line, headers=["X-Forwarded-For: 6.6.6.6"]).seen()
    assert seen["x-forwarded-for"] == ["203.0.113.9"]
    with pytest.raises((ssl.SSLError, ConnectionError)):
        haproxy.ask(SHOP)


def client_of(folder, name, authority, number):
    issued = pki.issue(name, [name], issuer=authority, number=number, purposes=("client",))
    path = folder / f"{name}.pem"
    path.write_bytes(issued.pem() + issued.key_pem())
    return str(path)


@pytest.fixture
def guarded(tmp_path, shop, blog, application):
    """Site A of CA A, site B of CA B, an open one, and the clients' certificates."""
    clients, sites = [], [shop]
    for number, name in enumerate(("a.example.com", "b.example.com"), 20):
        authority = pki.issue(f"CA of {name}", ca=True, number=number)
        (tmp_path / f"{name}.ca").write_bytes(authority.pem())
        clients.append(client_of(tmp_path, f"client-{name}", authority, number + 10))
        guard = {"client_ca": str(tmp_path / f"{name}.ca"), "client_verification": "required"}
        sites.append(make_site(tmp_path, name, application, number + 20, **guard))
    return sites, clients


VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
REFUSED = (ssl.SSLError, ConnectionError)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_site_with_a_client_ca_is_for_its_clients_alone(haproxy, guarded, version):
    sites, (client_a, client_b) = guarded
    haproxy.serve(sites, settings_of(haproxy))
    assert haproxy.ask("a.example.com", context=client_context(client_a, version)).status == 200
    assert haproxy.ask("b.example.com", context=client_context(client_b, version)).status == 200
    assert haproxy.ask(SHOP, context=client_context(version=version)).status == 200
    for pem in (None, client_b):
        with pytest.raises(REFUSED):
            haproxy.ask("a.example.com", context=client_context(pem, version))
    assert haproxy.ask(SHOP, "a.example.com", context=client_context(version=version)).status == 421
    assert haproxy.ask("b.example.com", "a.example.com", context=client_context(client_b, version)).status == 421


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("first", [SHOP, "b.example.com"])
def test_a_session_of_one_site_opens_no_other(haproxy, guarded, version, first):
    sites, (_client_a, client_b) = guarded
    haproxy.serve(sites, settings_of(haproxy))
    context = client_context(None if first == SHOP else client_b, version)
    with haproxy.connect(first, context) as connection:
        assert ask(connection, first).status == 200
        session = connection.session
    with pytest.raises(REFUSED):
        haproxy.ask("a.example.com", context=context, session=session)


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_resumed_where_no_site_has_a_client_ca(haproxy, shop, version):
    haproxy.serve([shop], settings_of(haproxy))
    context = client_context(version=version)
    with haproxy.connect(SHOP, context) as connection:
        ask(connection, SHOP)
        session = connection.session
    with haproxy.connect(SHOP, context, session) as connection:
        assert ask(connection, SHOP).status == 200
        assert connection.session_reused


def test_a_hundred_sites_are_one_block(haproxy, shop):
    names = tuple(f"n{number}.example.com" for number in range(150))
    sites = [replace(shop, name=f"s{number}", names=(f"s{number}.example.org",)) for number in range(100)]
    haproxy.serve([replace(shop, names=names), *sites], settings_of(haproxy))
    assert haproxy.ask("n149.example.com").status == 200
    assert haproxy.ask("s99.example.org").status == 200
