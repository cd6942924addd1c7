# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lighttpd's configuration is read as lighttpd reads it, as far as certificates and sockets go."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    Listen,
    Server,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.reader import (
    matches,
    read_configuration,
)

# lighttpd.conf as Debian 12 ships it (1.4.69), shortened, and two files of conf-enabled: 10-ssl.conf as it comes, and a
# site as people write it.
MAIN = """\
server.modules = (
\t"mod_indexfile",
 \t"mod_redirect",
)
server.document-root        = "/var/www/html"
server.pid-file             = "/run/lighttpd.pid"
server.port                 = 80
server.feature-flags       += ("server.h2proto" => "enable")
server.http-parseopts = (
  "header-strict"           => "enable",# default
 #"url-path-2f-reject"      => "enable",
)
# default listening port for IPv6 falls back to the IPv4 port
include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
include "/etc/lighttpd/conf-enabled/*.conf"

#server.compat-module-load   = "disable"
server.modules += (
\t"mod_staticfile",
)
"""
SSL = """\
# -*- conflicts: mbedtls, gnutls, nss, wolfssl -*-
server.modules += ( "mod_openssl" )
ssl.pemfile = "/etc/lighttpd/server.pem"
$SERVER["socket"] == "0.0.0.0:443" {
\tssl.engine  = "enable"
}
include_shell "/usr/share/lighttpd/use-ipv6.pl 443"
"""
SITE = """\
var.site = "www.example.com"
$HTTP["host"] =~ "^(www\\.)?example\\.com$" {
    ssl.pemfile = "/etc/port443/" + site + "/current/fullchain.pem"
    ssl.privkey = "/etc/port443/" + site + "/current/privkey.pem"
    server.document-root = "/srv/\\"www\\""
} else $HTTP["host"] == "old.example.com" { url.redirect = ("" => "/") } # "quoted
"""
THEIRS = ("/etc/lighttpd/server.pem",)
FOUR, SIX = Listen("", 443, True, False), Listen("::", 443, True, False)
PLAIN = (Listen("", 80, False, False), Listen("::", 80, False, False))


def read(text, **files):
    known = {"/etc/lighttpd/lighttpd.conf": [text], **{path.replace("_", "/"): [one] for path, one in files.items()}}
    return read_configuration("/etc/lighttpd/lighttpd.conf", without_names(lambda path: known.get(path, [])))


def test_debians_configuration_with_a_site_is_understood():
    texts = {"/etc/lighttpd/lighttpd.conf": [MAIN], "/etc/lighttpd/conf-enabled/*.conf": [SSL, SITE]}
    found = read_configuration("/etc/lighttpd/lighttpd.conf", without_names(texts.__getitem__))
    current = ("/etc/port443/www.example.com/current/fullchain.pem",)
    assert found.servers == (
        Server((), PLAIN[:1], ()),
        Server((), PLAIN[1:], ()),
        Server((), (FOUR,), THEIRS),
        Server((), (SIX,), THEIRS),
        Server(("example.com", "www.example.com"), PLAIN, ()),
        Server(("example.com", "www.example.com"), (FOUR, SIX), current),
        Server(("old.example.com",), PLAIN, ()),
        Server(("old.example.com",), (FOUR, SIX), THEIRS),
    )
    assert found.listening == {("", 80), ("::", 80), ("", 443), ("::", 443)}
    assert (found.pid, found.modules) == (
        "/run/lighttpd.pid",
        {"mod_indexfile", "mod_redirect", "mod_openssl", "mod_staticfile"},
    )


@pytest.mark.parametrize(
    ("text", "listens"),
    [
        ("", [Listen("", 80, False, False)]),
        ('ssl.engine = "enable"', [Listen("", 443, True, False)]),
        ('server.bind = "[::1]"\nserver.port = "8443"', [Listen("::1", 8443, False, False)]),
        ('server.bind = "/run/lighttpd.sock"', []),
        ('$SERVER["socket"] == "*:80" { ssl.engine = "enable" }', [Listen("", 80, True, False)]),
        (
            '$SERVER["socket"] == "192.0.2.1" { } else $SERVER["socket"] == "[::]" { ssl.engine = 1 }',
            [Listen("", 80, False, False), Listen("192.0.2.1", 80, False, False), Listen("::", 80, True, False)],
        ),
        (
            'extforward.hap-PROXY = "enable"\nextforward.forwarder = ("10.0.0.0/8" => "trust", "192.0.2.1" => "")',
            [Listen("", 80, False, True, ("10.0.0.0/8",))],
        ),
        (
            'extforward.hap-PROXY = "enable"\nextforward.forwarder = ("all" => "trust")',
            [Listen("", 80, False, True)],
        ),
        ('extforward.hap-PROXY = "enable"', [Listen("", 80, False, False)]),
    ],
)
def test_sockets_are_opened_once_each(text, listens):
    assert [one.listens[0] for one in read(text).servers] == listens


