# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The golden files of lighttpd, and values that look like grammar, given to the real lighttpd."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location
from lighttpd_golden import CASES, render
from lighttpd_sites import site_server
from visiting import ask, page


@pytest.fixture
def server():
    with site_server() as made:
        yield made


@pytest.mark.parametrize("case", CASES)
def test_a_golden_file_is_one_that_lighttpd_takes(server, case):
    sites, _settings, build, layout, _texts = CASES[case]
    folder = server.folder
    places = {"/etc/ssl/clients.pem": folder / "ca.pem", "ssl.ca-file": "ssl.verifyclient.ca-file"}
    places["/etc/lighttpd/zz-port443-"] = folder / "sites/zz-port443-"
    for site in sites:
        pair = server.site(site.name)
        places.update({site.certificate: pair.certificate, site.key: pair.key})
    if server.build.openssl < build.openssl:
        places["X25519MLKEM768:"] = ""  # which the library of this machine does not know
    (folder / "ca.pem").write_bytes(pki.root().pem())
    for file in render(case):
        text = file.text
        for written, there in places.items():
            text = text.replace(written, str(there))
        path = server.main if file.path == layout.main else folder / "sites" / file.path.rpartition("/")[2]
        path.write_text(text)
    assert server.test() == ""


@pytest.mark.parametrize("name", ["a b", "a'b\"c", "$1 %{HOST} #x", "<x> & {y};", "caf\u00e9", '\\d\\"', "(a|b)*"])
def test_a_folder_with_letters_of_the_grammar_is_served(server, name):
    folder = server.folder
    page(folder, f"{name}/page", "whole")
    page(folder, f"{name}/below/page", "part")
    page(folder, f"{name}/.well-known/acme-challenge/token", "proof")
    root = str(folder / name)
    server.set(acme_root=root)
    site = server.site("www.example.com", root=root, locations=(Location("/below/", root=root),))
    for end, path in (("crt", site.certificate), ("key", site.key)):
        shutil.copy(path, folder / f"{name}.{end}")
    pair = {what: str(folder / f"{name}.{end}") for what, end in (("certificate", "crt"), ("key", "key"))}
    server.write(replace(site, **pair))
    with server.running():
        assert [ask("www.example.com", path).body for path in ("/page", "/below/page")] == [b"whole", b"part"]
        path = "/.well-known/acme-challenge/token"
        assert ask("www.example.com", path, tls=False, port=80).body == b"proof"
