# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What ApacheLanguage renders, given to the real Apache: its test, and what it answers."""

from __future__ import annotations

import base64
import hashlib
import shutil
import ssl
import tempfile
from dataclasses import replace
from pathlib import Path

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from apache_sites import LANGUAGE, SiteServer
from visiting import DiskFiles, application, ask, make_client, open_tls, page, read_all, tls_context

WEBSOCKET = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==")


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(dir="/run"))  # www-data gets in there
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def server(folder):
    return SiteServer(folder)


@pytest.fixture
def backend():
    with application() as port:
        yield f"http://127.0.0.1:{port}"


def test_each_prefix_of_the_files_loads_and_nothing_is_left_at_the_end(server, backend):
    before = sorted(path.name for path in server.folder.joinpath("sites").iterdir())
    one = server.site("one.example.com", backends=(backend, backend), health_path="/health")
    two = server.site("two.example.com", number=2)
    page(server.folder, "www/index.txt", "ours")
    server.write(one, two, after=server.test)
    with server.running():
        for sites in ((one, replace(two, default_server=True)), (one, two)):
            server.write(*sites, after=server.test)
            assert server.reload()
            answer = ask("two.example.com", "/index.txt", host="nobody.example.com")
            assert answer.status == (421 if sites[1] is two else 200)
        server.write(removed=("one.example.com", "two.example.com"), after=server.test)
    assert sorted(path.name for path in server.folder.joinpath("sites").iterdir()) == before


def test_unknown_names_get_nobodys_site_and_challenges_are_answered(server):
    page(server.folder, "www/index.html", "ours")
    page(server.folder, "www/page", "ours")
    page(server.folder, "acme/.well-known/acme-challenge/token", "proof")
    server.write(server.site("www.example.com"))
    with server.running():
        assert (ask("www.example.com", "/page").status, ask("www.example.com", "/page").body) == (200, b"ours")
        assert ask("wrong.example.com", "/page").status == 421
        assert ask(None, "/page", host="127.0.0.1").status == 421
        assert ask("wrong.example.com", "/page", tls=False, port=80).status == 421
        challenge = ask("wrong.example.com", "/.well-known/acme-challenge/token", tls=False, port=80)
        assert (challenge.status, challenge.body) == (200, b"proof")
        moved = ask("www.example.com", "/a%20b?c=%2Fd", tls=False, port=80)
        assert (moved.status, moved.all("location")) == (301, ["https://www.example.com/a%20b?c=%2Fd"])
        assert moved.all("server") == ["Apache"]


def test_an_administrators_default_stays(folder):
    more = "Listen 80\n<VirtualHost *:80>\n    ServerName theirs.example.com\n    Redirect gone /\n</VirtualHost>"
    more = f"LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so\n{more}"
    server = SiteServer(folder, more)
    server.write(server.site("www.example.com"))
    with server.running():
        assert ask("wrong.example.com", tls=False, port=80).status == 410
        assert ask("wrong.example.com").status == 421


def test_an_application_is_told_of_the_visitor_by_us_alone(server, backend):
    server.write(server.site("www.example.com", backends=(backend,)))
    spoofed = [f"{name}: 198.51.100.1" for name in ("X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded")]
    spoofed += ["X-Forwarded-Proto: ftp", "X-Forwarded-Port: 1", "X-Own: kept"]
    hops = "Connection: close, X-Forwarded-For,x-forwarded-proto , X-Real-IP, X-Forwarded-Host, Host, X-Mine"
    with server.running():
        for headers in (spoofed, [*spoofed, hops, "X-Mine: 1"]):
            told = ask("www.example.com", "/a?b", headers=headers).told()
            assert {name: told.get(name) for name in ("path", "host", "x-real-ip", "x-forwarded-for", "x-own")} == {
                "path": "/a?b",
                "host": "www.example.com",
                "x-real-ip": "127.0.0.1",
                "x-forwarded-for": "127.0.0.1",
                "x-own": "kept",
            }
            assert (told["x-forwarded-proto"], told["x-forwarded-host"]) == ("https", "www.example.com")
            assert not {"forwarded", "x-forwarded-port", "x-mine"} & set(told)


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("path", ["/", "/socket"])
def test_websockets_come_through(server, backend, balanced, path):
    backends = (backend, backend.replace("127.0.0.1", "localhost")) if balanced else (backend,)
    site = server.site("www.example.com", locations=(Location(path, backends=backends),))
    for build in (server.build, replace(server.build, release=(2, 4, 41))):  # mod_proxy_wstunnel before 2.4.47
        server.build = build
        server.write(site)
        with server.running(), open_tls("www.example.com") as connection:
            lines = ["GET /socket HTTP/1.1", "Host: www.example.com", *WEBSOCKET, "Sec-WebSocket-Version: 13", "", ""]
            connection.sendall("\r\n".join(lines).encode())
            answer = connection.recv(4096)
            assert answer.startswith(b"HTTP/1.1 101 "), (build.release, answer)
            connection.sendall(b"hello")
            assert read_all(connection).endswith(b"echo hello")


