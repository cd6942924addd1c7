# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is rendered for lighttpd: the golden files, the order of the files, what goes with the last site."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, HostSystem, ServerSettings
from lighttpd_golden import BUILD, CASES, DEBIAN, DEBIANS, GOLDEN, LANGUAGE, LINUX, OTHERS, as_golden, make_site, render
from memory_files import MemoryFiles

SETTINGS = ServerSettings()
OURS = "/etc/lighttpd/conf-enabled/zz-port443-{}.conf"
SHARED = OURS.format("-shared")


def write(files, layout, *sites, removed=(), settings=SETTINGS, build=BUILD):
    """Renders and writes; returns the paths in their order."""
    others = LANGUAGE.read(files, layout)
    rendered = LANGUAGE.render(sites, removed, settings, build, layout, others, files)
    for file in rendered:
        files.take(file)
        LANGUAGE.read(files, layout)
    return [file.path for file in rendered]


def shown(files, layout=DEBIAN):
    """The sites of ours that are read back: names -> certificate and ports."""
    read = LANGUAGE.read(files, layout)
    return {
        one.names: (one.certificates[0], sorted({listen.port for listen in one.listens}))
        for one in read.servers
        if one.names and one.certificates
    }


def certificate_of(name):
    return f"/etc/port443/{name}/current/fullchain.pem"


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_as_it_was_agreed(case):
    assert as_golden(render(case)) == (GOLDEN / f"{case}.conf").read_text()


def test_the_shared_file_comes_first_and_goes_last():
    files = MemoryFiles(DEBIANS)
    site = OURS.format("www.example.com")
    assert sorted([site, SHARED]) == [SHARED, site]
    assert write(files, DEBIAN, make_site()) == [SHARED, site]
    assert list(LANGUAGE.own_files(files, DEBIAN)) == ["www.example.com"]
    assert write(files, DEBIAN, removed=("www.example.com",)) == [site, SHARED]
    assert files.all == DEBIANS


def test_rendering_again_changes_nothing():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site(), make_site("shop.example.com", names=("*.shop.example.com",)))
    before = dict(files.all)
    write(files, DEBIAN, make_site())
    assert files.all == before


def test_a_site_that_is_not_given_is_known_to_the_others_and_stays_to_the_byte():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site("a.example.com"), settings=replace(SETTINGS, port=8443, http_port=8080))
    before = files.all[OURS.format("a.example.com")]
    write(files, DEBIAN, make_site("b.example.com", names=("*.b.example.com",)))
    assert files.all[OURS.format("a.example.com")] == before
    text = files.all[SHARED]
    assert 'var.port443-known = "a\\.example\\.com|[^:]+\\.b\\.example\\.com"' in text
    assert [port for port in (80, 443, 8080, 8443) if f'"[::]:{port}"' in text] == [443, 8080, 8443]
    assert shown(files) == {
        ("a.example.com",): (certificate_of("a.example.com"), [8443]),
        ("*.b.example.com",): (certificate_of("b.example.com"), [443]),
    }


def test_unknown_names_keep_a_certificate_when_its_site_goes():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site("a.example.com"), make_site("b.example.com"))
    assert certificate_of("a.example.com") in files.all[SHARED]
    write(files, DEBIAN, removed=("a.example.com",))
    assert certificate_of("b.example.com") in files.all[SHARED]
    assert "a.example.com" not in files.all[SHARED]


def test_a_default_server_has_the_sockets_and_leaves_the_names_of_others_alone():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site("a.example.com"))
    write(files, DEBIAN, make_site("z.example.com", default_server=True))
    assert 'url.access-allow = ("//")' not in files.all[SHARED]
    assert certificate_of("z.example.com") in files.all[SHARED]
    # Debian's own default stays at port 80.
    assert [text.count(".*?") for path, text in files.all.items() if path == OURS.format("z.example.com")] == [1]
    write(files, DEBIAN, make_site("b.example.com"))
    assert 'url.access-allow = ("//")' not in files.all[SHARED]
    with pytest.raises(HostError, match=r"site 'c.example.com' is to be the default server, and 'z.example.com'"):
        write(files, DEBIAN, make_site("c.example.com", default_server=True))


@pytest.mark.parametrize(
    ("kept", "given", "told"),
    [
        ({"names": ("a.x", "b.x")}, {"names": ("c.x", "b.x")}, "site 'two' has the name b.x, which 'one' has as well"),
        ({"names": ("*.x.y",)}, {"names": ("*.a.x.y",)}, "site 'two' has the name *.a.x.y, which 'one' has as well"),
        (
            {"client_ca": "/one.pem", "client_verification": "required"},
            {"names": ("two",), "client_ca": "/two.pem", "client_verification": "optional"},
            "the sites have several client CAs (/one.pem, /two.pem)",
        ),
    ],
)
def test_what_cannot_stand_beside_a_site_that_stays_is_told(kept, given, told):
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site("one", **kept))
    with pytest.raises(HostError) as refused:
        write(files, DEBIAN, make_site("two", **given))
    assert told in refused.value.message


