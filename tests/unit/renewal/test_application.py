# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs on the host after a renewal: it installs what is new, by nobody's word but its own settings."""

from __future__ import annotations

import io
import os
from types import SimpleNamespace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._renewal import application

SITE = "www.example.com"


@pytest.fixture(autouse=True)
def _umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def run(renewed, **environ):
    out, err = io.StringIO(), io.StringIO()
    code = application.main(environ, renewed.layout, out, err)
    return code, out.getvalue(), err.getvalue()


def told(issued, site=SITE):
    return f"{site}: installed sha256:{issued.sha256()}, served: unknown\n"


def test_nothing_to_do_is_nothing_to_say(renewed):
    assert run(renewed) == (0, "", "")


def test_what_was_renewed_is_installed_once(renewed):
    first, second = pki.site(number=1), pki.site(number=2)
    renewed.keep(renewed.settings())
    renewed.issue(first)
    assert run(renewed, RENEWED_LINEAGE=renewed.layout.live(SITE), RENEWED_DOMAINS=SITE) == (0, told(first), "")
    assert run(renewed) == (0, "", "")
    renewed.issue(second, 2)
    assert run(renewed) == (0, told(second), "")
    assert renewed.installed() == second.sha256()


def test_a_lineage_chooses_its_site_alone(renewed):
    for site in (SITE, "blog.example.com"):
        renewed.keep(renewed.settings(site))
        renewed.issue(pki.site(site), site=site)
    run(renewed, RENEWED_LINEAGE=renewed.layout.live(SITE))
    assert (renewed.installed(), renewed.installed("blog.example.com")) == (pki.site(SITE).sha256(), "")


@pytest.mark.parametrize(
    "lineage",
    [
        "",
        "/",
        ".",
        "../../etc/shadow",
        "/etc/letsencrypt/live/own.example.com",
        "{live}/",
        "{live}/../port443-www.example.com",
        "{live}\n",
        "{live}\n{live}",
        "port443-www.example.com",
        "www.example.com",
        "$(touch /tmp/hooked)",
        "\x1b]0;title\x07",
        "\udcff\udcfe",
        "x" * 100000,
    ],
)
def test_a_lineage_that_is_none_of_ours_is_refused_and_nothing_is_done(renewed, lineage):
    renewed.keep(renewed.settings())
    renewed.issue(pki.site())
    given = lineage.replace("{live}", renewed.layout.live(SITE))
    code, out, err = run(renewed, RENEWED_LINEAGE=given)
    assert (code, out, renewed.installed()) == (1, "", "")
    assert err == f"RENEWED_LINEAGE {given!r} is not the folder of a certificate that is installed here\n"


def test_names_in_the_environment_are_not_looked_at(renewed):
    renewed.keep(renewed.settings())
    renewed.issue(pki.site())
    hostile = "evil.example $(reboot) ; \n\x1b[2J"
    assert run(renewed, RENEWED_LINEAGE=renewed.layout.live(SITE), RENEWED_DOMAINS=hostile) == (
        0,
        told(pki.site()),
        "",
    )


def test_the_environment_is_emptied_before_anything_is_done(renewed):
    environ = {"LD_PRELOAD": "/tmp/x.so", "SSL_CERT_FILE": "/tmp/ca.pem", "OPENSSL_CONF": "/tmp/o", "PATH": "/tmp"}
    assert application.main(environ, renewed.layout, io.StringIO(), io.StringIO()) == 0
    assert environ == {"PATH": application.SEARCH_PATH, "LC_ALL": "C"}


def test_a_bad_certificate_is_told_and_the_installed_one_stays(renewed):
    first = pki.site(number=1)
    renewed.keep(renewed.settings())
    renewed.issue(first)
    run(renewed)
    renewed.issue(pki.issue(SITE, [SITE], issuer=pki.intermediate(), days=(-9, -1)), 2)
    code, out, err = run(renewed)
    assert (code, out, renewed.installed()) == (1, "", first.sha256())
    assert err.startswith(f"{SITE}: the certificate expired on ")


def test_one_site_that_fails_does_not_keep_another_from_being_renewed(renewed):
    renewed.keep(renewed.settings("blog.example.com")).write_text("{")
    renewed.keep(renewed.settings())
    renewed.issue(pki.site())
    code, out, err = run(renewed)
    assert (code, out) == (1, told(pki.site()))
    assert err.startswith("blog.example.com: ")
    assert "is damaged, or of a later release" in err