def test_each_path_has_what_is_meant_to_answer_it(server, backend):
    page(server.folder, "files & $1/static/a b.txt", "file")
    locations = (
        Location("/", backends=(backend,)),
        Location("/static", root=str(server.folder / "files & $1")),
        Location("/static/app/", backends=(f"{backend}/inner", f"{backend}/inner")),
        Location("/v1", backends=(f"{backend}/v2/",)),
        Location("/old", redirect_to="https://example.com/%24new?a=$1&b=%{HOST}", redirect_code=308),
        Location("/old/kept", backends=(backend,)),
        Location("/closed", directives=("Require all denied",)),
        Location("/a.b(c)*", backends=(backend,)),
    )
    server.write(server.site("www.example.com", locations=locations))
    with server.running():
        assert ask("www.example.com", "/static/a%20b.txt").body == b"file"
        paths = {
            "/x%20y?q": "/x%20y?q",
            "/static/app/z?q": "/inner/z?q",
            "/v1/x": "/v2/x",
            "/v1beta": "/v2beta",
            "/old/kept/x": "/old/kept/x",
            "/a.b(c)*d": "/a.b(c)*d",
        }
        assert {path: ask("www.example.com", path).told()["path"] for path in paths} == paths
        moved = ask("www.example.com", "/older?x=1")
        assert (moved.status, moved.all("location")) == (308, ["https://example.com/%24new?a=$1&b=%{HOST}"])
        assert ask("www.example.com", "/closed/x").status == 403


def test_backends_share_requests(server):
    with application(1) as one, application(2) as two:
        backends = (f"http://127.0.0.1:{one}", f"http://127.0.0.1:{two}")
        server.write(server.site("www.example.com", backends=backends, health_path="/health"))
        with server.running():
            assert {ask("www.example.com").told()["number"] for _number in range(6)} == {1, 2}


def test_https_backends_are_verified_unless_that_is_off(server, folder):
    inner = server.site("localhost", number=3)
    ca = folder / "ca.pem"
    ca.write_bytes(pki.root().pem())
    with application(pair=(inner.certificate, inner.key)) as port:
        site = server.site("www.example.com", backends=(f"https://localhost:{port}",), backend_ca=str(ca))
        stranger = replace(site, backends=(f"https://127.0.0.1:{port}",))
        seen = []
        for one in (site, stranger, replace(site, backend_ca=""), replace(stranger, verify_backend=False)):
            server.write(one)
            with server.running():
                answer = ask("www.example.com")
                seen.append((answer.status, answer.told()["x-forwarded-host"] if answer.status == 200 else ""))
    assert seen == [(200, "www.example.com"), (500, ""), (500, ""), (200, "www.example.com")]


def test_basic_auth_asks_everywhere_but_for_challenges(server, folder, backend):
    users = folder / "users file"
    digest = base64.b64encode(hashlib.sha1(b"secret").digest()).decode()  # noqa: S324
    users.write_text(f"jane:{{SHA}}{digest}\n")
    page(folder, "acme/.well-known/acme-challenge/token", "proof")
    server.write(server.site("www.example.com", backends=(backend,), users_file=str(users), redirect=False))
    right = "Authorization: Basic " + base64.b64encode(b"jane:secret").decode()
    with server.running():
        for tls, port in ((True, 443), (False, 80)):
            assert ask("www.example.com", tls=tls, port=port).status == 401
            assert ask("www.example.com", headers=[right], tls=tls, port=port).status == 200
        challenge = ask("www.example.com", "/.well-known/acme-challenge/token", tls=False, port=80)
        assert (challenge.status, challenge.body) == (200, b"proof")