@pytest.mark.parametrize(
    ("text", "listening"),
    [
        ('server.bind = "[::]"', {("::", 80)}),
        ('server.bind = "[::]"\nserver.v4mapped = "enable"', {("::", 80), ("", 80)}),
        ('server.bind = "[::]"\nserver.set-v6only = "disable"', {("::", 80), ("", 80)}),
    ],
)
def test_a_socket_of_ipv6_may_take_ipv4_as_well(text, listening):
    assert read(text).listening == listening


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('server.pid-file = "a" + "b"', "a" + "b"),
        ('server.pid-file = "/run/" + 80', "/run/80"),
        ('name = "x"\nserver.pid-file = var.name', "x"),
        ('server.pid-file = "x"\nserver.pid-file := "y"', "y"),
        ('server.pid-file = "x"\nserver.pid-file += "y"', "xy"),
        ('server.pid-file = "x" + env.HOME', None),
        ('global { server.pid-file = "x" }', "x"),
        ('$HTTP["host"] == "x" { global { server.pid-file = "y" } }', "y"),
        ('$HTTP["host"] == "x" { server.pid-file = "y" }', None),
        ('server.pid-file = "a\\"b\\c"', 'a"b\\c'),
        ('a.b = ( "x" => ( "y" => 1, ), 2 ) server.pid-file = "z" # comment', "z"),
        ('include "more.conf"', "more"),
        ('include_shell "cat /etc/lighttpd/more.conf"', "more"),
        ('include_shell "echo server.pid-file = 1"', None),
    ],
)
def test_values_are_what_lighttpd_makes_of_them(text, value):
    more = {"/etc/lighttpd/lighttpd.conf": [text], "/etc/lighttpd/more.conf": ['server.pid-file = "more"']}
    assert read_configuration("/etc/lighttpd/lighttpd.conf", without_names(more.__getitem__)).pid == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a.b = ", "at its end: expected a value, found 'the end of a line'"),
        ('a.b = "c', "line 1"),
        ('$HTTP["host"] == "x" {\na.b = 1\n', "at its end: expected '}', found 'the end of a line'"),
        ("\n}\n", "line 2: a brace is closed that was not opened"),
        ('\na.b on "x"', "line 2: expected '=' or '+=' or ':=', found 'on'"),
        ("a.b = (1 2)", "line 1: expected ',', found '2'"),
        ("a.b = " + "(" * 60, "line 1: more than 50 lists are in one another"),
        ('$HTTP["url"] == "x" {' * 60, "line 1: more than 50 blocks are in one another"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(text, told):
    with pytest.raises(HostError) as refused:
        read(text)
    assert refused.value.message == f"lighttpd's configuration /etc/lighttpd/lighttpd.conf cannot be read, {told}"


def test_a_configuration_that_includes_itself_is_told():
    with pytest.raises(HostError, match="includes itself"):
        read_configuration("/m", lambda path: [(path, 'include "/m"')])


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ('== "WWW.example.com"', ["www.example.com"]),
        ('=$ ".example.com"', ["www.example.com", "a.b.example.com"]),
        ('=^ "www."', ["www.example.com", "www.x"]),
        ('=~ "^w[w]+\\.example\\.com$"', ["www.example.com"]),
    ],
)
def test_conditions_on_hosts_stand_for_names(written, names):
    text = f'$HTTP["host"] {written} {{ ssl.pemfile = "x" }}'
    (own,) = [one for one in read(text).servers if one.names]
    known = ("www.example.com", "a.b.example.com", "www.x", "example.com")
    assert [name for name in known if matches(own.names[0], name)] == names


def test_responses_of_the_ca_are_stapled_where_a_file_has_them():
    text = 'ssl.engine = "enable"\nssl.pemfile = "a"\n$HTTP["host"] == "x" { ssl.stapling-file = "b" }'
    assert [(one.names, one.certificates, one.staples) for one in read(text).servers] == [
        ((), ("/etc/lighttpd/a",), False),
        (("x",), ("/etc/lighttpd/a",), True),
    ]
