# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What LighttpdLanguage renders for the paths of a site, given to the real lighttpd: what it answers."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from application import Application
from lighttpd_sites import SPOOFED
from visiting import application, ask, open_tls, page, read_all

WEBSOCKET = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==")


def test_an_application_is_told_of_the_visitor_by_us_alone(server, backend):
    server.write(server.site("www.example.com", backends=(backend,)))
    hops = "Connection: close, X-Forwarded-For,x-forwarded-proto , X-Real-IP, X-Forwarded-Host, Host, X-Mine"
    with server.running():
        for headers in (SPOOFED, [*SPOOFED, hops, "X-Mine: 1"], [one.lower() for one in SPOOFED]):
            told = ask("www.example.com", "/a?b", headers=headers).told()
            assert {name: told.get(name) for name in ("path", "host", "x-real-ip", "x-forwarded-for", "x-own")} == {
                "path": "/a?b",
                "host": "www.example.com",
                "x-real-ip": None,
                "x-forwarded-for": "127.0.0.1",
                "x-own": "kept",
            }
            assert (told["x-forwarded-proto"], told["x-forwarded-host"]) == ("https", "www.example.com")
            assert not {"forwarded", "x-forwarded-port"} & set(told)


@pytest.mark.parametrize("path", ["/", "/socket"])
def test_websockets_come_through(server, backend, path):
    site = server.site("www.example.com", locations=(Location(path, backends=(backend, backend)),))
    server.write(site)
    with server.running(), open_tls("www.example.com") as connection:
        lines = ["GET /socket HTTP/1.1", "Host: www.example.com", *WEBSOCKET, "Sec-WebSocket-Version: 13", "", ""]
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(4096)
        assert answer.startswith(b"HTTP/1.1 101 "), answer
        connection.sendall(b"hello")
        assert read_all(connection).endswith(b"echo hello")


def test_each_path_has_what_is_meant_to_answer_it(server, backend):
    page(server.folder, "files & $1/static/a b.txt", "file")
    locations = (
        Location("/", backends=(backend,)),
        Location("/static", root=str(server.folder / "files & $1")),
        Location("/static/app/", backends=(f"{backend}/inner", f"{backend}/inner")),
        Location("/v1", backends=(f"{backend}/v2/",)),
        Location("/all/", backends=(f"{backend}/",)),
        Location("/old", redirect_to="https://example.com/%24new?a=$1&b=%{HOST}&${url.path}%%", redirect_code=308),
        Location("/old/kept", backends=(backend,)),
        Location("/closed", directives=('url.access-deny = ("")',)),
        Location('/a.b(c)* "d"', backends=(backend,)),
    )
    server.write(server.site("www.example.com", locations=locations))
    with server.running():
        assert ask("www.example.com", "/static/a%20b.txt").body == b"file"
        paths = {
            "/x%20y?q": "/x%20y?q",
            "/static/app/z?q": "/inner/z?q",
            "/v1/x": "/v2/x",
            "/v%31/x": "/v2/x",
            "/v1beta": "/v2beta",
            "/all/x": "/x",
            "/old/kept/x": "/old/kept/x",
            "/a.b(c)*%20%22d%22/e": "/a.b(c)*%20%22d%22/e",
        }
        assert {path: ask("www.example.com", path).told()["path"] for path in paths} == paths
        moved = ask("www.example.com", "/older?x=1")
        target = "https://example.com/%24new?a=$1&b=%{HOST}&${url.path}%%"
        assert (moved.status, moved.all("location")) == (308, [target])
        assert ask("www.example.com", "/closed/x").status == 403


def test_backends_share_requests_and_one_that_is_gone_is_left_out(server):
    with application(1) as one, application(2) as two:
        backends = (f"http://127.0.0.1:{one}", f"http://localhost:{two}")
        server.write(server.site("www.example.com", backends=backends))
        with server.running():
            assert {ask("www.example.com").told()["number"] for _number in range(6)} == {1, 2}
        server.write(server.site("www.example.com", backends=(*backends, "http://127.0.0.1:9")))
        with server.running():
            assert [ask("www.example.com").status for _number in range(6)] == [200] * 6


def test_php_gets_scripts_that_are_there_and_no_header_of_a_visitors(server):
    for path in ("www/forum/index.php", "www/forum/a.jpg", "www/forum/b.php"):
        page(server.folder, path, "<?php")
    with Application(fastcgi=True) as php:
        server.write(server.site("www.example.com", locations=(Location("/forum/", php=php.place),)))
        with server.running():
            for path, script in (("/forum/", "index.php"), ("/forum/b.php?x=1", "b.php")):
                told = ask("www.example.com", path, headers=[*SPOOFED, "Proxy: http://evil"]).told()
                assert told["SCRIPT_FILENAME"] == f"{server.folder}/www/forum/{script}"
                assert (told["HTTPS"], told["REMOTE_ADDR"]) == ("on", "127.0.0.1")
                hidden = ("HTTP_X_FORWARDED", "HTTP_X_REAL", "HTTP_FORWARDED", "HTTP_PROXY")
                assert [name for name in told if name.startswith(hidden)] == []
            assert ask("www.example.com", "/forum/a.jpg/x.php").body == b"<?php"  # the picture, not a program
            assert ask("www.example.com", "/forum/none.php").status == 404
            assert ask("www.example.com", "/forum/a.jpg").body == b"<?php"


def test_headers_are_there_once_whoever_sends_them(server, backend):
    site = server.site(
        "www.example.com",
        backends=(backend,),
        hsts_max_age=300,
        security_headers=True,
        locations=(Location("/moved", redirect_to="/x"), Location("/closed", directives=('url.access-deny = ("")',))),
        directives=('setenv.set-response-header = ("X-Shop" => "1")',),
    )
    server.write(site)
    with server.running():
        answers = [ask("www.example.com", path) for path in ("/", "/moved", "/closed")]
        assert [answer.status for answer in answers] == [200, 301, 403]
        for answer in answers:
            names = (
                *("strict-transport-security", "x-frame-options", "x-content-type-options", "referrer-policy"),
                "x-shop",
            )
            assert [answer.all(name) for name in names] == [
                ["max-age=300"],
                ["SAMEORIGIN"],
                ["nosniff"],
                ["strict-origin-when-cross-origin"],
                ["1"],
            ]
