# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real nginx takes what its language renders, and does what the site says with what visitors send."""

from __future__ import annotations

import dataclasses
import ssl
import subprocess

import nginx_language
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings
from application import Application
from nginx_running import Nginx, make_ca
from safe_folder import make_safe_folder

TLS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
SPOOFED = {
    "Connection": "close, X-Forwarded-For, X-Real-IP",
    "X-Real-IP": "203.0.113.9",
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-Port": "1",
    "Forwarded": "for=203.0.113.9",
    "Proxy": "http://evil.example",
}


@pytest.fixture(scope="module")
def nginx():
    with make_safe_folder() as folder:
        folder.chmod(0o755)  # for the workers, who are not root
        server = Nginx(folder)
        yield server
        server.stop()


@pytest.fixture(scope="module")
def application():
    with Application() as running:
        yield running


@pytest.mark.parametrize("name", nginx_language.CASES)
def test_every_golden_file_is_a_configuration_of_nginx(nginx, name):
    """That of HTTP/3 is for a newer nginx than some have: then it is refused for that alone."""
    text = (nginx_language.GOLDEN / f"{name}.conf").read_text()
    sites, settings, _build = nginx_language.CASES[name]
    ended = nginx.test_text(text, sites)
    if settings.http3 and not nginx.speaks("http3"):
        assert 'unknown directive "http2"' in ended.stderr or 'invalid parameter "quic"' in ended.stderr
    else:
        assert ended.returncode == 0, ended.stderr


def test_what_a_visitor_says_of_himself_reaches_no_application(nginx, application):
    nginx.serve([nginx.site("www.test", backends=(application.url,))])
    asked = nginx.ask("www.test", headers=SPOOFED).json()
    assert asked["headers"] == {
        "host": f"www.test:{nginx.port}",
        "x-real-ip": "127.0.0.1",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": f"www.test:{nginx.port}",
        "x-forwarded-proto": "https",
    }


