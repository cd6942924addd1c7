# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever is in an option: it is refused, or it is read back from what was rendered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.block import divide
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_backends import split_backend
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.stored_sites import read_sites
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import quote, split_line
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from haproxy_sites import DEFAULTS, LANGUAGE, MemoryFiles, render
from hypothesis import example, given
from hypothesis import strategies as st

MAIN = "/etc/haproxy/haproxy.cfg"
HOSTILE = st.text(
    st.one_of(st.sampled_from("\"'\\#$%{}[]();! \t\n\r\0/:*~,-"), st.characters(codec="utf-8"), st.sampled_from("ab0")),
    max_size=12,
)
VALUES = st.one_of(HOSTILE, HOSTILE.map(lambda text: "/" + text), st.just("/" + "x" * 5000))
NAMES = st.from_regex(r"\A[a-z0-9]{1,8}\.example\.(com|net)\Z")
PEM = "/etc/port443/a/current/haproxy.pem"
SITE = Site("a", ("a.example.com",), PEM, PEM, backends=("http://127.0.0.1:8080",))


def canonical(site):
    """A site as a block tells it: wildcards last, backends with their ports, one file for both."""

    def urls(backends):
        parts = [split_backend(one) for one in backends]
        hosts = [(tls, f"[{host}]" if ":" in host else host, port) for tls, host, port in parts]
        return tuple(f"{'https' if tls else 'http'}://{host}:{port}" for tls, host, port in hosts)

    plain = [name for name in site.names if not name.startswith("*")]
    wild = sorted(name for name in site.names if name.startswith("*"))
    locations = tuple(replace(one, backends=urls(one.backends)) for one in site.locations)
    names = (*plain, *wild)
    return replace(site, names=names, backends=urls(site.backends), locations=locations, key=site.certificate)


SETTINGS = ServerSettings()


def write_and_read(sites, settings=SETTINGS):
    files = MemoryFiles({MAIN: DEFAULTS})
    files.take(render(files, sites, settings))
    block = divide(files.found[MAIN], MAIN).block
    return read_sites(block, files.found["/etc/haproxy/port443.crt-list"]), files


HTTPS = replace(SITE, backends=("https://localhost",))
PUT = {
    "name": lambda value: replace(SITE, name=value),
    "names": lambda value: replace(SITE, names=("b.example.com", value)),
    "certificate": lambda value: replace(SITE, certificate=value),
    "backends": lambda value: replace(SITE, backends=(value,)),
    "backends' host": lambda value: replace(SITE, backends=("http://" + value,)),
    "health_path": lambda value: replace(SITE, health_path=value),
    "backend_ca": lambda value: replace(HTTPS, backend_ca=value),
    "client_ca": lambda value: replace(SITE, client_ca=value, client_verification="required"),
    "directives": lambda value: replace(SITE, directives=("option httplog", value, "")),
    "path": lambda value: replace(SITE, locations=(Location(value, redirect_to="/x"),)),
    "redirect_to": lambda value: replace(SITE, locations=(Location("/x", redirect_to=value),)),
    "location's backends": lambda value: replace(SITE, locations=(Location("/x", backends=(value,)),)),
    "location's directives": lambda value: replace(SITE, locations=(Location("/x", directives=(value,)),)),
}


@pytest.mark.parametrize("option", PUT)
@given(value=VALUES)
@example(value="# End of the lines of a")
@example(value="    # End of the lines of a")
@example(value="frontend x")
@example(value="'fron'tend x")
@example(value="/a\\")
@example(value="/$HOME\"${HOME}'%[env(HOME)]")
def test_a_value_is_refused_or_read_back(option, value):
    site = PUT[option](value)
    if LANGUAGE.complaints([site], ServerSettings()):
        return
    other = replace(SITE, name="other", names=("other.example.com",), directives=("http-request deny",))
    found, files = write_and_read([site, other])
    assert sorted(found, key=lambda one: one.name) == sorted((canonical(site), other), key=lambda one: one.name)
    assert not files.found[MAIN].count("\0")


@given(HOSTILE)
def test_a_quoted_word_is_one_word_that_means_itself(word):
    if not set(word) & set("\n\r\0"):
        assert split_line(f"a {quote(word)} b # c") == ["a", word, "b"]


@st.composite
def random_sites(draw):
    """Sites that hold what an option can, no name twice."""
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    default = draw(st.integers(0, len(names)))
    return [draw(random_site(name, at == default)) for at, name in enumerate(names)]


@st.composite
def random_site(draw, name, default):
    guarded = not default and draw(st.booleans())
    scheme = draw(st.sampled_from(("http", "https")))
    backend = st.sampled_from(("localhost:8080", "app.example.com", "app:1")).map(lambda host: f"{scheme}://{host}")
    location = st.one_of(
        st.builds(Location, st.sampled_from(("/a", "/a b", "/a'\"c")), st.tuples(backend)),
        st.builds(Location, st.just("/r"), redirect_to=st.just("https://x/%20$"), redirect_code=st.just(302)),
        st.builds(Location, st.just("/d"), directives=st.just(("http-request deny", "", "# why"))),
    )
    locations = tuple(draw(st.lists(location, max_size=3, unique_by=lambda one: one.path)))
    secured = scheme == "https"
    checks = draw(st.booleans())
    return Site(
        name,
        (name, f"*.{name}") if draw(st.booleans()) else (name,),
        f"/etc/port443/{name}/current/haproxy.pem",
        f"/etc/port443/{name}/current/haproxy.pem",
        backends=tuple(draw(st.lists(backend, min_size=1, max_size=3))),
        health_path="/up?x=%20" if checks else "",
        verify_backend=not secured or draw(st.booleans()),
        locations=locations,
        redirect=guarded or draw(st.booleans()),
        hsts_max_age=draw(st.integers(0, 10**8)),
        default_server=default,
        directives=tuple(draw(st.lists(st.sampled_from(("option httplog", "", "acl x src 10.0.0.0/8")), max_size=3))),
        client_ca="/etc/ca.pem" if guarded else "",
        client_verification="required" if guarded else "none",
        security_headers=draw(st.booleans()),
    )


@given(random_sites(), st.sampled_from((ServerSettings(), ServerSettings(acme_port=1, unknown_names="serve"))))
def test_sites_are_read_back_as_they_were_rendered(sites, settings):
    assert LANGUAGE.complaints(sites, settings) == ()
    found, files = write_and_read(sites, settings)
    assert sorted(found, key=lambda one: one.name) == sorted(map(canonical, sites), key=lambda one: one.name)
    again = render(files, sites, settings)
    assert {one.path: one.text for one in again} == files.found
    assert render(files, [], settings)[1].text == files.found[MAIN]
    gone = render(files, [], settings, removed=[site.name for site in sites])
    assert {one.path: one.text for one in gone} == {MAIN: DEFAULTS, "/etc/haproxy/port443.crt-list": None}
