# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others have said for all sites is told where it takes something from ours, with file and line."""

from __future__ import annotations

import apache_golden
import haproxy_sites
import lighttpd_golden
import nginx_language
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from memory_files import MemoryFiles

NGINX = "events {{}}\nhttp {{\n    include conf.d/*.conf;\n    include sites-enabled/*;\n}}\n"
MAINS = {
    "nginx": {"/etc/nginx/nginx.conf": NGINX.format()},
    "apache": {"/etc/apache2/apache2.conf": "Include conf-enabled/*.conf\n"},
    "haproxy": {},
    "lighttpd": {"/etc/lighttpd/lighttpd.conf": 'include "conf-enabled/*.conf"\n'},
}
OWN = {
    "nginx": "/etc/nginx/conf.d/own.conf",
    "apache": "/etc/apache2/conf-enabled/own.conf",
    "haproxy": "/etc/haproxy/haproxy.cfg",
    "lighttpd": "/etc/lighttpd/conf-enabled/50-own.conf",
}
LANGUAGES = {
    "nginx": (nginx_language.LANGUAGE, nginx_language.DEBIAN),
    "apache": (apache_golden.LANGUAGE, apache_golden.DEBIAN),
    "haproxy": (haproxy_sites.LANGUAGE, haproxy_sites.layout_in("/etc/haproxy")),
    "lighttpd": (lighttpd_golden.LANGUAGE, lighttpd_golden.DEBIAN),
}
SITE = Site("www", ("www.example.com",), "/c.pem", "/k.pem", backends=("http://127.0.0.1:8080",))


def read(server, text):
    language, layout = LANGUAGES[server]
    return language.read(MemoryFiles({**MAINS[server], OWN[server]: text}), layout)


def tell(server, text, *sites, settings=None):
    language, _layout = LANGUAGES[server]
    return language.overruled(sites or (SITE,), settings or ServerSettings(), read(server, text))


def refuse(server, text):
    language, _layout = LANGUAGES[server]
    return language.conflicts((SITE,), ServerSettings(), read(server, text))


