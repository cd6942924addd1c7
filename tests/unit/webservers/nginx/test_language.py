# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What nginx says of itself, where systems have it, and what stands against a site: refused with what would work."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.layout import LOOKED_AT
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    HostSystem,
    Location,
    ServerSettings,
    SiteConfiguration,
)
from nginx_language import BUILD, DEBIAN, LANGUAGE, NOBODY, make_site

# nginx -V of Debian 12, shortened, of nginx.org's package for Debian 12, and of OpenBSD 7.6.
OF_DEBIAN = """nginx version: nginx/1.22.1
built with OpenSSL 3.0.17 1 Jul 2025 (running with OpenSSL 3.0.19 27 Jan 2026)
TLS SNI support enabled
configure arguments: --with-cc-opt='-g -O2' --prefix=/usr/share/nginx --with-http_ssl_module --with-http_realip_module \
--with-http_v2_module --with-http_image_filter_module=dynamic --with-stream=dynamic
"""
OF_NGINX_ORG = """nginx version: nginx/1.28.0
built by gcc 12.2.0 (Debian 12.2.0-14)
built with OpenSSL 3.5.1 1 Jul 2025
TLS SNI support enabled
configure arguments: --prefix=/etc/nginx --with-http_ssl_module --with-http_v2_module --with-http_v3_module
"""
OF_OPENBSD = """nginx version: nginx/1.26.2
built with LibreSSL 4.0.0
configure arguments: --with-http_ssl_module
"""


@pytest.mark.parametrize(
    ("said", "build"),
    [
        (
            OF_DEBIAN,
            Build((1, 22, 1), (3, 0, 19), frozenset({"ssl", "realip", "http2"}), "nginx version: nginx/1.22.1"),
        ),
        (
            OF_NGINX_ORG,
            Build((1, 28, 0), (3, 5, 1), frozenset({"ssl", "http2", "http3"}), "nginx version: nginx/1.28.0"),
        ),
        (OF_OPENBSD, Build((1, 26, 2), (), frozenset({"ssl"}), "nginx version: nginx/1.26.2")),
        ("Server version: Apache/2.4.62 (Debian)\n", None),
        ("", None),
    ],
)
def test_a_build_is_read(said, build):
    assert LANGUAGE.read_build(said) == build


@pytest.mark.parametrize(
    ("family", "existing", "written_to", "linked_from", "include_in"),
    [
        ("Debian", (), "/etc/nginx/sites-available", "/etc/nginx/sites-enabled", ""),
        (
            "Debian",
            ("/etc/nginx/nginx.conf", "/etc/nginx/sites-enabled"),
            "/etc/nginx/sites-available",
            "/etc/nginx/sites-enabled",
            "",
        ),
        ("Debian", ("/etc/nginx/nginx.conf",), "/etc/nginx/conf.d", "", ""),
        ("RedHat", ("/etc/nginx/nginx.conf",), "/etc/nginx/conf.d", "", ""),
        ("Alpine", (), "/etc/nginx/http.d", "", ""),
        ("Alpine", ("/etc/nginx/nginx.conf",), "/etc/nginx/conf.d", "", ""),
        ("Archlinux", (), "/etc/nginx/conf.d", "", "/etc/nginx/nginx.conf"),
        ("FreeBSD", (), "/usr/local/etc/nginx", "", "/usr/local/etc/nginx/nginx.conf"),
        ("OpenBSD", (), "/etc/nginx", "", "/etc/nginx/nginx.conf"),
        ("Darwin", ("/opt/homebrew/bin/brew",), "/opt/homebrew/etc/nginx/servers", "", ""),
        ("Darwin", (), "/usr/local/etc/nginx/servers", "", ""),
    ],
)
def test_a_system_has_its_layout(family, existing, written_to, linked_from, include_in):
    assert set(existing) <= set(LOOKED_AT)
    layout = LANGUAGE.find_layout(HostSystem(family, frozenset(existing)))
    assert (layout.written_to, layout.linked_from, layout.include_in) == (written_to, linked_from, include_in)


def test_the_command_that_tells_the_build_names_the_program():
    assert LANGUAGE.look_commands(DEBIAN) == (("/usr/sbin/nginx", "-V"),)


def test_what_this_nginx_was_built_without_is_told():
    settings = ServerSettings(http3=True, trusted_proxies=("192.0.2.1",))
    (told,) = LANGUAGE.limits([], settings, BUILD)
    assert told == (
        "the nginx of this host was built without HTTP/3 (nginx version: nginx/1.22.1): 'nginx -V' does not say "
        "--with-http_v3_module; take one that has it, such as Debian 13's, or leave out http3"
    )
    (told,) = LANGUAGE.limits(
        [], ServerSettings(trusted_proxies=("192.0.2.1",)), Build((1, 22, 1), (), frozenset({"ssl", "http2"}))
    )
    assert "trusted_proxies" in told
    assert LANGUAGE.limits([], ServerSettings(), BUILD) == ()


