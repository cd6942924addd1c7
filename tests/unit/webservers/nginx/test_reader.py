# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx's configuration is read as nginx reads it, as far as certificates and sockets go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    Listen,
    Server,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import (
    matches,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteConfiguration

EVERYWHERE = Listen("", 443, True, False)

# nginx.conf as Debian 12 ships it (nginx 1.22.1), shortened, and a site as people write it.
MAIN = """
user www-data;
worker_processes auto;
pid /run/nginx.pid;
include modules-enabled/*.conf;
events { worker_connections 768; # multi_accept on;
}
http {
    sendfile on;
    include mime.types;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; # Dropping SSLv3, ref: POODLE
    log_format main '$remote_addr - "$request" {';
    include sites;
}
"""
SITE = """
map $http_upgrade $connection { default upgrade; '' close; }
server {
    listen 80 default_server; listen [::]:80;
    server_name www.example.com;
    location ~ ^/x(\\d+)\\;$ { return 301 https://${host}$request_uri; }
}
server {
    listen 443 ssl http2;
    listen [::]:443 ssl;
    listen 443 quic reuseport;
    listen unix:/run/nginx.sock ssl;
    server_name www.Example.com "shop.example.com" ~^(?<x>.+)\\.example\\.net$;
    ssl_certificate /etc/port443/www.example.com/current/fullchain.pem;
    ssl_certificate_key "/etc/port443/www.example.com/current/privkey.pem";
}
"""


def read(text, **includes):
    files = {"/etc/nginx/nginx.conf": [text]}
    files.update({f"/etc/nginx/{name.replace('__', '/')}": texts for name, texts in includes.items()})
    return read_configuration("/etc/nginx/nginx.conf", without_names(lambda pattern: files.get(pattern, [])))


def test_debian_s_configuration_with_a_site_is_read():
    found = read(MAIN, sites=[SITE], mime__types=["types { text/html html; }"])
    assert ("sendfile", "/etc/nginx/nginx.conf line 9") in [(one.words[0], one.place) for one in found.around]
    assert replace(found, around=()) == SiteConfiguration(
        servers=(
            Server(("www.example.com",), (Listen("", 80, False, False), Listen("::", 80, False, False)), ()),
            Server(
                ("www.example.com", "shop.example.com", "~^(?<x>.+)\\.example\\.net$"),
                (EVERYWHERE, Listen("::", 443, True, False)),
                ("/etc/port443/www.example.com/current/fullchain.pem",),
            ),
        ),
        listening=frozenset({("", 80), ("::", 80), ("", 443), ("::", 443)}),
        defaults=frozenset({("", 80)}),
        protocols=(
            (("", 80), ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"), "/etc/nginx/nginx.conf line 12"),
        ),  # of its default server alone
        quic=frozenset({("", 443)}),
        pid="/run/nginx.pid",
    )


@pytest.mark.parametrize(
    ("words", "listen"),
    [
        ("443 ssl", EVERYWHERE),
        ("*:443 ssl", EVERYWHERE),
        ("0.0.0.0:443 ssl", EVERYWHERE),
        ("192.0.2.1:8443 ssl", Listen("192.0.2.1", 8443, True, False)),
        ("192.0.2.1", Listen("192.0.2.1", 80, False, False)),
        ("[2001:db8::1]:443 ssl proxy_protocol", Listen("2001:db8::1", 443, True, True)),
        ("[::1]", Listen("::1", 80, False, False)),
        ("localhost:443 ssl", Listen("localhost", 443, True, False)),
        ("8000-8003 ssl", Listen("", 8000, True, False)),
    ],
)
def test_a_socket_is_read(words, listen):
    assert read(f"http {{ server {{ listen {words}; }} }}").servers == (Server((), (listen,), ()),)


@pytest.mark.parametrize("words", ["unix:/run/x", "443 quic", "443 udp"])
def test_a_socket_no_tcp_client_reaches_is_left_out(words):
    assert read(f"http {{ server {{ listen {words}; }} }}").servers == (Server((), (), ()),)


def test_a_socket_is_tls_whichever_server_says_so():
    configuration = read("http { server { listen 443 ssl; } server { listen 443; server_name b; } }")
    assert configuration.servers == (Server((), (EVERYWHERE,), ()), Server(("b",), (EVERYWHERE,), ()))


def test_ssl_on_makes_all_sockets_of_a_server_tls():
    assert read("http { server { listen 443; ssl on; } }").servers == (Server((), (EVERYWHERE,), ()),)


def test_certificates_of_http_are_inherited_unless_a_server_has_its_own():
    configuration = read(
        "http { ssl_certificate a.pem; server { listen 443 ssl; }"
        " server { listen 443 ssl; ssl_certificate /b.pem; ssl_certificate /c.pem; } }"
    )
    assert [server.certificates for server in configuration.servers] == [
        ("/etc/nginx/a.pem",),
        ("/b.pem", "/c.pem"),
    ]


def test_streams_serve_certificates_too():
    configuration = read("stream { server { listen 443 ssl; ssl_certificate /a.pem; } }")
    assert configuration.servers == (Server((), (EVERYWHERE,), ("/a.pem",)),)


def test_lua_between_braces_is_no_configuration():
    lua = """
        set_by_lua_block $x { return "}" .. '{' }
        content_by_lua_block {
            local t = { a = "it's \\" }" } -- don't }
            --[==[ } ]] ]==]
            local s = [[ } ]]
        }
    """
    configuration = read(f"http {{ server {{ {lua} listen 443 ssl; }} }}")
    assert configuration.servers == (Server((), (EVERYWHERE,), ()),)


def test_what_is_commented_out_serves_nothing():
    assert read("http { server { # ssl_certificate /a.pem;\n } }").servers == (Server((), (), ()),)


def test_a_configuration_that_includes_itself_is_told():
    with pytest.raises(HostError) as refused:
        read("include again;", again=["include again;"])
    assert refused.value.message == "nginx's configuration includes itself: /etc/nginx/again"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http { ;", "nginx's configuration /etc/nginx/nginx.conf has a ';' without a directive"),
        ("pid \\", "nginx's configuration /etc/nginx/nginx.conf cannot be read after its first 4 characters"),
    ],
)
def test_what_nginx_would_not_read_is_told(text, told):
    with pytest.raises(HostError) as refused:
        read(text)
    assert refused.value.message == told


@pytest.mark.parametrize(
    ("server_name", "name", "expected"),
    [
        ("www.example.com", "www.example.com", True),
        ("www.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", True),
        ("*.example.com", "example.com", False),
        (".example.com", "example.com", True),
        (".example.com", "www.example.com", True),
        ("www.*", "www.example.com", True),
        ("_", "www.example.com", False),
    ],
)
def test_a_server_name_stands_for_hosts(server_name, name, expected):
    assert matches(server_name, name) is expected