TOLD = {
    "nginx, a client certificate": (
        "nginx",
        "# own\nssl_verify_client optional;",
        "line 2 says 'ssl_verify_client opt",
    ),
    "nginx, nobody": ("nginx", "allow 192.0.2.0/24;\ndeny\n  all;", "line 2 says 'deny all', which holds for all of"),
    "nginx, a password": ("nginx", 'auth_basic "Staff";\n', "line 1 says 'auth_basic Staff'"),
    "nginx, another request": ("nginx", "auth_request /ask;", "line 1 says 'auth_request /ask'"),
    "nginx, TLS": ("nginx", "\n\nssl_conf_command MinProtocol TLSv1.3;", "line 3 says 'ssl_conf_command MinProtocol"),
    "nginx, a default server": (
        "nginx",
        "server { listen 443 ssl default_server;\nssl_protocols TLSv1.3; }",
        "(TLSv1.3, /etc/nginx/conf.d/own.conf line 2), holds for the sites there too, and not TLSv1.2 TLSv1.3",
    ),
    "Apache, a client certificate": ("apache", "\nSSLVerifyClient require\n", "line 2 says 'sslverifyclient require'"),
    "Apache, whom it requires": (
        "apache",
        "<Location \\\n  />\n<RequireAll>\nRequire ip 192.0.2.0/24\n</RequireAll>\n</Location>",
        "line 4 says 'require ip 192.0.2.0/24' in location /, which holds",
    ),
    "Apache, the older way": (
        "apache",
        '<LocationMatch "^/">\nDeny from all\n</LocationMatch>',
        "line 2 says 'deny fr",
    ),
    "Apache, of proxies": ("apache", '<Proxy "*">\nRequire local\n</Proxy>', "line 2 says 'require local' in proxy *"),
    "Apache, a condition": ("apache", '<If "true">\nRequire all denied\n</If>', "line 2 says 'require all denied' in"),
    "Apache, TLS": ("apache", "SSLOpenSSLConfCmd MaxProtocol TLSv1.2", "line 1 says 'sslopensslconfcmd MaxProtocol"),
    "HAProxy, TLS": (
        "haproxy",
        "global\n  log x\n  ssl-default-bind-options \\\n no-tls-tickets ssl-max-ver TLSv1.2\n",
        "line 3 says 'ssl-default-bind-options no-tls-tickets ssl-max-ver TLSv1.2' in global, which holds for all of "
        "HAProxy, so that visitors of www are not answered in TLSv1.3",
    ),
    "HAProxy, TLS by another word": (
        "haproxy",
        "global\n ssl-default-bind-options no-tlsv12",
        "so that visitors of www are not answered in TLSv1.2",
    ),
    "HAProxy, a path": ("haproxy", "defaults\n mode http\n\n monitor-uri /up", "line 4 says 'monitor-uri /up'"),
    "HAProxy, defaults from others": (
        "haproxy",
        "defaults a\n stats enable\ndefaults b from a\n mode http\n",
        "line 2 says 'stats enable' in defaults",
    ),
    "lighttpd, nobody": ("lighttpd", '\nurl.access-deny = ( "" )', "line 2 says 'url.access-deny '"),
    "lighttpd, some": (
        "lighttpd",
        '$HTTP["remoteip"] != "192.0.2.0/24" {\nurl.access-deny = ("")\n}',
        "line 2 says 'url.access-deny ' in HTTP remoteip != \"192.0.2.0/24\", which holds for all of lighttpd, so that "
        "some visitors are kept out of www",
    ),
    "lighttpd, a password": (
        "lighttpd",
        'auth.require = ("/" => ("method" => "basic"))',
        "line 1 says 'auth.require /",
    ),
    "lighttpd, a client certificate": (
        "lighttpd",
        'ssl.verifyclient.activate = "enable"',
        "line 1 says 'ssl.verifyclient.activate enable'",
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_takes_something_from_sites_is_told_with_file_and_line(case):
    server, text, words = TOLD[case]
    (told,) = tell(server, text)
    assert f"{OWN[server]} line " in told
    assert words in told


@pytest.mark.parametrize(
    ("server", "text"),
    [
        ("nginx", "ssl_verify_client off; auth_basic off; auth_request off;"),
        ("nginx", "deny 192.0.2.66; deny 198.51.100.0/24;"),
        ("nginx", "allow all; deny all;"),
        ("nginx", "ssl_conf_command Options PrioritizeChaCha;"),
        ("nginx", "server { listen 80; deny all; auth_basic Staff; }"),
        (
            "apache",
            "<Directory />\nRequire all denied\n</Directory>\n<FilesMatch ^\\.ht>\nRequire all denied\n</FilesMatch>",
        ),
        (
            "apache",
            "<Location /server-status>\nRequire local\n</Location>\n<Location />\nRequire all granted\n</Location>",
        ),
        (
            "apache",
            "<Location />\n<RequireAll>\nRequire all granted\nRequire not ip 192.0.2.1\n</RequireAll>\n</Location>",
        ),
        ("apache", '<VirtualHost *:80>\nRedirect / https://x.example/\n<Location "/">\nRequire local\n</Location>\n'),
        ("apache", "Redirect /old https://x.example/\nSSLVerifyClient none\nSSLOpenSSLConfCmd Curves X25519"),
        ("apache", '<Proxy "http://10.0.0.1/">\nRequire local\n</Proxy>\n<LocationMatch "(?<!^)[">\nRequire local'),
        ("haproxy", "global\n ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets\ndefaults\n mode http"),
        ("haproxy", "global\n ssl-default-bind-options force-tlsv12 force-tlsv13"),
        ("haproxy", "defaults\n monitor-uri /up\ndefaults\n mode http\nfrontend x\n monitor-uri /x"),
        ("lighttpd", 'url.access-deny = ( "~", ".inc" )\n$HTTP["host"] == "x" { url.access-deny = ("") }'),
        ("lighttpd", 'auth.require = ("/admin" => ("method" => "basic"))\nssl.verifyclient.activate = "disable"'),
    ],
)
def test_what_takes_nothing_from_sites_is_not_told(server, text):
    assert tell(server, text) == ()
    assert refuse(server, text) == ()


@pytest.mark.parametrize(
    ("server", "text", "more"),
    [
        ("nginx", "auth_basic Staff;", {"users_file": "/users"}),
        ("nginx", "deny all;", {"directives": ("allow all;",)}),
        ("nginx", "ssl_verify_client on;", {"client_ca": "/ca", "client_verification": "required"}),
        ("apache", "<Location />\nRequire local\n</Location>", {"users_file": "/users"}),
        ("apache", "<Location />\nRequire local\n</Location>", {"directives": ('<Location "/">', "</Location>")}),
        ("apache", "SSLVerifyClient require", {"client_ca": "/ca", "client_verification": "optional"}),
        ("apache", "SSLOpenSSLConfCmd MaxProtocol TLSv1.2", {"directives": ("SSLOpenSSLConfCmd MaxProtocol TLSv1.3",)}),
        ("lighttpd", 'url.access-deny = ("")', {"directives": ("url.access-deny = ()",)}),
        ("lighttpd", 'auth.require = ("" => ())', {"users_file": "/users"}),
    ],
)
def test_a_site_that_says_otherwise_is_left_out(server, text, more):
    other = Site("other", ("other.example",), "/c.pem", "/k.pem", **{"root": "/srv", **more})
    assert tell(server, text, other) == ()
    (told,) = tell(server, text, other, SITE)
    assert "other" not in told.split("so that")[1].split(":")[0].replace("another", "")


def test_many_sites_are_counted():
    sites = [Site(f"s{number}", (f"s{number}.example",), "/c.pem", "/k.pem", root="/srv") for number in range(5)]
    assert "so that visitors of all sites are asked for a password" in tell("nginx", "auth_basic Staff;", *sites)[0]
    own = Site("own", ("own.example",), "/c.pem", "/k.pem", root="/srv", users_file="/users")
    assert "visitors of s0, s1, s2 and 2 more are asked" in tell("nginx", "auth_basic Staff;", *sites, own)[0]


def test_a_section_for_a_path_concerns_sites_with_that_location_alone():
    text = "<Location /admin>\nRequire local\n</Location>"
    assert tell("apache", text) == ()
    admin = Site("www", ("www.example",), "/c.pem", "/k.pem", locations=(Location("/admin/users", root="/srv"),))
    assert "line 2 says 'require local' in location /admin" in tell("apache", text, admin)[0]


@pytest.mark.parametrize(
    ("server", "text", "words"),
    [
        ("nginx", "ssl_reject_handshake on;", "line 1 says 'ssl_reject_handshake on'"),
        ("haproxy", "defaults\n disabled\n", "line 2 says 'disabled' in defaults, which holds for all of HAProxy"),
    ],
)
def test_what_leaves_nothing_to_serve_is_refused(server, text, words):
    (told,) = refuse(server, text)
    assert words in told
    assert tell(server, text) == ()
