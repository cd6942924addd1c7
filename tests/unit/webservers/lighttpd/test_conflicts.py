# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others have already in lighttpd's configuration, and what no lighttpd can do."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings
from lighttpd_golden import DEBIAN, LANGUAGE, make_site
from memory_files import MemoryFiles

SETTINGS = ServerSettings()
PORT_80 = "server.port = 80\n"


def find(text, *sites, **settings):
    others = LANGUAGE.read(MemoryFiles({DEBIAN.main: text}), DEBIAN)
    return LANGUAGE.conflicts(sites or (make_site(),), ServerSettings(**settings), others)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('$HTTP["host"] == "www.example.com" { server.tag = "x" }', "www.example.com"),
        ('$HTTP["host"] == "WWW.example.com:80" { }', "www.example.com"),
        ('$HTTP["host"] =$ ".example.com" { }', "*.example.com"),
        ('$HTTP["host"] =~ "^(www\\.)?example\\.com$" { }', "example.com, www.example.com"),
        ('$HTTP["host"] =~ "^w+\\.example\\.com$" { }', "~^w+\\.example\\.com$"),
        (
            '$SERVER["socket"] == ":443" { ssl.engine = "enable" $HTTP["host"] == "www.example.com" { } }',
            "www.example.com",
        ),
        ('var.name = "www"\n$HTTP["host"] == name + ".example.com" { }', "www.example.com"),
        ('$HTTP["scheme"] == "http" { $HTTP["host"] == "www.example.com" { } }', "www.example.com"),
    ],
)
def test_a_name_that_another_condition_is_for_is_told(text, told):
    assert find(PORT_80 + text) == (
        f"site www.example.com: the name www.example.com is that of another condition of lighttpd's configuration "
        f"({told}), and both would hold: take it away there, or from names",
    )


def test_a_name_that_a_wildcard_of_ours_is_for_is_told():
    text = '$HTTP["host"] == "old.example.com" { }'
    (told,) = find(PORT_80 + text, make_site(names=("*.example.com",)))
    assert "the name *.example.com is that of another condition of lighttpd's configuration (old.example.com)" in told


@pytest.mark.parametrize(
    "text",
    [
        "",
        '$HTTP["host"] == "other.example.com" { }',
        '$HTTP["host"] =~ "^www\\." { url.redirect = ("" => "/") }',
        '$HTTP["host"] !~ "example" { }',
        '$HTTP["host"] != "x" { }',
        '$SERVER["socket"] == ":8080" { $HTTP["host"] == "www.example.com" { } }',
        '$SERVER["socket"] == "[::]:80" { }',
        '$HTTP["url"] =~ "www.example.com" { }',
    ],
)
def test_what_takes_no_name_of_ours_is_no_conflict(text):
    assert find(PORT_80 + text) == ()


@pytest.mark.parametrize(
    ("text", "settings", "told"),
    [
        ("server.port = 443", {}, "opens 0.0.0.0:443 without TLS: take another port, or change it there"),
        (
            'server.port = 80\nserver.bind = "[::]"\nssl.engine = "enable"',
            {},
            "opens [::]:80 with TLS: take another http_port, or change it there",
        ),
        (
            'server.bind = "192.0.2.1"\nserver.port = 80',
            {},
            "opens port 80 at 192.0.2.1 alone, and it could not be opened at all addresses beside that: take another "
            "http_port, or change it there",
        ),
        (
            PORT_80,
            {"proxy_protocol": True, "trusted_proxies": ("10.0.0.0/8",)},
            "opens 0.0.0.0:80 without the PROXY protocol (extforward.hap-PROXY), which holds for all sites there: set "
            "proxy_protocol to false, take another port, or change it there",
        ),
        (
            PORT_80 + 'extforward.forwarder = ("10.0.0.1" => "trust")\nextforward.hap-PROXY = "enable"',
            {},
            "opens 0.0.0.0:80 with the PROXY protocol (extforward.hap-PROXY), which holds for all sites there: set "
            "proxy_protocol to true, take another port, or change it there",
        ),
    ],
)
def test_a_socket_that_others_have_in_another_way_is_told(text, settings, told):
    assert find(text, **settings) == (f"lighttpd's configuration {told}",)


