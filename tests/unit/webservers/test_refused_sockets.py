# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On which sockets the files of each server refuse names that no site has: what of them is to be proved."""

from __future__ import annotations

from dataclasses import replace

import apache_golden
import haproxy_golden
import haproxy_sites
import lighttpd_golden
import nginx_language
import pytest
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._webservers.site import ServerSettings
from memory_files import MemoryFiles

HAPROXY = {"/etc/haproxy/haproxy.cfg": haproxy_sites.DEFAULTS}
NGINX = {nginx_language.DEBIAN.main: nginx_language.MAIN}
# An administrator's own default, of the port that is in there.
DEFAULTS = {
    "nginx": "server {{ listen {0} ssl default_server; ssl_certificate /x; ssl_certificate_key /x; }}",
    "apache": "<VirtualHost *:{0}>\nServerName own.example\nSSLEngine on\n</VirtualHost>",
    "lighttpd": '$SERVER["socket"] == "0.0.0.0:{0}" {{ ssl.engine = "enable" ssl.pemfile = "/x" }}',
}
PLACES = {
    "nginx": "/etc/nginx/sites-enabled/own",
    "apache": "/etc/apache2/sites-enabled/own.conf",
    "lighttpd": "/etc/lighttpd/conf-enabled/90-own.conf",
}
SETTINGS = ServerSettings()


def make_site(server, name="www.example.com", **own):
    made = {
        "nginx": nginx_language.make_site,
        "apache": apache_golden.make_site,
        "haproxy": haproxy_golden.site,
        "lighttpd": lighttpd_golden.make_site,
    }[server]
    return made(name, **own)


def refused(server, *sites, settings=SETTINGS, own=""):
    """The sockets, (address, port), with what an administrator has beside the package's own files."""
    language = LANGUAGES[server]()
    layout, build, texts = {
        "nginx": (nginx_language.DEBIAN, nginx_language.BUILD, NGINX),
        "apache": (apache_golden.DEBIAN, apache_golden.BUILD, apache_golden.DEBIANS),
        "haproxy": (haproxy_sites.layout_in("/etc/haproxy"), haproxy_sites.BUILD, HAPROXY),
        "lighttpd": (lighttpd_golden.DEBIAN, lighttpd_golden.BUILD, lighttpd_golden.DEBIANS),
    }[server]
    files = MemoryFiles({**texts, **({PLACES[server]: own} if own else {})})
    rendered = language.render(sites, (), settings, build, layout, language.read(files, layout), files)
    return language.refused_sockets(rendered, settings)


@pytest.mark.parametrize("server", LANGUAGES)
def test_names_that_nobody_has_are_refused_over_both_versions(server):
    assert refused(server, make_site(server)) == {("", 443), ("::", 443)}
    elsewhere = replace(SETTINGS, port=8443, ipv6=False)
    assert ("", 8443) in refused(server, make_site(server), settings=elsewhere)


@pytest.mark.parametrize("server", LANGUAGES)
def test_a_site_that_answers_to_them_is_not_refused(server):
    assert refused(server, make_site(server, default_server=True)) == frozenset()
    assert refused(server, make_site(server), settings=replace(SETTINGS, unknown_names="serve")) == frozenset()


@pytest.mark.parametrize("server", DEFAULTS)
def test_where_an_administrator_has_a_default_it_answers_to_them(server):
    own = DEFAULTS[server].format(443)
    left = {"nginx": {("::", 443)}, "lighttpd": {("::", 443)}, "apache": frozenset()}[server]
    assert refused(server, make_site(server), own=own) == left


def test_lines_of_a_users_that_choose_a_backend_answer_to_them():
    site = make_site("haproxy", directives=("default_backend mine",))
    assert refused("haproxy", site) == frozenset()


@pytest.mark.parametrize("server", LANGUAGES)
def test_a_status_that_refuses_is_none_that_a_site_answers_with(server):
    assert LANGUAGES[server]().refusals in ((), (421,), (403,))
