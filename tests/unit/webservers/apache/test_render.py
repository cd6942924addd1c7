# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is rendered for Apache: the golden files, the order of the files, what goes with the last site."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    HostSystem,
    ServerSettings,
)
from apache_golden import BUILD, CASES, DEBIAN, DEBIANS, GOLDEN, LANGUAGE, RHEL, RHELS, as_golden, make_site, render
from memory_files import MemoryFiles

SETTINGS = ServerSettings()
OURS = "/etc/apache2/sites-{}/zz-port443-{}.conf"


def write(files, layout, *sites, removed=(), settings=SETTINGS, build=BUILD):
    """Renders and writes; returns the paths in their order."""
    others = LANGUAGE.read(files, layout)
    rendered = LANGUAGE.render(sites, removed, settings, build, layout, others, files)
    for file in rendered:
        files.take(file)
        LANGUAGE.read(files, layout)
    return [file.path for file in rendered]


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_as_it_was_agreed(case):
    assert as_golden(render(case)) == (GOLDEN / f"{case}.conf").read_text()


def test_links_come_after_what_they_lead_to_and_go_before_it():
    files = MemoryFiles(DEBIANS)
    shared = [OURS.format("available", "--shared"), OURS.format("enabled", "--shared")]
    site = [OURS.format("available", "www.example.com"), OURS.format("enabled", "www.example.com")]
    assert write(files, DEBIAN, make_site()) == [*shared, *site]
    assert write(files, DEBIAN, removed=("www.example.com",)) == [site[1], shared[1], site[0], shared[0]]
    assert files.all == DEBIANS


def test_a_site_that_becomes_the_default_moves_to_the_front_and_back():
    files = MemoryFiles(RHELS)
    folder = "/etc/httpd/conf.d/zz-port443-"
    one, two = make_site("a.example.com"), make_site("b.example.com")
    write(files, RHEL, one, two)
    assert write(files, RHEL, one, replace(two, default_server=True)) == [
        f"{folder}--shared.conf",
        f"{folder}a.example.com.conf",
        f"{folder}-b.example.com.conf",
        f"{folder}b.example.com.conf",
    ]
    names = [server.names for server in LANGUAGE.read(files, RHEL).servers]
    assert names[0] == ("b.example.com",)
    assert sorted(LANGUAGE.own_files(files, RHEL)) == ["a.example.com", "b.example.com"]
    write(files, RHEL, two)
    names = [server.names[0] for server in LANGUAGE.read(files, RHEL).servers]
    assert names == ["unknown-names.port443.invalid"] * 2 + ["a.example.com"] * 2 + ["b.example.com"] * 2


def test_rendering_again_changes_nothing():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site())
    before = dict(files.all)
    write(files, DEBIAN, make_site())
    assert files.all == before


def test_unknown_names_keep_a_certificate_when_its_site_goes():
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site("a.example.com"), make_site("b.example.com"))
    paths = write(files, DEBIAN, removed=("a.example.com",))
    assert paths[0] == OURS.format("available", "--shared")
    assert "/etc/port443/b.example.com/current/fullchain.pem" in files.all[paths[0]]
    assert "a.example.com" not in files.all[paths[0]]


def test_what_the_role_wrote_is_taken_over_at_its_place():
    text = "# Written by the Ansible role port443.https.serve_https, which replaces the whole file.\nListen 443\n"
    paths = {OURS.format(kind, "www.example.com"): text for kind in ("available", "enabled")}
    files = MemoryFiles({**DEBIANS, **paths})
    assert list(LANGUAGE.own_files(files, DEBIAN)) == ["www.example.com"]
    write(files, DEBIAN, make_site())
    assert all(files.all[path] != text for path in paths)


def test_apache_listens_once_whatever_loads_mod_ssl():
    for load in ("", "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"):
        files = MemoryFiles({**DEBIANS, "/etc/apache2/mods-enabled/ssl.load": load})
        write(files, DEBIAN, make_site("a.example.com"), make_site("b.example.com"))
        files.all["/etc/apache2/mods-enabled/ssl.load"] = load
        assert LANGUAGE.read(files, DEBIAN).listening == {("", 80), ("", 443)}
        texts = [text for path, text in files.all.items() if "zz-port443" in path]
        assert all("    Listen 443\n" in text for text in texts) is (load == "")
    # Somebody's own file loads it, after ports.conf.
    own = "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
    files = MemoryFiles({**DEBIANS, "/etc/apache2/conf-enabled/own.conf": own})
    write(files, DEBIAN, make_site("a.example.com"), make_site("b.example.com"))
    assert LANGUAGE.read(files, DEBIAN).listening == {("", 80), ("", 443)}
    # Somebody has the distribution load it afterwards.
    files = MemoryFiles(DEBIANS)
    write(files, DEBIAN, make_site())
    files.all["/etc/apache2/mods-enabled/ssl.load"] = "LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so\n"
    assert LANGUAGE.read(files, DEBIAN).listening == {("", 80), ("", 443)}


def test_a_main_file_that_includes_nothing_gets_one_line_and_loses_it():
    layout = LANGUAGE.find_layout(HostSystem("Archlinux"))
    texts = {"/etc/httpd/conf/httpd.conf": 'ServerRoot "/etc/httpd"\nListen 80'}
    files = MemoryFiles(texts)
    assert write(files, layout, make_site())[0] == "/etc/httpd/conf/httpd.conf"
    assert "www.example.com" in {name for one in LANGUAGE.read(files, layout).servers for name in one.names}
    assert write(files, layout, removed=("www.example.com",))[-1] == "/etc/httpd/conf/httpd.conf"
    assert files.all == {"/etc/httpd/conf/httpd.conf": 'ServerRoot "/etc/httpd"\nListen 80\n'}


@pytest.mark.parametrize("family", ["FreeBSD", "OpenBSD", "Darwin"])
def test_other_systems_have_no_layout(family):
    assert LANGUAGE.find_layout(HostSystem(family)) is None


@pytest.mark.parametrize(
    ("said", "build"),
    [
        (
            "Server version: Apache/2.4.65 (Debian)\nServer built:   2025-07-29T18:05:54\n"
            "OpenSSL 3.5.1 1 Jul 2025 (Library: OpenSSL 3.5.4 30 Sep 2025)\n",
            Build((2, 4, 65), (3, 5, 4), said="Apache/2.4.65 (Debian)"),
        ),
        ("Server version: Apache/2.4.37 (rocky)\nOpenSSL 1.1.1k  FIPS 25 Mar 2021\n", Build((2, 4, 37), (1, 1, 1))),
        ("Server version: Apache/2.4.65 (Unix)\n", Build((2, 4, 65))),
        ("nginx version: nginx/1.22.1\n", None),
    ],
)
def test_a_build_is_read(said, build):
    read = LANGUAGE.read_build(said)
    assert read == (build and replace(build, said=read.said))
    assert build is None or read.said in said
