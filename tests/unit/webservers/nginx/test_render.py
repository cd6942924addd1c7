# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites are rendered as the golden files have them, and what is there already decides the rest."""

from __future__ import annotations

import dataclasses

import nginx_language as shared
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    ConfigFile,
    ServerSettings,
    SiteConfiguration,
)
from nginx_language import DEBIAN, FREEBSD, LANGUAGE, MemoryFiles, make_site, render

AVAILABLE, ENABLED = "/etc/nginx/sites-available/zz-port443-", "/etc/nginx/sites-enabled/zz-port443-"
HTTP, NOBODY = "-http.conf", "-unknown-names.conf"
HTTPS = frozenset({("", 443), ("::", 443)})
# What the role's template wrote before there was this module (0.1.0), shortened.
OF_THE_ROLE = """# Written by the Ansible role port443.https.serve_https, which replaces the whole file.
server {{ listen 80; server_name {name}; }}
server {{
    listen 443 ssl default_server;
    listen 443 quic default_server reuseport;
    server_name {name};
    ssl_certificate /etc/port443/{name}/current/fullchain.pem;
    ssl_certificate_key /etc/port443/{name}/current/privkey.pem;
}}
"""


def fresh():
    return MemoryFiles({DEBIAN.main: shared.MAIN, "/etc/ssl/certs/ca-certificates.crt": "roots"})


def text_of(files, ending):
    (found,) = [one.text for one in files if one.path.endswith(ending) and one.text]
    return found


@pytest.mark.parametrize("name", shared.CASES)
def test_a_site_is_rendered_as_its_golden_file_has_it(name):
    assert shared.write_case(name) == (shared.GOLDEN / f"{name}.conf").read_text()


def test_no_golden_file_is_left_over():
    assert {path.stem for path in shared.GOLDEN.iterdir()} == set(shared.CASES)


@pytest.mark.parametrize("name", shared.CASES)
def test_what_is_rendered_is_read_back(name):
    sites, settings, build = shared.CASES[name]
    files = fresh()
    files.apply(*render(sites, settings, build, files=files))
    read = LANGUAGE.read(files, DEBIAN)
    (site,) = sites
    secure = [one for one in read.servers if one.certificates and "_" not in one.names]
    names = tuple(f"[{name}]" if ":" in name else name for name in site.names)
    addresses = ("", "::") if settings.ipv6 else ("",)
    listens = tuple(Listen(address, settings.port, True, settings.proxy_protocol) for address in addresses)
    assert secure == [Server(names, listens, (site.certificate,))]
    sockets = {(address, port) for address in addresses for port in (settings.port, settings.http_port)}
    assert read.listening == read.defaults == sockets
    assert read.quic == (HTTPS if settings.http3 else frozenset())


def test_a_link_comes_after_its_file_and_goes_before_it():
    files = fresh()
    written = render([make_site("a")], files=files)
    assert [(one.path, one.link) for one in written] == [
        (path + name, link + name if link else "")
        for name in (HTTP, "a.conf", NOBODY)
        for path, link in ((AVAILABLE, ""), (ENABLED, AVAILABLE))
    ]
    files.apply(*written)
    gone = render([], files=files, removed=["a"])
    assert gone == tuple(ConfigFile(path + name) for name in ("a.conf", NOBODY, HTTP) for path in (ENABLED, AVAILABLE))
    files.apply(*gone)
    assert files.held == fresh().held


def test_a_second_run_has_nothing_to_change():
    files = fresh()
    files.apply(*render([make_site("a"), make_site("b")], files=files))
    before = dict(files.held)
    files.apply(*render([make_site("a")], files=files))
    assert files.held == before
    assert list(LANGUAGE.own_files(files, DEBIAN)) == ["a", "b"]
    assert LANGUAGE.own_files(files, DEBIAN)["b"] == (
        ConfigFile(AVAILABLE + "b.conf", text=files.held[AVAILABLE + "b.conf"]),
        ConfigFile(ENABLED + "b.conf", link=AVAILABLE + "b.conf"),
    )


def claimed_twice(files):
    """Which sockets of the configuration have two default servers or two reuseports."""
    servers = [text for path, text in files.held.items() if path.startswith(AVAILABLE) and "http.conf" not in path]
    lines = [line.strip() for text in servers for line in text.splitlines() if "listen" in line]
    claims = [
        (line.split()[1], "quic" in line, word)
        for line in lines
        for word in ("default_server", "reuseport")
        if word in line
    ]
    return {claim for claim in claims if claims.count(claim) > 1}


@pytest.mark.parametrize("before", [["a"], ["b"], [], ["role"]])
@pytest.mark.parametrize("after", [["a"], ["b"], []])
def test_no_prefix_has_two_servers_for_one_socket(before, after):
    """The default server moves from site to site, and to and from the one for names of nobody."""
    files = fresh()
    settings = ServerSettings(http3=True)
    names = [make_site(name, default_server=name in before) for name in ("a", "b")]
    if before == ["role"]:
        files.apply(ConfigFile(AVAILABLE + "a.conf", OF_THE_ROLE.format(name="a")))
    else:
        files.apply(*render(names, settings, shared.NEW, files=files))
    changes = render(
        [dataclasses.replace(one, default_server=one.name in after) for one in names], settings, shared.NEW, files=files
    )
    for change in changes:
        files.apply(change)
        assert claimed_twice(files) == set(), change.path


