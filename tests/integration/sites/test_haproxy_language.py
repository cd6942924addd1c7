# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real HAProxy on what is rendered: its own test of the golden files, and hostile values as it reads them."""

from __future__ import annotations

import subprocess
from urllib.parse import quote

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from haproxy_golden import CASES, FOLDER, render_case
from haproxy_sites import BUILD, LANGUAGE, RunningHaproxy, write_pem

# What Debian's HAProxy 2.6 can test; HTTP/3 needs a build with QUIC, which Debian has from 13 on.
TESTABLE = [name for name, (_sites, _settings, build, _main) in CASES.items() if build is BUILD]
HOSTILE = (
    *("/a b", "/it's", '/"', "/\\", "/\\n", "/\\x41", "/$HOME", '/"$HOME"', "/${HOME}", "/#", "/a # b", "/%", "/%%"),
    *("/%[env(HOME)]", "/{", "/}", "/ { x } ", "/;", "/!", "/--", "/-i", "/[a]", "/(a)", "/,", "/\u00e4\u20ac", "/\\'"),
    *("/'\"'\"'", "/|", "/" + "x" * 3000, "/~", "/*", "/a\\ b", "/<", "/&", "/`id`", "/a=b"),
)


@pytest.fixture
def pems(tmp_path):
    """Certificates where the golden files have none yet; returns what moves paths there."""
    site = write_pem(tmp_path, "site", pki.site())
    (tmp_path / "ca.pem").write_bytes(pki.root().pem())

    def move(text):
        for name in ("shop.example.com", "admin.example.com", "blog"):
            text = text.replace(f"/etc/port443/{name}/current/haproxy.pem", site)
        for authority in ("/etc/ssl/backend ca.pem", "/etc/ssl/clients.pem"):
            text = text.replace(authority, str(tmp_path / "ca.pem"))
        return text.replace(f"{FOLDER}/port443.crt-list", str(tmp_path / "crt-list"))

    return move


@pytest.mark.parametrize("name", TESTABLE)
def test_haproxy_takes_the_golden_file_without_a_warning(tmp_path, pems, name):
    texts = render_case(name, pems)
    (tmp_path / "crt-list").write_text(texts["crt-list"])
    (tmp_path / "haproxy.cfg").write_text(texts["cfg"])
    said = subprocess.run(
        ["haproxy", "-c", "-f", str(tmp_path / "haproxy.cfg")], check=False, capture_output=True, text=True, timeout=20
    )
    assert (said.returncode, said.stderr) == (0, "")


def test_haproxys_own_words_make_a_build():
    said = subprocess.run(["haproxy", "-vv"], check=True, capture_output=True, text=True, timeout=20).stdout
    build = LANGUAGE.read_build(said)
    assert build is not None
    assert build.release >= (2, 2)
    assert build.openssl >= (1, 1)
    assert "tls" in build.features


def test_each_path_is_the_one_that_was_given(tmp_path):
    haproxy = RunningHaproxy(tmp_path)
    pem = write_pem(tmp_path, "site", pki.site())
    # A site answers for the longest path that fits, so that each path ends with a mark of its own.
    marked = [f"{path}~{number}~" for number, path in enumerate(HOSTILE)]
    locations = tuple(Location(path, redirect_to=f"https://x.example/{number}") for number, path in enumerate(marked))
    site = Site("a", ("www.example.com",), pem, pem, backends=("http://127.0.0.1:1",), locations=locations)
    settings = ServerSettings(port=haproxy.port, http_port=haproxy.http_port)
    assert LANGUAGE.complaints([site], settings) == ()
    try:
        haproxy.serve([site], settings)
        for number, path in enumerate(marked):
            answer = haproxy.ask("www.example.com", path=quote(path.encode()))
            assert (path, answer.values("location")) == (path, [f"https://x.example/{number}"])
    finally:
        haproxy.stop()


@pytest.mark.parametrize("target", ["/%[env(HOME)]", "/%%", "/'\"$HOME\\n", "https://x.example/?a=%41#b", "/{a};b"])
def test_a_redirect_leads_to_the_very_target(tmp_path, target):
    haproxy = RunningHaproxy(tmp_path)
    pem = write_pem(tmp_path, "site", pki.site())
    site = Site("a", ("www.example.com",), pem, pem, locations=(Location("/", redirect_to=target),))
    settings = ServerSettings(port=haproxy.port, http_port=haproxy.http_port)
    assert LANGUAGE.complaints([site], settings) == ()
    try:
        haproxy.serve([site], settings)
        assert haproxy.ask("www.example.com").values("location") == [target]
    finally:
        haproxy.stop()