def test_a_trusted_balancer_is_believed_and_nobody_else(nginx, application):
    site = nginx.site("www.test", backends=(application.url,))
    told = {"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Proto": "http"}
    nginx.serve([site], trusted_proxies=("127.0.0.1",))
    headers = nginx.ask("www.test", headers=told).json()["headers"]
    assert (headers["x-real-ip"], headers["x-forwarded-for"]) == ("203.0.113.9", "203.0.113.9")
    assert headers["x-forwarded-proto"] == "http"
    nginx.serve([site], trusted_proxies=("192.0.2.0/24",))
    headers = nginx.ask("www.test", headers=told).json()["headers"]
    assert (headers["x-real-ip"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")


def test_a_proxy_line_tells_the_visitor(nginx, application):
    site = nginx.site("www.test", backends=(application.url,))
    nginx.serve([site], trusted_proxies=("127.0.0.1",), proxy_protocol=True)
    line = b"PROXY TCP4 203.0.113.9 192.0.2.1 5000 443\r\n"
    headers = nginx.ask("www.test", first=line, headers={"X-Forwarded-For": "1.1.1.1"}).json()["headers"]
    assert (headers["x-real-ip"], headers["x-forwarded-proto"]) == ("203.0.113.9", "https")


def test_websockets_go_through_and_other_upgrades_do_not(nginx, application):
    nginx.serve([nginx.site("www.test", backends=(application.url,))])
    upgrade = {"Connection": "Upgrade", "Upgrade": "WebSocket", "Sec-WebSocket-Key": "x"}
    answer = nginx.ask("www.test", headers=upgrade)
    assert answer.status == 101
    assert answer.body == b"hello over the socket"
    other = nginx.ask("www.test", headers={**upgrade, "Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c"})
    assert other.status == 200
    assert "upgrade" not in other.json()["headers"]


def test_a_backend_that_is_gone_is_left_out(nginx, application):
    nginx.serve([nginx.site("www.test", backends=(nginx.closed_url(), application.url))])
    assert [nginx.ask("www.test").status for _attempt in range(4)] == [200] * 4


def test_an_https_backend_is_asked_by_its_name_and_verified(nginx):
    with Application(nginx.pair("localhost")) as backend:
        site = nginx.site("www.test", backends=(backend.url,), backend_ca=str(nginx.root_ca))
        nginx.serve([site])
        assert nginx.ask("www.test").json()["sni"] == "localhost"
        other = make_ca(nginx.folder, "other")
        nginx.serve([dataclasses.replace(site, backend_ca=str(other.path))])
        assert nginx.ask("www.test").status == 502
        nginx.serve([dataclasses.replace(site, backend_ca="", verify_backend=False)])
        assert nginx.ask("www.test").status == 200


def test_headers_are_there_once_whoever_sends_them(nginx, application):
    locations = (Location("/own", directives=("add_header X-Own 1;", "return 200 own;")),)
    nginx.serve(
        [
            nginx.site(
                "www.test",
                backends=(application.url,),
                hsts_max_age=300,
                security_headers=True,
                locations=locations,
            )
        ]
    )
    for path in ("/", "/own", "/missing"):
        answer = nginx.ask("www.test", path)
        assert answer.all("strict-transport-security") == ["max-age=300"], path
        assert answer.all("x-frame-options") == ["SAMEORIGIN"], path
        assert answer.all("server") == ["nginx"], path
    assert nginx.ask("www.test", "/own").all("x-own") == ["1"]


def test_names_of_nobody_are_refused_and_challenges_are_not(nginx):
    nginx.serve([nginx.site("www.test", root=str(nginx.web)), nginx.site("b.test", root=str(nginx.web))])
    for name in ("other.test", None):
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            nginx.ask(name)
    assert nginx.ask("www.test").status == 200
    assert nginx.ask_plain("other.test").status is None
    assert nginx.ask_plain("www.test").all("location") == [f"https://www.test:{nginx.port}/"]
    for name in ("www.test", "other.test"):
        assert nginx.ask_plain(name, "/.well-known/acme-challenge/token").body == b"proof"


def test_a_site_of_an_address_is_reached_by_it(nginx):
    site = nginx.site("www.test", names=("www.test", "127.0.0.1"), root=str(nginx.web))
    nginx.serve([site])
    assert nginx.ask(None, headers={"Host": "127.0.0.1"}).status == 200
    assert nginx.ask(None, headers={"Host": "other.test"}).status is None


def test_an_older_nginx_drops_names_of_nobody(nginx):
    nginx.serve([nginx.site("www.test", root=str(nginx.web))], build=nginx_language.OLD)
    assert nginx.ask("www.test").status == 200
    assert nginx.ask("other.test").status is None


def test_users_are_asked_for_on_both_halves_and_challenges_are_open(nginx):
    nginx.serve([nginx.site("www.test", root=str(nginx.web), users_file=str(nginx.users), redirect=False)])
    known = {"Authorization": "Basic dTpw"}
    assert (nginx.ask("www.test").status, nginx.ask("www.test", headers=known).status) == (401, 200)
    assert (nginx.ask_plain("www.test").status, nginx.ask_plain("www.test", headers=known).status) == (401, 200)
    assert nginx.ask_plain("www.test", "/.well-known/acme-challenge/token").body == b"proof"


def test_locations_answer_before_the_site(nginx):
    locations = (Location("/", root=str(nginx.web)), Location("/old", redirect_to="/new", redirect_code=302))
    nginx.serve([nginx.site("www.test", backends=(nginx.closed_url(),), locations=locations)])
    assert nginx.ask("www.test").body == b"index"
    answer = nginx.ask("www.test", "/old")
    assert (answer.status, answer.all("location")) == (302, [f"https://www.test:{nginx.port}/new"])


@pytest.mark.parametrize("version", TLS)
def test_client_certificates_open_their_own_site_alone(nginx, version):
    """A session of the one site, resumed on the other, opens nothing (CVE-2025-23419)."""
    one, two = (make_ca(nginx.folder, name) for name in ("one", "two"))
    sites = [
        nginx.site(f"{name}.test", root=str(nginx.web), client_ca=str(ca.path), client_verification="required")
        for name, ca in (("one", one), ("two", two))
    ]
    nginx.serve([*sites, nginx.site("open.test", root=str(nginx.web))])
    client = nginx.client(version, one)
    for name, status in (("one.test", 200), ("two.test", 400), ("open.test", 200)):
        assert nginx.ask(name, client=client).status == status
    assert nginx.ask("one.test", client=nginx.client(version)).status == 400
    first = nginx.ask("one.test", client=client)
    for _visit in range(2):
        assert nginx.ask("one.test", client=client, session=first.session).status == 200
    answer = nginx.ask("two.test", client=client, session=first.session)
    assert (answer.status, answer.resumed) == (400, False)


@pytest.mark.parametrize("version", TLS)
def test_sessions_are_resumed(nginx, version):
    nginx.serve([nginx.site("www.test", root=str(nginx.web)), nginx.site("b.test", root=str(nginx.web))])
    client = nginx.client(version)
    for name in ("www.test", "b.test"):
        first = nginx.ask(name, client=client)
        assert nginx.ask(name, client=client, session=first.session).resumed


def test_long_names_and_http2(nginx):
    name = f"{'x' * 60}.{'y' * 60}.test"
    nginx.serve([nginx.site(name, root=str(nginx.web)), nginx.site("www.test", root=str(nginx.web))])
    assert nginx.ask(name).status == 200
    client = nginx.client(TLS[1])
    client.set_alpn_protocols(["h2"])
    assert nginx.connect(name, client).selected_alpn_protocol() == "h2"


def test_every_step_from_site_to_site_is_a_configuration_of_nginx(nginx):
    """Sites come, become the default server, get a long name, and go: nginx loads what there is after every file."""
    a, b = (nginx.site(name, root=str(nginx.web)) for name in ("a.test", "b.test"))
    default = dataclasses.replace(a, default_server=True)
    nginx.forget()
    for sites, removed in (
        ([a], ()),
        ([default, b], ()),
        ([a, dataclasses.replace(b, default_server=True)], ()),
        ([default, b], ()),
        ([a, dataclasses.replace(b, names=("b.test", f"{'x' * 60}.test"))], ()),
        ([a], ("b.test",)),
        ([], ("a.test",)),
    ):
        for change in nginx.render(sites, ServerSettings(port=nginx.port, http_port=nginx.plain_port), removed=removed):
            nginx.write([change])
            ended = nginx.test()
            assert ended.returncode == 0, (change.path, ended.stderr)
    assert nginx.held() == []


def test_php_runs_files_that_are_there_alone(nginx):
    """A FastCGI application is told which file, and not at all of one that is none."""
    with Application(fastcgi=True) as php:
        site = nginx.site("www.test", root=str(nginx.web), locations=(Location("/", php=php.place),))
        nginx.serve([site])
        said = nginx.ask("www.test", "/index.php?a=1", headers=SPOOFED).json()
        assert said["SCRIPT_FILENAME"] == f"{nginx.web}/index.php"
        assert said["HTTP_X_FORWARDED_FOR"] == said["HTTP_X_REAL_IP"] == "127.0.0.1"
        assert said["HTTPS"] == "on"
        assert said.get("HTTP_PROXY", "") == said.get("HTTP_FORWARDED", "") == ""
        assert nginx.ask("www.test", "/some/page").json()["SCRIPT_FILENAME"] == f"{nginx.web}/index.php"
        assert nginx.ask("www.test", "/index.html/x.php").status == 404
        assert nginx.ask("www.test", "/index.html").body == b"index"


def test_nginx_s_own_words_are_what_its_language_reads(nginx):
    said = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
    build = nginx_language.LANGUAGE.read_build(said)
    assert f"nginx/{'.'.join(map(str, build.release))}" in build.said
    assert {"ssl", "http2", "realip"} <= build.features


def test_a_path_of_any_letters_is_that_path_to_nginx(nginx):
    """What quoting makes of it is nginx' to say: the backslashes with letters after them above all."""
    root = nginx.folder / "a \"b' ;{}#\\n\\t\\\\\\x%(\u00e9"
    root.mkdir()
    (root / "index.html").write_text("odd")
    nginx.serve([nginx.site("www.test", root=str(root), locations=(Location('/p "q\\n;{', root=str(nginx.web)),))])
    assert nginx.ask("www.test").body == b"odd"
    (nginx.web / 'p "q\\n;{').write_text("odder")
    assert nginx.ask("www.test", "/p%20%22q%5Cn;%7B").body == b"odder"