def test_headers_are_there_once_whoever_sends_them(server, backend):
    server.write(server.site("www.example.com", backends=(backend,), hsts_max_age=300, security_headers=True))
    with server.running():
        answers = [ask("www.example.com"), ask("www.example.com", headers=["Expect: never"])]
        assert [answer.status for answer in answers] == [200, 417]
        for answer in answers:
            names = ("strict-transport-security", "x-frame-options", "x-content-type-options", "referrer-policy")
            assert [answer.all(name) for name in names] == [
                ["max-age=300"],
                ["SAMEORIGIN"],
                ["nosniff"],
                ["strict-origin-when-cross-origin"],
            ]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("old", [False, True])
def test_a_session_of_one_site_opens_no_other(server, folder, version, old):
    (a_ca, a_client), (bb_ca, bb_client) = make_client(folder, "a"), make_client(folder, "bb")
    page(folder, "www/page", "ours")
    sites = [
        server.site("a.example.com", client_ca=a_ca, client_verification="required"),
        server.site("bb.example.com", number=2, client_ca=bb_ca, client_verification="required"),
        server.site("open.example.com", number=3),
    ]
    server.build = replace(server.build, release=(2, 4, 57)) if old else server.build
    server.write(*sites)
    with server.running():
        assert ask("bb.example.com", "/page", context=tls_context(bb_client, version)).status == 200
        context = tls_context(a_client, version)
        session, resumed = visit(context, "a.example.com")
        assert resumed is False
        _session, resumed = visit(context, "a.example.com", session)
        assert resumed is not old  # apart from releases that mix sessions up, they are resumed
        assert opens(context, "bb.example.com", session) is False
        assert opens(tls_context(version=version), "a.example.com") is False
        _session, resumed = visit(tls_context(version=version), "open.example.com")
        assert resumed is False


def visit(context, name, session=None):
    """Asks for a page; returns the session and whether it was an old one."""
    with open_tls(name, context=context, session=session) as connection:
        connection.sendall(f"GET /page HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        assert b"200 OK" in connection.recv(4096)
        return connection.session, connection.session_reused


def opens(context, name, session=None) -> bool:
    try:
        with open_tls(name, context=context, session=session) as connection:
            connection.sendall(f"GET /page HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            return b"200 OK" in connection.recv(4096)
    except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
        return False


@pytest.mark.parametrize("trusted", ["127.0.0.0/8", "10.0.0.0/8"])
def test_a_balancers_word_counts_if_it_is_trusted(server, backend, trusted):
    server.settings = replace(server.settings, trusted_proxies=(trusted, "2001:db8::/32"))
    server.write(server.site("www.example.com", backends=(backend,)))
    headers = ["X-Forwarded-For: 198.51.100.9, 192.0.2.7", "X-Forwarded-Proto: https"]
    ours = trusted.startswith("127")
    with server.running():
        told = ask("www.example.com", headers=headers).told()
        assert (told["x-real-ip"], told["x-forwarded-for"]) == (("192.0.2.7",) * 2 if ours else ("127.0.0.1",) * 2)
        told = ask("www.example.com", headers=["X-Forwarded-Proto: http"]).told()
        assert told["x-forwarded-proto"] == ("http" if ours else "https")
        plain = ask("www.example.com", headers=headers, tls=False, port=80)
        assert plain.status == (200 if ours else 301)


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.0/8", 200), ("10.0.0.0/8", 403)])
def test_the_proxy_protocol_tells_the_visitor(server, backend, trusted, status):
    server.settings = replace(server.settings, trusted_proxies=(trusted,), proxy_protocol=True)
    server.write(server.site("www.example.com", backends=(backend,)))
    line = b"PROXY TCP4 192.0.2.7 127.0.0.1 1234 443\r\n"
    with server.running():
        answer = ask("www.example.com", first=line)
        assert answer.status == status
        assert status != 200 or answer.told()["x-real-ip"] == "192.0.2.7"


def test_what_is_rendered_is_read_back(server, backend):
    site = server.site(
        "www.example.com", names=("*.example.com", "www.example.com", "2001:db8::1"), backends=(backend,)
    )
    server.write(site)
    read = LANGUAGE.read(DiskFiles(), server.layout)
    (secure,) = [one for one in read.servers if one.certificates and "www.example.com" in one.names]
    assert (sorted(secure.names), secure.certificates) == (sorted(site.names), (site.certificate,))
    assert read.listening == {("", 80), ("", 443)}
    assert {"ssl_module", "proxy_http_module"} <= read.modules
    server.test()
    with server.running():
        for address in ("127.0.0.1", "::1"):
            assert ask("www.example.com", address=address).status == 200