def test_settings_that_others_could_have_written_are_not_followed(renewed):
    path = renewed.keep(renewed.settings())
    renewed.issue(pki.site())
    path.chmod(0o666)
    code, out, err = run(renewed)
    assert (code, out, renewed.installed()) == (1, "", "")
    assert err == f"{SITE}: {path} can be written by others than root: nothing is done by it\n"


def test_a_pair_that_certbot_is_in_the_middle_of_is_not_taken_apart(renewed, monkeypatch):
    """The links are exchanged one after the other."""
    from ansible_collections.port443.https.plugins.module_utils._renewal import lineage as _lineage

    first, second = pki.site(number=1), pki.site(number=2)
    renewed.keep(renewed.settings())
    renewed.issue(second, 2)
    live = os.path.join(renewed.layout.live(SITE), "privkey.pem")
    os.unlink(live)
    os.symlink("../../archive/port443-www.example.com/privkey1.pem", live)
    (renewed.root / "letsencrypt/archive/port443-www.example.com/privkey1.pem").write_bytes(first.key_pem())
    # In the place of the module alone: threads of others sleep, too.
    monkeypatch.setattr(_lineage, "time", SimpleNamespace(sleep=lambda seconds: renewed.issue(second, 2)))
    assert run(renewed) == (0, told(second), "")


def test_a_site_whose_files_are_gone_is_told(renewed):
    renewed.keep(renewed.settings())
    code, out, err = run(renewed)
    assert (code, out) == (1, "")
    assert err == (
        f"{SITE}: {renewed.layout.live(SITE)} does not lead to a certificate and its key: see 'certbot certificates'\n"
    )


def late(renewed):
    issued = pki.issue(SITE, [SITE], issuer=pki.intermediate(), days=(-80, 10))
    renewed.keep(renewed.settings())
    renewed.issue(issued)
    return issued


def test_what_certbot_does_not_renew_is_told_every_hour_and_installed_meanwhile(renewed):
    issued = late(renewed)
    for expected in (told(issued), ""):
        code, out, err = run(renewed)
        assert (code, out) == (1, expected)
        assert err.startswith(f"{SITE}: it expires on 20")
        assert err.endswith(f", and certbot has not renewed it, see {renewed.layout.log}/letsencrypt.log\n")


def test_a_hook_of_certbots_does_not_look_ahead(renewed):
    issued = late(renewed)
    assert run(renewed, RENEWED_LINEAGE=renewed.layout.live(SITE)) == (0, told(issued), "")


def test_what_will_beat_a_renewal_is_told_from_the_first_hour_on(renewed):
    renewed.keep(renewed.settings())
    renewed.issue(pki.site())
    (renewed.root / "letsencrypt/cli.ini").write_text("deploy-hook = true\n")
    code, out, err = run(renewed)
    assert (code, out) == (1, told(pki.site()))
    assert err.startswith(f"{SITE}: at the next renewal {renewed.layout.certbot}/cli.ini, line 1: deploy-hook = true: ")


@pytest.mark.parametrize(("leads", "level"), [(True, "<3>"), (False, "")])
def test_in_the_journal_what_is_wrong_is_an_error_in_every_line(renewed, leads, level):
    renewed.keep(renewed.settings()).write_text("{")
    renewed.keep(renewed.settings("blog.example.com")).write_text("{")
    with (renewed.root / "err").open("w+") as err:
        status = os.fstat(err.fileno())
        journal = f"{status.st_dev}:{status.st_ino if leads else status.st_ino + 1}"
        assert application.main({"JOURNAL_STREAM": journal}, renewed.layout, io.StringIO(), err) == 1
        err.seek(0)
        lines = err.read().splitlines()
    assert [line.partition(": ")[0] for line in lines] == [f"{level}blog.example.com", f"{level}{SITE}"]


def test_lines_that_go_on_have_the_level_too():
    out = io.StringIO()
    application._say(out, "a\nb\x07", "<3>")
    assert out.getvalue() == "<3>a\n<3>    b\\x07\n"


def test_settings_of_an_earlier_release_are_understood(renewed):
    settings = renewed.settings()
    older = {name: value for name, value in settings.options.items() if name not in ("prove_port", "keep")}
    renewed.keep(type(settings)(settings.site, older))
    renewed.issue(pki.site())
    assert run(renewed) == (0, told(pki.site()), "")
