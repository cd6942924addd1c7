# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What others have already, what no Apache can do, and what is read of a configuration."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, Location, ServerSettings
from apache_golden import DEBIAN, DEBIANS, LANGUAGE, make_site
from memory_files import MemoryFiles

SETTINGS = ServerSettings()


def read(text, **files):
    main = {"/etc/apache2/apache2.conf": text}
    main.update({f"/etc/apache2/{name}.conf": one for name, one in files.items()})
    return LANGUAGE.read(MemoryFiles(main), DEBIAN)


def find(text, *sites):
    return LANGUAGE.conflicts(sites or (make_site(),), SETTINGS, read(text))


VHOST = "Listen 443\nListen 80\n<VirtualHost {}>\n{}\n</VirtualHost>\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (VHOST.format("*:443", "ServerName a.example.com\nServerAlias *.example.com"), "a.example.com, *.example.com"),
        (VHOST.format("*", "ServerName WWW.example.com:80"), "www.example.com"),
        ("ServerName www.example.com\n" + VHOST.format("_default_:443", ""), "www.example.com"),
        ("Listen 192.0.2.1:443\n<VirtualHost *:443>\nServerName www.example.com\n</VirtualHost>\n", "www.example.com"),
    ],
)
def test_a_name_that_another_site_has_is_told(text, told):
    assert find(text)[0] == (
        f"site www.example.com: another virtual host on *:443 has the name www.example.com ({told}), and Apache takes "
        "the first: take the name away from that one, or leave it out here. Apache gives a site without a ServerName "
        "the host's own name"
    )


@pytest.mark.parametrize(
    "text",
    [
        VHOST.format("192.0.2.1:443", "ServerName www.example.com"),
        VHOST.format("*:8443", "ServerName www.example.com"),
        VHOST.format("*:443", "ServerName other.example.com"),
        "ServerName www.example.com\nListen 443\n",
        "<IfDefine NO>\n" + VHOST.format("*:443", "ServerName www.example.com") + "</IfDefine>\n",
    ],
)
def test_what_takes_no_name_of_ours_is_no_conflict(text):
    assert find(text) == ()


def test_a_default_that_would_not_be_first_is_told():
    site = make_site(default_server=True)
    assert find(VHOST.format("*:443", "ServerName other.example.com"), site) == (
        "site www.example.com: it cannot be the default_server, as Apache takes the first site on *:443, which is "
        "other.example.com: leave out default_server, or move that one",
    )
    assert find(VHOST.format("*:80", "ServerName other.example.com"), site) == ()


def test_our_own_answer_to_unknown_names_is_no_conflict():
    files = MemoryFiles(DEBIANS)
    arguments = (SETTINGS, Build((2, 4, 66)), DEBIAN, LANGUAGE.read(files, DEBIAN), files)
    for file in LANGUAGE.render([make_site()], (), *arguments)[:2]:
        files.take(file)
    assert LANGUAGE.conflicts([make_site(default_server=True)], SETTINGS, LANGUAGE.read(files, DEBIAN)) == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "<Macro site $name>\nServerName $name\n</Macro>\n<VirtualHost *:443>\nUse SITE a.b\n</VirtualHost>\n",
            ("a.b",),
        ),
        (
            "<Macro v $n $name>\n<VirtualHost *:443>\nServerName $name\n</VirtualHost>\n</Macro>\nUse v 1 a.b\n",
            ("a.b",),
        ),
        ("# comment \\\n<VirtualHost *:443>\n<VirtualHost *:443>\nServer\\\nName 'a.b'\n</VirtualHost>\n", ("a.b",)),
        ("<IfVersion >= 2.4>\n<VirtualHost *:443>\nServerName a.b\n</VirtualHost>\n</IfVersion>\n", ("a.b",)),
        (
            "<IfVersion < 2.4>\n<VirtualHost *:80>\n</VirtualHost>\n</IfVersion>\n<VirtualHost *:443>\n</VirtualHost>",
            (),
        ),
        (
            "<VirtualHost *:443>\n<If \"%{HTTP_HOST} == 'x>y'\">\n</If>\nServerName [2001:db8::1]:443\n</VirtualHost>",
            None,
        ),
        (
            "Define n a.b\n<VirtualHost *:443>\nServerName https://${n}\nServerAlias ${m}\n</VirtualHost>",
            ("a.b", "${m}"),
        ),
        (
            "Include more.conf\n<IfModule ssl_module>\n<VirtualHost *:443>\nServerName a.b\n</VirtualHost>\n"
            "</IfModule>",
            ("a.b",),
        ),
        ("<IfFile more.conf>\n<VirtualHost *:443>\nServerName a.b\n</VirtualHost>\n</IfFile>", ("a.b",)),
        ("IncludeOptional folder\n", ("a.b",)),
    ],
)
def test_the_grammar_is_apaches(text, names):
    more = "LoadModule ssl_module modules/mod_ssl.so\n"
    below = "<VirtualHost *:443>\nServerName a.b\n</VirtualHost>\n"
    (server,) = read("Listen 443\n" + text, more=more, **{"folder/below": below}).servers
    assert server.names == (("2001:db8::1",) if names is None else names)


def test_sockets_modules_and_defaults_are_read():
    configuration = LANGUAGE.read(MemoryFiles(DEBIANS), DEBIAN)
    assert configuration.listening == {("", 80)}
    assert configuration.defaults == {("", 80)}
    assert configuration.modules == {"alias_module"}
    assert configuration.pid == "/var/run/apache2/apache2.pid"


@pytest.mark.parametrize(
    ("sites", "settings", "told"),
    [
        ([], ServerSettings(http3=True), "http3: Apache has no HTTP/3; leave it out, or take nginx or HAProxy"),
        ([], ServerSettings(trusted_proxies=("all",)), "trusted_proxies: 'all' is no network such as 10.0.0.0/8"),
        (
            [make_site("a", default_server=True), make_site("b", default_server=True)],
            SETTINGS,
            "a, b: one site of a port can be the default_server, leave it out of the others",
        ),
        (
            [make_site(backends=("http://a/x", "http://b"))],
            SETTINGS,
            "site 'www.example.com': backends: several backends that share requests have the same path, or none",
        ),
        (
            [make_site(root="/srv/a*")],
            SETTINGS,
            "site 'www.example.com': root: '/srv/a*' has a wildcard of Apache's (* ? [ ] or a backslash); link to the "
            "folder",
        ),
        (
            [make_site(locations=(Location("/.well-known/acme-challenge/x", root="/a"),))],
            SETTINGS,
            "site 'www.example.com': location '/.well-known/acme-challenge/x': path: /.well-known/acme-challenge/ is "
            "for certificate authorities; choose another one",
        ),
    ],
)
def test_what_no_apache_can_do_is_told(sites, settings, told):
    assert LANGUAGE.complaints(sites, settings) == (told,)


def test_what_an_old_release_cannot_do_is_told():
    settings = replace(SETTINGS, proxy_protocol=True)
    assert LANGUAGE.limits([make_site()], settings, Build((2, 4, 29))) == (
        "Apache 2.4.29 cannot do proxy_protocol, which came with 2.4.31: have the balancer send X-Forwarded-For "
        "instead, or update Apache",
        "Apache 2.4.29 cannot do TLS 1.3, which each profile has, which came with 2.4.36: take nginx, or update Apache",
    )
    assert LANGUAGE.limits([make_site()], settings, Build((2, 4, 62))) == ()
    assert LANGUAGE.limits([make_site()], settings, Build(())) == ()
