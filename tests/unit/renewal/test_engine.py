# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The whole way of a site on a host whose certbot and systemd are played: got, kept, taken back, given up."""

from __future__ import annotations

import shutil

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import issue, purge_lineage
from played_renewal import SITE, run, tree


def test_a_site_is_foretold_issued_kept_and_given_up(renewed, host, certbot):
    before = tree(renewed)
    foretold, _warnings = run(renewed, host, check_mode=True)
    assert (foretold["changed"], foretold["issued"], tree(renewed), certbot.asked) == (True, True, before, [])
    result, warnings = run(renewed, host)
    assert (result["changed"], result["fingerprint"], warnings) == (True, pki.site().sha256(), ())
    assert result["commands"] == foretold["commands"]
    for check_mode in (True, False):
        again, _warnings = run(renewed, host, check_mode=check_mode)
        assert (again["changed"], again["issued"], len(certbot.asked)) == (False, False, 1)
    result, _warnings = run(renewed, host, state="absent")
    shutil.rmtree(renewed.root / "letsencrypt")  # whose empty folders are certbot's own
    shutil.rmtree(renewed.certificates, ignore_errors=True)
    assert (result["changed"], tree(renewed), host.on) == (True, before, {"certbot.timer"})


def test_a_ca_that_says_no_leaves_nothing_of_ours(renewed, host, certbot):
    before = tree(renewed)
    certbot.next = None
    with pytest.raises(HostError, match=r"' failed: Detail: 404$"):
        run(renewed, host)
    left = {path for path in tree(renewed) if path not in before}
    assert (left, host.on) == ({"port443", "port443/acme"}, {"certbot.timer"})


def test_a_certbot_that_says_yes_and_issues_something_else_is_not_believed(renewed, host, certbot):
    certbot.next = pki.site("other.example.com")
    with pytest.raises(HostError, match="certbot said it succeeded, but "):
        run(renewed, host)


@pytest.mark.parametrize("gone", ["renewal/{name}.conf", "live/{name}/fullchain.pem", "live/{name}/privkey.pem"])
def test_half_a_lineage_is_out_of_certbots_way_before_it_issues_and_a_whole_one_stays(
    renewed, host, certbot, monkeypatch, gone
):
    """certbot refuses a name of which anything is there, or calls the new one <name>-0001."""
    seen = []

    def look(host, command, settings):
        if command[1] == "certonly":
            seen.append(len(purge_lineage.find_traces(renewed.layout, SITE)))
        return certbot(host, command, settings)

    monkeypatch.setattr(_certbot, "_run_once", look)
    run(renewed, host)
    (renewed.root / "letsencrypt" / gone.format(name=f"port443-{SITE}")).unlink()
    run(renewed, host)
    certbot.next = pki.issue(SITE, [SITE, "example.com"], issuer=pki.intermediate())
    run(renewed, host, names=[SITE, "example.com"])
    assert seen == [0, 0, 3]


def test_the_secret_of_an_account_is_told_to_certbot_alone(renewed, host, certbot):
    result, _warnings = run(renewed, host, account_key_id="kid-1", account_mac_key="c2VjcmV0")
    assert certbot.asked == [("certonly", "eab-kid = kid-1\neab-hmac-key = c2VjcmV0\n")]
    assert "c2VjcmV0" not in repr(result)
    assert not any(b"c2VjcmV0" in content for content in tree(renewed).values() if isinstance(content, bytes))


def test_a_rehearsal_says_that_certbot_has_to_be_installed(renewed, host, certbot):
    host.has_certbot = False
    result, warnings = run(renewed, host, check_mode=True)
    assert (result["changed"], warnings) == (
        True,
        ("certbot is not installed on this host: install the distribution's package",),
    )


def test_a_certbot_that_is_too_old_is_refused_before_anything_is_there(renewed, host, certbot, monkeypatch):
    before = tree(renewed)
    monkeypatch.setattr(_certbot, "_run_once", lambda *words: Completed((), 0, "certbot 0.40.0\n", ""))
    for check_mode in (True, False):
        with pytest.raises(HostError, match=r"certbot 0\.40 of this host is too old"):
            run(renewed, host, check_mode=check_mode)
    assert tree(renewed) == before


def test_a_masked_timer_stays_masked_and_is_told(renewed, host, certbot):
    host.masked = ("certbot.timer",)
    _result, warnings = run(renewed, host)
    assert warnings == (
        "certbot.timer is masked, so nothing renews the certificate: unmask it, or run 'certbot renew' twice a day",
    )
    assert host.on == {"certbot.timer", "port443-renewal.timer"}


@pytest.mark.parametrize(("environment", "told"), [("", True), ("A=b REQUESTS_CA_BUNDLE=/ca.pem", False)])
def test_what_renewals_will_lack_is_told(renewed, host, certbot, monkeypatch, environment, told):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")
    host.environment = environment
    _result, warnings = run(renewed, host)
    assert warnings == told * (
        "certbot was given REQUESTS_CA_BUNDLE here, and is not when certbot.timer renews the certificate: "
        "set it there, or have the host trust the CA's server",
    )


