# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A renewal that fails is told, with certbot's words, long before the certificate expires."""

from __future__ import annotations

import time
from pathlib import Path

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._pki.policy import show_time
from ansible_collections.port443.https.plugins.module_utils._renewal import outlook

SITE = "www.example.com"
# Of certbot 2.1 with -q, for which cli.ini named another folder; some lines left out.
LOG = (Path(__file__).parent / "certbot-2.1-failed.log").read_text()
SAID = """2026-11-28 22:00:04 Failed to renew certificate port443-www.example.com with error: \
Some challenges have failed.
Domain: www.example.com
Type:   unauthorized
Detail: Non-200 status code from HTTP: http://www.example.com:80/.well-known/acme-challenge/\
7lF7iBWb-cHoWv24X12vV6FUNafXMRSSoBmWdyXnWgk returned 404"""


def issue(renewed, days):
    issued = pki.issue(SITE, [SITE], issuer=pki.intermediate(), days=days)
    renewed.issue(issued)
    return issued


def find(renewed):
    return outlook.find_problems(Host(), renewed.layout, SITE, int(time.time()))


def put_log(renewed, text, name="letsencrypt.log"):
    folder = renewed.root / "log"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def late(renewed, said):
    have = outlook.observe(Host(), renewed.layout, SITE)
    return f"it expires on {show_time(have.certificate.not_after)}, and certbot has not renewed it{said}"


@pytest.mark.parametrize("days", [(-1, 89), (-67, 23), (-4, 2)])
def test_what_certbot_still_has_time_for_is_not_late(renewed, days):
    issue(renewed, days)
    put_log(renewed, LOG)
    assert find(renewed) == ()


@pytest.mark.parametrize("days", [(-68, 22), (-5, 1), (-90, -1)])
def test_what_certbot_has_not_renewed_is_told_with_its_words(renewed, days):
    issue(renewed, days)
    put_log(renewed, LOG)
    assert find(renewed) == (late(renewed, f": {SAID}"),)


@pytest.mark.parametrize("log", [None, "", LOG.replace("port443-www", "port443-blog"), "nonsense\n\x00"])
def test_where_certbot_says_nothing_of_it_its_log_is_named(renewed, log):
    issue(renewed, (-80, 10))
    if log is not None:
        put_log(renewed, log)
    assert find(renewed) == (late(renewed, f", see {renewed.layout.log}/letsencrypt.log"),)


def test_the_last_words_may_be_in_an_earlier_log(renewed):
    issue(renewed, (-80, 10))
    put_log(renewed, LOG.replace("port443-www", "port443-blog"))
    put_log(renewed, LOG, "letsencrypt.log.1")
    assert find(renewed) == (late(renewed, f": {SAID}"),)


def test_the_last_failure_counts_and_each_name_has_its_own_reasons():
    other = LOG.replace("www.example.com", "blog.example.com").replace("22:00:0", "22:00:1")
    again = LOG.replace("22:00:0", "23:00:0").replace("404", "503")
    assert outlook.find_failure(LOG + other, "port443-www.example.com") == SAID
    assert outlook.find_failure(LOG + other + again, "port443-www.example.com") == SAID.replace(
        "22:00:0", "23:00:0"
    ).replace("404", "503")
    assert outlook.find_failure(LOG, "port443-www.example") == ""


def test_a_failure_without_a_word_of_the_ca_takes_none_from_another_name():
    line = (
        "2026-11-28 22:01:00,000:DEBUG:certbot._internal.display.obj:Notifying user: Processing /x.conf\n"
        "2026-11-28 22:01:04,000:ERROR:certbot._internal.renewal:Failed to renew certificate port443-b with error: no"
        " route\n"
    )
    assert outlook.find_failure(LOG + line, "port443-b") == (
        "2026-11-28 22:01:04 Failed to renew certificate port443-b with error: no route"
    )


def test_what_will_beat_a_renewal_is_told_while_there_is_time(renewed):
    issue(renewed, (-1, 89))
    (renewed.root / "letsencrypt/cli.ini").write_text("authenticator = webroot\nwebroot-path = /var/www/html\n")
    assert find(renewed) == (
        f"at the next renewal {renewed.root}/letsencrypt/cli.ini, line 2: webroot-path = /var/www/html: "
        "its names would be proved in another way",
    )


def test_what_certbot_was_told_not_to_renew_is_told(renewed):
    issue(renewed, (-1, 89))
    conf = renewed.root / "letsencrypt/renewal/port443-www.example.com.conf"
    conf.write_text(conf.read_text().replace("account =", "autorenew = False\naccount ="))
    assert find(renewed) == ("certbot was told not to renew it",)


def test_a_renewal_by_a_port_is_held_to_its_port(renewed):
    issue(renewed, (-1, 89))
    conf = renewed.root / "letsencrypt/renewal/port443-www.example.com.conf"
    text = conf.read_text().replace("authenticator = webroot", "authenticator = standalone\nhttp01_port = 8888")
    conf.write_text(text)
    (renewed.root / "letsencrypt/cli.ini").write_text("http-01-port = 8888\nwebroot-path = /var/www/html\n")
    assert find(renewed) == ()


def test_a_site_that_certbot_has_nothing_of_is_for_others_to_tell(renewed):
    assert find(renewed) == ()


@pytest.mark.parametrize(
    ("days", "first", "version", "told"),
    [
        ((-1, 5), "", (2, 1), ("30 days", "6 days", "2 days")),
        ((-1, 5), "", (1, 12), ("30 days", "6 days", "2 days")),
        ((-1, 5), "", (3, 3), ("30 days", "6 days", "2 days")),
        ((-1, 5), "", (4, 0), None),
        ((-1, 5), "", (5, 1), None),
        ((-1, 29), "", (2, 1), ("30 days", "30 days", "10 days")),
        ((-1, 30), "", (2, 1), None),
        ((-1, 89), "", (2, 1), None),
        ((-1, 5), "renew_before_expiry = 2 days", (2, 1), None),
        ((-1, 5), "renew_before_expiry = 30 days", (5, 1), ("30 days", "6 days", "2 days")),
        ((-1, 89), "renew_before_expiry = 20 weeks", (2, 1), ("20 weeks", "90 days", "30 days")),
        ((-1, 5), "renew_before_expiry = a fortnight", (2, 1), None),
        ((0, 1 / 96), "", (2, 1), ("30 days", "15 minutes", "5 minutes")),
        ((0, 1), "", (2, 1), ("30 days", "24 hours", "8 hours")),
    ],
)
def test_what_certbot_would_renew_each_time_it_runs_is_told(renewed, days, first, version, told):
    issue(renewed, days)
    conf = renewed.root / "letsencrypt/renewal" / f"port443-{SITE}.conf"
    conf.write_text(f"{first}\n{conf.read_text()}")
    have = outlook.observe(Host(), renewed.layout, SITE)
    expected = told and (
        f"certbot renews it each time that it runs, since it does so {told[0]} before the expiry, and the CA issues "
        f"it for {told[1]}: write 'renew_before_expiry = {told[2]}' as the first line of {conf}, or use a newer "
        "certbot (4 and later renew by the share of time that is left)"
    )
    assert outlook.tell_hasty(renewed.layout, SITE, have, version) == (expected or "")
    assert not told or outlook.is_short(have)