def test_a_socket_that_somebody_else_is_the_default_server_of_is_left_to_him():
    others = SiteConfiguration((), defaults=frozenset({("", 80), ("::", 80), ("", 443)}), quic=frozenset({("", 443)}))
    files = render([make_site()], ServerSettings(http3=True), shared.NEW, others=others)
    listens = [line.strip() for line in text_of(files, NOBODY).splitlines() if "listen" in line]
    assert listens == ["listen [::]:443 ssl default_server;", "listen [::]:443 quic reuseport;"]


def test_names_of_nobody_are_served_where_that_is_wanted():
    files = render([make_site()], ServerSettings(unknown_names="serve"))
    assert [one for one in files if NOBODY in one.path] == [
        ConfigFile(ENABLED + NOBODY),
        ConfigFile(AVAILABLE + NOBODY),
    ]


def test_a_client_of_an_address_says_no_name_and_gets_the_site_of_the_address():
    files = render([make_site("a"), make_site("b", names=["b", "192.0.2.1"])])
    assert "ssl_certificate /etc/port443/b/current/fullchain.pem;" in text_of(files, NOBODY)


@pytest.mark.parametrize(("letters", "size"), [(46, 0), (47, 128), (110, 128), (111, 256)])
def test_the_hash_of_names_is_as_large_as_a_name_needs(letters, size):
    name = ("x" * 60 + ".") * 3
    text = text_of(render([make_site("a", names=[name[:letters]])]), HTTP)
    assert text.count("server_names_hash_bucket_size") == bool(size)
    assert not size or f"server_names_hash_bucket_size {size};" in text


def test_a_hash_of_somebody_else_s_is_his():
    def beside(size):
        main = f"http {{ server_names_hash_bucket_size {size}; include /etc/nginx/sites-enabled/*; }}"
        return render([make_site("a", names=["x" * 60])], files=MemoryFiles({DEBIAN.main: main}))

    assert "hash" not in text_of(beside(128), HTTP)
    with pytest.raises(HostError, match=r"bucket_size is 64 in nginx' configuration, and .* needs 128: raise it there"):
        beside(64)


def test_a_hash_shrinks_after_the_long_name_is_gone():
    files = fresh()
    files.apply(*render([make_site("a", names=["x" * 60]), make_site("b")], files=files))
    changes = render([make_site("b")], files=files, removed=["a"])
    assert [one.path for one in changes][-2:] == [AVAILABLE + HTTP, ENABLED + HTTP]


def test_the_main_file_of_a_port_gets_a_line_and_loses_it():
    main = "events {\n}\nhttp {\n    include mime.types;\n}\n"
    files = MemoryFiles({FREEBSD.main: main})
    written = render([make_site("a")], layout=FREEBSD, files=files)
    assert written[0].text == main.replace(
        "types;\n",
        "types;\n    include /usr/local/etc/nginx/zz-port443-*.conf; # of the Ansible role port443.https.serve_https\n",
    )
    files.apply(*written)
    assert FREEBSD.main not in [one.path for one in render([make_site("a")], layout=FREEBSD, files=files)]
    files.apply(*render([], layout=FREEBSD, files=files, removed=["a"]))
    assert files.held == {FREEBSD.main: main}


def test_a_main_file_that_includes_the_folder_stays_as_it_is():
    files = MemoryFiles({FREEBSD.main: "http {\n    include zz*.conf;\n}\n"})
    assert FREEBSD.main not in [one.path for one in render([make_site("a")], layout=FREEBSD, files=files)]


def test_a_site_that_stays_keeps_its_names_and_its_place():
    files = fresh()
    files.apply(ConfigFile(AVAILABLE + "a.conf", OF_THE_ROLE.format(name="a")))
    with pytest.raises(HostError, match="has the name a, which a site of ours that is not among those given has"):
        render([make_site("b", names=["b", "a"])], files=files)
    with pytest.raises(HostError, match="site 'b' is to be the default server"):
        render([make_site("b", default_server=True)], files=files)


def mutual(name, ca):
    return make_site(name, client_ca=ca, client_verification="required")


def test_sessions_are_not_resumed_where_nginx_would_take_them_across_sites():
    sites = [mutual("a", "/1.pem"), mutual("b", "/2.pem"), make_site("c")]
    resumed = [text for text in (one.text for one in render(sites)) if text and "shared:port443" in text]
    assert resumed == []
    assert "ssl_session_cache shared:port443:10m;" in text_of(render(sites, build=shared.NEW), "zz-port443-a.conf")
    assert "ssl_session_cache shared:port443:10m;" in text_of(render([make_site("c")]), "zz-port443-c.conf")


def test_sites_of_several_client_cas_do_not_go_behind_a_default_server_of_somebody_else_s():
    others = SiteConfiguration((), defaults=HTTPS)
    with pytest.raises(HostError, match="CVE-2025-23419"):
        render([mutual("a", "/1.pem"), mutual("b", "/2.pem")], others=others)
    render([mutual("a", "/1.pem"), mutual("b", "/1.pem")], others=others)
    render([mutual("a", "/1.pem"), mutual("b", "/2.pem")], others=others, build=shared.NEW)


def test_https_backends_are_verified_with_what_the_system_has():
    site = make_site(backends=("https://app.example.com",))
    with pytest.raises(HostError, match="ca-certificates"):
        render([site], files=MemoryFiles({DEBIAN.main: shared.MAIN}))
    unverified = text_of(render([dataclasses.replace(site, verify_backend=False)]), "www.example.com.conf")
    assert "server app.example.com:443;" in unverified
    assert "proxy_ssl_name app.example.com;" in unverified
    assert "proxy_ssl_verify" not in unverified