def test_a_default_server_of_a_socket_that_others_open_is_told():
    text = PORT_80 + '$SERVER["socket"] == ":443" { ssl.engine = "enable" }'
    (told,) = find(text, make_site(default_server=True))
    assert told.startswith("site 'www.example.com' is to be the default server of 0.0.0.0:443, which lighttpd's")
    assert find(text) == find(PORT_80, make_site(default_server=True)) == ()


@pytest.mark.parametrize(
    ("site", "settings", "told"),
    [
        ({}, {"http3": True}, "http3: lighttpd has no HTTP/3; leave it out, or take nginx or HAProxy"),
        ({"root": "/x\\"}, {}, "root: '/x\\\\' has a backslash at its end; rename the file or folder, or link to it"),
        (
            {"backends": ("https://app.example.com",)},
            {},
            "proxy_pass: lighttpd speaks no TLS to applications, as in 'https://app.example.com': give an http:// "
            "address, or take nginx, Apache or HAProxy",
        ),
        (
            {"locations": (Location("/a b", backends=("http://x/y",)),)},
            {},
            "location '/a b': proxy_pass: an application with a path of its own goes with a path of letters, digits "
            "and ._~- alone, not with '/a b'",
        ),
        (
            {"backends": ("http://x/a", "http://y/b")},
            {},
            "proxy_pass: several backends that share requests have the same path, or none",
        ),
        (
            {"client_ca": "/ca", "client_verification": "required", "users_file": "/users"},
            {},
            "client_verification required with users_file: lighttpd lets in by one of them alone; leave one out",
        ),
        (
            {"client_ca": "/ca", "client_verification": "required", "redirect": False},
            {},
            "client_verification required with redirect: false would serve everybody over plain HTTP; leave one out",
        ),
        (
            {},
            {"proxy_protocol": True},
            "proxy_protocol is believed of nobody: give the balancers' networks as trusted_proxies",
        ),
        ({}, {"trusted_proxies": ("0.0.0.0/0",)}, "trusted_proxies: '0.0.0.0/0' is no network such as 10.0.0.0/8"),
        (
            {"locations": (Location("/.well-known/acme-challenge/x", root="/x"),)},
            {},
            "location '/.well-known/acme-challenge/x': path: /.well-known/acme-challenge/ is for certificate "
            "authorities; choose another one",
        ),
        (
            {"directives": ("}",)},
            {},
            "directives: lighttpd cannot read them, line 1: a brace is closed that was not opened",
        ),
    ],
)
def test_what_lighttpd_cannot_do_is_refused_with_what_would_work(site, settings, told):
    (complaint,) = LANGUAGE.complaints([make_site(**site)], ServerSettings(**settings))
    assert complaint in (told, f"site 'www.example.com': {told}")


def test_applications_behind_a_balancer_that_speaks_in_headers_are_refused():
    trusted = ServerSettings(trusted_proxies=("10.0.0.0/8",))
    proxied = make_site(backends=("http://127.0.0.1:8080",))
    (told,) = LANGUAGE.complaints([proxied], trusted)
    assert told.startswith(
        "site 'www.example.com': proxy_pass with trusted_proxies: lighttpd cannot tell an application"
    )
    spoken = ServerSettings(trusted_proxies=("10.0.0.0/8",), proxy_protocol=True)
    assert LANGUAGE.complaints([proxied], spoken) == LANGUAGE.complaints([make_site()], trusted) == ()


def test_sites_that_lighttpd_would_mix_are_refused():
    one = make_site("one", names=("*.example.com",), client_ca="/one", client_verification="optional")
    two = make_site("two", names=("*.a.example.com",), client_ca="/two", client_verification="optional")
    told = LANGUAGE.complaints([one, two], SETTINGS)
    assert [sentence.split(",")[0] for sentence in told] == [
        "site 'two': names: '*.a.example.com' stands for names of 'one' as well",
        "the sites have several client CAs (/one",
    ]
    assert LANGUAGE.complaints([make_site("a.example.com"), make_site("x", names=("*.example.com",))], SETTINGS) == ()
