# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The golden files of Apache, and values that look like grammar, given to the real Apache."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from apache_golden import CASES, render
from apache_sites import MODULES, SiteServer
from visiting import ask, page


@pytest.fixture
def server():
    folder = Path(tempfile.mkdtemp(dir="/run"))  # www-data gets in there
    folder.chmod(0o755)
    yield SiteServer(folder)
    shutil.rmtree(folder)


@pytest.mark.parametrize("case", CASES)
def test_a_golden_file_is_one_that_apache_takes(server, case):
    (site, *_more), *_rest = CASES[case]
    pair = server.site(site.names[0])
    places = {"/srv/shop": server.folder, " modules/": f" {MODULES}/"}
    places.update({site.certificate: pair.certificate, site.key: pair.key})
    for path in ("/etc/ssl/shop ca.pem", "/etc/ssl/clients.pem"):
        places[path] = server.folder / "ca.pem"
    (server.folder / "ca.pem").write_bytes(pki.root().pem())
    for file in render(case):
        text = file.text or ""
        for written, there in places.items():
            text = text.replace(written, str(there))
        if text:
            (server.folder / "sites" / file.path.rpartition("/")[2]).write_text(text)
    server.test()


@pytest.mark.parametrize("name", ["a b", "a'b\"c", "$1 %{HOST} #x", "<x> & {y};", "caf\u00e9", "\\d"])
def test_a_folder_with_letters_of_the_grammar_is_served(server, name):
    hostile = "a" if "\\" in name else name  # a backslash is one of <Directory>'s wildcards, and refused
    page(server.folder, f"{hostile}/page", "whole")
    page(server.folder, f"{hostile}/below/page", "part")
    root = str(server.folder / hostile)
    site = server.site("www.example.com", root=root, locations=(Location("/below/", root=root),))
    for end, path in (("crt", site.certificate), ("key", site.key)):
        shutil.copy(path, server.folder / f"{name}.{end}")
    pair = {what: str(server.folder / f"{name}.{end}") for what, end in (("certificate", "crt"), ("key", "key"))}
    site = replace(site, **pair)
    server.write(site)
    with server.running():
        assert [ask("www.example.com", path).body for path in ("/page", "/below/page")] == [b"whole", b"part"]
