# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy's configuration is read as HAProxy reads it, as far as certificates and sockets go."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.reader import (
    HaproxyConfiguration,
    matches,
    read_command_line,
    read_configuration,
)

# haproxy.cfg as Debian 12 ships it (HAProxy 2.6.12), shortened, and a frontend as people write it.
MAIN = """
global
\tlog /dev/log\tlocal0
\tchroot /var/lib/haproxy
\tstats socket /run/haproxy/admin.sock mode 660 level admin
\tdaemon
\tcrt-base /etc/ssl/private
defaults
\tlog\tglobal
\tmode\thttp
        timeout connect 5000
frontend web
    bind :80
    bind *:443,[::]:443 ssl crt /etc/port443/www.example.com/current/haproxy.pem alpn h2,http/1.1 # "quoted
    http-request redirect scheme https unless { ssl_fc }
    default_backend "app one"
backend app one
    server one 127.0.0.1:8080 ssl verify none
"""
CURRENT = "/etc/port443/www.example.com/current/haproxy.pem"


def read(text, lists=None, folders=None):
    files, listed = lists or {}, folders or {}
    return read_configuration([text], lambda path: files.get(path, []), lambda path: listed.get(path, []))


def test_debians_configuration_with_a_frontend_is_understood():
    sockets = (Listen("", 443, True, False), Listen("::", 443, True, False))
    plain = Server((), (Listen("", 80, False, False),), ())
    assert read(MAIN) == HaproxyConfiguration((plain, Server((), sockets, (CURRENT,))), None, False)


def test_indentation_means_nothing():
    text = "frontend a\nbind :443 ssl crt /a.pem\n    frontend b\nbind 192.0.2.1:443\n"
    assert read(text).servers == (
        Server((), (Listen("", 443, True, False),), ("/a.pem",)),
        Server((), (Listen("192.0.2.1", 443, False, False),), ()),
    )


@pytest.mark.parametrize(
    ("bind", "server"),
    [
        ("127.0.0.1:443 ssl crt /c.pem", Server((), (Listen("127.0.0.1", 443, True, False),), ("/c.pem",))),
        (":::443 v6only ssl crt /c.pem", Server((), (Listen("::", 443, True, False),), ("/c.pem",))),
        ("ipv6@[::1]:443 ssl crt /c.pem", Server((), (Listen("::1", 443, True, False),), ("/c.pem",))),
        (":443-450 ssl crt /c.pem", Server((), (Listen("", 443, True, False),), ("/c.pem",))),
        (":443 accept-proxy ssl crt /c.pem", Server((), (Listen("", 443, True, True),), ("/c.pem",))),
        ("quic4@:443,unix@/x.sock,abns@x ssl crt /c.pem", Server((), (), ("/c.pem",))),
        (":443 ssl crt c.pem crt /d.pem", Server((), (Listen("", 443, True, False),), ("/tls/c.pem", "/d.pem"))),
        (":443 ssl crt /all", Server((), (Listen("", 443, True, False),), ("/all/a.pem", "/all/b.pem"))),
        (
            ":443 ssl crt-list /list",
            Server(("www.example.com", "*.example.net"), (Listen("", 443, True, False),), ("/c.pem", "/tls/d.pem")),
        ),
    ],
)
def test_a_bind_is_what_it_says(bind, server):
    lists = {"/list": ["# ours\n/c.pem [alpn h2] www.Example.com !shop.example.com\nd.pem *.example.net\n"]}
    text = f"global\n  crt-base /tls\nlisten x\n  bind {bind}\n"
    assert read(text, lists, {"/all": ["/all/a.pem", "/all/b.pem"]}).servers == (server,)


@pytest.mark.parametrize(
    ("lines", "staples"),
    [
        ("/c.pem [ocsp-update on]\nd.pem [alpn h2 ocsp-update on] *.example.net", True),
        ("/c.pem [ocsp-update on]\nd.pem [ocsp-update off]", False),
        ("/c.pem [ocsp-update on]\nd.pem # [ocsp-update on]", False),
    ],
)
def test_a_bind_staples_where_its_list_says_so_for_each_certificate(lines, staples):
    text = "global\n  crt-base /tls\nlisten x\n  bind :443 ssl crt-list /list\n"
    assert [server.staples for server in read(text, {"/list": [lines]}).servers] == [staples]


def test_other_lines_with_the_same_words_are_no_binds():
    text = "backend x\n server a :443 ssl crt /c.pem\nfrontend y\n bind :1\n .if defined(X)\n no bind :443 ssl crt /c\n"
    assert read(text).servers == (Server((), (Listen("", 1, False, False),), ()),)


def test_what_starts_a_master_is_seen():
    text = 'global\n master-worker\n pidfile "/run/my haproxy.pid"\n'
    assert read(text) == HaproxyConfiguration((), "/run/my haproxy.pid", True)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["haproxy", "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "-p", "/run/haproxy.pid"], ("/etc/haproxy/haproxy.cfg",)),
        (["haproxy", "-f", "/a.cfg", "-f", "/etc/haproxy/conf.d"], ("/a.cfg", "/etc/haproxy/conf.d")),
        (["haproxy", "-W", "--", "/a.cfg", "/b.cfg"], ("/a.cfg", "/b.cfg")),
        (["haproxy", "-v"], ()),
    ],
)
def test_a_command_line_names_its_files(words, files):
    assert read_command_line(words) == files


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [("www.example.com", "www.example.com", True), ("*.example.com", "www.example.com", True), ("a", "b", False)],
)
def test_a_name_of_a_list_may_be_a_wildcard(written, name, expected):
    assert matches(written, name) is expected