def test_more_names_than_an_expression_holds_are_told_where_one_has_to_tell_them_apart():
    many = [make_site(f"a-site-of-a-long-name-{number}.example.com") for number in range(800)]
    for wide in ({"default_server": True}, {"names": ("*.example.org",)}):
        with pytest.raises(HostError, match="the sites have more names than lighttpd can tell apart from those of z"):
            write(MemoryFiles(DEBIANS), DEBIAN, *many, make_site("z", **wide))
    assert len(write(MemoryFiles(DEBIANS), DEBIAN, *many[:2], make_site("z"))) == 4


def test_what_an_administrator_allows_holds_for_sites_too():
    files = MemoryFiles({DEBIAN.main: DEBIANS[DEBIAN.main] + 'url.access-allow = (".html", ".png")\n'})
    write(files, DEBIAN, make_site())
    assert files.all[OURS.format("www.example.com")].count('url.access-allow = (".html", ".png")') == 2


def test_a_file_of_ours_that_somebody_changed_is_told_and_can_be_given_anew():
    files = MemoryFiles({**DEBIANS, OURS.format("a.example.com"): 'server.tag = "mine"\n'})
    with pytest.raises(HostError, match=r"is not as it was written: give the site 'a.example.com' as well"):
        write(files, DEBIAN, make_site())
    write(files, DEBIAN, make_site(), make_site("a.example.com"))
    assert set(shown(files)) == {("www.example.com",), ("a.example.com",)}


def test_http2_that_an_administrator_turned_off_is_told():
    main = DEBIANS[DEBIAN.main].replace('"server.h2proto" => "enable"', '"server.h2proto" => "disable"')
    files = MemoryFiles({DEBIAN.main: main})
    with pytest.raises(HostError, match=r"server.feature-flags of lighttpd's configuration turns HTTP/2 off"):
        write(files, DEBIAN, make_site())
    write(files, DEBIAN, make_site(), settings=replace(SETTINGS, http2=False))
    assert "server.feature-flags" not in files.all[SHARED]


def test_a_main_file_gets_one_line_last_and_loses_it_first():
    files = MemoryFiles(OTHERS)
    assert write(files, LINUX, make_site())[-1] == LINUX.main
    assert files.all[LINUX.main] == OTHERS[LINUX.main] + 'include "/etc/lighttpd/zz-port443-*.conf"\n'
    assert shown(files, LINUX) == {("www.example.com",): (certificate_of("www.example.com"), [443])}
    assert LINUX.main not in write(files, LINUX, make_site("b.example.com"))
    assert write(files, LINUX, removed=("b.example.com", "www.example.com"))[0] == LINUX.main
    assert files.all == OTHERS


@pytest.mark.parametrize("family", ["FreeBSD", "OpenBSD", "Darwin"])
def test_other_systems_have_no_layout(family):
    assert LANGUAGE.find_layout(HostSystem(family)) is None


MODULES = "/usr/lib/lighttpd:\nmod_auth.so\nmod_openssl.so\n"


@pytest.mark.parametrize(
    ("said", "build"),
    [
        (
            f"lighttpd/1.4.69 (ssl) - a light and fast webserver\n\n\t+ OpenSSL support\n{MODULES}"
            "OpenSSL 3.0.17 1 Jul 2025 (Library: OpenSSL 3.0.19 30 Sep 2025)\n",
            Build((1, 4, 69), (3, 0, 19), frozenset({"mod_auth", "mod_openssl"})),
        ),
        ("lighttpd/1.4.79 (ssl) - a light and fast webserver\n", Build((1, 4, 79))),
        ("nginx version: nginx/1.22.1\n", None),
    ],
)
def test_a_build_is_read(said, build):
    read = LANGUAGE.read_build(said)
    assert read == (build and replace(build, said=read.said))
    assert build is None or read.said == said.splitlines()[0]


@pytest.mark.parametrize(
    ("build", "options", "told"),
    [
        (Build((1, 4, 55), said="lighttpd/1.4.55"), {}, "lighttpd/1.4.55: sites need lighttpd 1.4.59 or newer"),
        (
            replace(BUILD, features=frozenset({"mod_auth"})),
            {},
            "the lighttpd of this host has no mod_openssl, which HTTPS needs: install the package that has it, on "
            "Debian lighttpd-mod-openssl",
        ),
        (
            replace(BUILD, features=frozenset({"mod_openssl"})),
            {"users_file": "/users"},
            "the lighttpd of this host has no mod_authn_file, which users_file needs: install the package that has it",
        ),
        (Build((1, 4, 69)), {"users_file": "/users"}, None),
    ],
)
def test_what_this_build_cannot_do_is_told(build, options, told):
    assert LANGUAGE.limits([make_site(**options)], SETTINGS, build) == ((told,) if told else ())