def beside(*names, address="", port=443, tls=True, proxy=False):
    server = Server(names, (Listen(address, port, tls, proxy),), ())
    return SiteConfiguration((server,), listening=frozenset({(address, port)}))


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (beside("www.example.com", "old.example"), "nginx' configuration (www.example.com, old.example) on 443"),
        (beside(".example.net", address="::"), "the name *.example.net is that of another server"),
        (beside("x", tls=False), "has 443 without TLS"),
        (beside("x", port=80), "has 80 with TLS"),
        (beside("x", proxy=True), "has 443 with proxy_protocol"),
    ],
)  # fmt: skip
def test_what_others_have_on_a_socket_is_told(others, words):
    (told,) = LANGUAGE.conflicts([make_site(names=["www.example.com", "*.example.net"])], ServerSettings(), others)
    assert words in told


@pytest.mark.parametrize(
    "others",
    [
        NOBODY,
        beside("www.example.com", address="192.0.2.1"),
        beside("www.example.com", port=8443),
        beside("*.example.com", "~^www"),
        SiteConfiguration((), defaults=frozenset({("", 443)})),
    ],
)
def test_what_does_not_stand_in_the_way_is_none(others):
    assert LANGUAGE.conflicts([make_site()], ServerSettings(), others) == ()


def test_a_socket_has_one_default_server():
    others = SiteConfiguration((), defaults=frozenset({("::", 443), ("", 80)}))
    (told,) = LANGUAGE.conflicts([make_site(default_server=True)], ServerSettings(), others)
    assert told.startswith(
        "site 'www.example.com' is to be the default server of [::]:443, and somebody else's server is:"
    )


def at(path="/", **more):
    return make_site(locations=[Location(path, **more)])


@pytest.mark.parametrize(
    ("site", "words"),
    [
        (make_site(root="/srv/$host"), "root '/srv/$host' holds $"),
        (make_site(root="srv"), "root 'srv' is no path"),
        (make_site(client_ca="-----BEGIN CERTIFICATE-----\n"), "client_ca (not shown, it may be a secret) is no path"),
        (make_site(users_file="u:{SHA}x\nv:y"), "users_file (not shown, it may be a secret)"),
        (make_site(names=["b\u00fccher.example"]), "is no host name"),
        (make_site(names=["~^x"]), "is no host name"),
        (make_site(root="/a", backends=("http://a",)), "leave one of them out"),
        (make_site(backends=("http://a:0",)), "is no address of an application"),
        (make_site(backends=("http://a/$x",)), "is no address of an application"),
        (make_site(backends=("http://a", "https://a")), "the same scheme and the same path"),
        (make_site(backends=("https://a", "https://b")), "one host name with several ports"),
        (make_site(backends=("https://127.0.0.1",)), "no certificate of an address"),
        (make_site(directives=("location / {", "}", "}", "server {")), "a brace has no partner"),
        (make_site(directives=("expires 1d",)), "no ';' at its end"),
        (make_site(directives=('add_header X "',)), "close each brace and quote"),
        (make_site(client_verification="optional"), "give its file"),
        (make_site(client_ca="/a", client_verification="required", redirect=False), "leave redirect on"),
        (at("x", root="/a"), "path begins with a slash"),
        (at("/"), "not none of them"),
        (at("/", root="/a", php="/b"), "not root and php"),
        (at("/.well-known/acme-challenge/", root="/a"), "take another"),
        (at("/", php="fpm"), "no socket's path or host:port"),
        (at("/", php="/run/a:b"), "without a colon"),
        (at("/$x", php="/run/a"), "path holds $"),
        (at("/", redirect_to="$scheme://x"), "redirect_to '$scheme://x'"),
        (at("/", redirect_to="/a", redirect_code=200), "redirect_code 200 is none of 301"),
        (make_site(locations=[Location("/a", root="/a"), Location("/a", root="/b")]), "is there twice"),
    ],
)
def test_what_nginx_cannot_hold_is_refused(site, words):
    (told,) = LANGUAGE.complaints([site], ServerSettings())
    assert told.startswith("site 'www.example.com': ")
    assert words in told


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ServerSettings(proxy_protocol=True), "give the balancers' networks as trusted_proxies"),
        (ServerSettings(trusted_proxies=("192.0.2.1;",)), "trusted_proxies '192.0.2.1;' is no network"),
        (ServerSettings(acme_root="x"), "acme_root 'x' is no path"),
        (ServerSettings(http_directives=("}",)), "http_directives are no whole directives"),
    ],
)
def test_settings_that_nginx_cannot_hold_are_refused(settings, words):
    (told,) = LANGUAGE.complaints([], settings)
    assert words in told


def test_two_sites_are_not_both_the_default_server():
    sites = [make_site("a", default_server=True), make_site("b", default_server=True)]
    (told,) = LANGUAGE.complaints(sites, ServerSettings())
    assert "(a, b): keep one default_server" in told