@pytest.mark.parametrize(("on", "told"), [("no", True), ("yes", False)])
def test_a_host_without_a_timer_that_renews_is_told(renewed, host, certbot, monkeypatch, on, told):
    monkeypatch.setattr(issue, "find_certbot_timer", lambda host: (None, on))
    _result, warnings = run(renewed, host)
    assert warnings == told * ("nothing on this host runs 'certbot renew': have a timer run it twice a day",)


@pytest.mark.parametrize("is_there", [False, True])
def test_where_certbots_own_configuration_beats_a_renewal_nothing_is_done_and_it_is_told(
    renewed, host, certbot, is_there
):
    """The issue itself would go well, and every renewal fail, while each later run said unchanged."""
    if is_there:
        run(renewed, host)
    (renewed.root / "letsencrypt").mkdir(exist_ok=True)
    (renewed.root / "letsencrypt/cli.ini").write_text("authenticator = webroot\nwebroot-path = /var/www/html\n")
    before = tree(renewed)
    for check_mode in (True, False):
        with pytest.raises(
            HostError, match=r"cli\.ini, line 2: webroot-path = /var/www/html: its names would be proved"
        ):
            run(renewed, host, check_mode=check_mode)
    assert (tree(renewed), len(certbot.asked)) == (before, int(is_there))
    (renewed.root / "letsencrypt/cli.ini").write_text("max-log-backups = 0\n")
    assert run(renewed, host)[0]["issued"] is not is_there


def test_what_certbot_could_not_renew_is_told_by_the_next_run_that_changes_nothing(renewed, host, certbot):
    certbot.next = pki.issue(SITE, [SITE], issuer=pki.intermediate(), days=(-70, 20))
    assert run(renewed, host)[1] == ()
    (renewed.root / "log").mkdir()
    (renewed.root / "log/letsencrypt.log").write_text(
        "2031-01-02 03:04:05,678:ERROR:certbot._internal.renewal:"
        f"Failed to renew certificate port443-{SITE} with error: no route\n"
    )
    for check_mode in (True, False):
        result, (warning,) = run(renewed, host, check_mode=check_mode)
        assert (result["changed"], result["issued"]) == (False, False)
        assert warning.startswith("it expires on 20")
        assert warning.endswith(
            ", and certbot has not renewed it: 2031-01-02 03:04:05 Failed to renew certificate "
            f"port443-{SITE} with error: no route"
        )


def test_a_certbot_that_would_renew_a_certificate_of_six_days_at_each_run_is_told(renewed, host, certbot):
    certbot.next = pki.issue(SITE, [SITE], issuer=pki.intermediate(), days=(-1, 5))
    for check_mode in (False, True, False):
        _result, (warning,) = run(renewed, host, check_mode=check_mode)
        assert warning.startswith(
            "certbot renews it each time that it runs, since it does so 30 days before the expiry"
        )
    conf = renewed.root / "letsencrypt/renewal" / f"port443-{SITE}.conf"
    conf.write_text("renew_before_expiry = 2 days\n" + conf.read_text())
    result, warnings = run(renewed, host)
    assert (result["changed"], warnings) == (False, ())


def test_what_certbot_was_told_not_to_renew_is_issued_again(renewed, host, certbot):
    run(renewed, host)
    conf = renewed.root / "letsencrypt/renewal" / f"port443-{SITE}.conf"
    conf.write_text(conf.read_text().replace("account =", "autorenew = False\naccount ="))
    assert run(renewed, host)[0]["issued_because"] == ["certbot was told not to renew it"]


def test_two_runs_do_not_get_into_each_others_way(renewed, host, certbot):
    held = hold_lock(str(renewed.root / "port443"), make=True, patience=1)
    with held, pytest.raises(HostError, match="another run has been working in"):
        run(renewed, host)
    assert certbot.asked == []
    assert run(renewed, host)[0]["changed"] is True


def test_what_is_revoked_is_gone(renewed, host, certbot):
    run(renewed, host)
    result, _warnings = run(renewed, host, state="revoked")
    assert (result["changed"], [asked for asked, _settings in certbot.asked]) == (True, ["certonly", "revoke"])
    assert run(renewed, host, state="revoked")[0]["changed"] is False


@pytest.mark.parametrize("streams", [("alreadyRevoked", ""), ("", "urn:ietf:params:acme:error:alreadyRevoked")])
def test_what_the_ca_revoked_before_goes_too(renewed, host, certbot, monkeypatch, streams):
    run(renewed, host)
    monkeypatch.setattr(_certbot, "_run_once", answer_revocation(certbot, *streams))
    assert run(renewed, host, state="revoked")[0]["changed"] is True
    assert renewed.installed() == ""


def test_what_the_ca_does_not_revoke_stays(renewed, host, certbot, monkeypatch):
    run(renewed, host)
    monkeypatch.setattr(_certbot, "_run_once", answer_revocation(certbot, "", "Detail: 403"))
    with pytest.raises(HostError, match="Detail: 403"):
        run(renewed, host, state="revoked")
    assert renewed.installed() == pki.site().sha256()


def answer_revocation(certbot, out, err):
    def call(host, command, settings):
        return Completed(command, 1, out, err) if command[1] == "revoke" else certbot(host, command, settings)

    return call
