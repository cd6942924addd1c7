# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Several sites in one run: what they share is there once, and what one fails at takes nothing from the others."""

from __future__ import annotations

import shutil

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import install
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._renewal import issue, outcome, timer, zipapp
from ansible_collections.port443.https.plugins.module_utils._renewal.report import report, tell_problems
from played_renewal import SITE, perform, run, tree

SHOP, BLOG = "shop.example.com", "blog.example.com"
NAMES = [SITE, SHOP, BLOG]
SITES = [{"name": name} for name in NAMES]


@pytest.fixture
def pairs(certbot):
    """What the CA issues, by site."""
    certbot.pairs = {name: pki.issue(name, [name], issuer=pki.intermediate()) for name in NAMES}
    return certbot.pairs


def gist(result, key):
    return {site["name"]: site[key] for site in result["sites"] if key in site}


def test_sites_are_foretold_issued_kept_and_given_up(renewed, host, certbot, pairs):
    before = tree(renewed)
    foretold, _warnings = run(renewed, host, check_mode=True, sites=SITES)
    assert (foretold["changed"], gist(foretold, "issued")) == (True, dict.fromkeys(NAMES, True))
    assert (foretold["fingerprints"], tree(renewed), certbot.asked) == ({}, before, [])
    result, warnings = run(renewed, host, sites=SITES)
    fingerprints = {name: pair.sha256() for name, pair in pairs.items()}
    assert (result["changed"], gist(result, "fingerprint"), result["fingerprints"], warnings) == (
        True,
        fingerprints,
        fingerprints,
        (),
    )
    assert result["commands"] == foretold["commands"]
    assert result["commands"].count("systemctl enable --now port443-renewal.timer") == 1
    for check_mode in (True, False):
        again, _warnings = run(renewed, host, check_mode=check_mode, sites=SITES)
        assert (again["changed"], gist(again, "issued"), again["diff"], again["commands"], len(certbot.asked)) == (
            False,
            dict.fromkeys(NAMES, False),
            [],
            [],
            3,
        )
    foretold, _warnings = run(renewed, host, check_mode=True, sites=SITES, state="absent")
    result, _warnings = run(renewed, host, sites=SITES, state="absent")
    assert (result, result["changed"]) == (foretold, True)
    shutil.rmtree(renewed.root / "letsencrypt")  # whose empty folders are certbot's own
    shutil.rmtree(renewed.certificates, ignore_errors=True)
    assert (tree(renewed), host.on) == (before, {"certbot.timer"})
    assert run(renewed, host, sites=SITES, state="absent")[0]["changed"] is False


def test_a_list_and_a_name_lead_to_the_same(renewed, host, certbot, pairs):
    run(renewed, host, sites=SITES)
    before = tree(renewed)
    assert run(renewed, host)[0]["changed"] is False
    run(renewed, host, state="absent")
    result, _warnings = run(renewed, host)
    assert set(result) - set(certificate_result(result)) == {"issued", "issued_because", "lineage"}
    assert set(tree(renewed)) - set(before) == {f"letsencrypt/archive/port443-{SITE}/{kind}4.pem" for kind in KINDS}


KINDS = ("cert", "fullchain", "privkey")


def certificate_result(result):
    names = ("changed", "served", "served_because", "seen", "fingerprint", "not_after", "days_left", "subject_names")
    return {name: result[name] for name in (*names, "issuer", "mended", "paths", "commands", "diff")}


def test_what_the_ca_refuses_for_one_is_told_and_kept_for_the_others(renewed, host, certbot, pairs):
    certbot.refusals = {SHOP: "Detail: 404"}
    ended = perform(renewed, host, sites=SITES)
    result, told = report(ended, renewed.layout), tell_problems(ended)
    assert told.startswith(
        f"1 of 3 sites failed; what was done for the others is kept: {SITE}, {BLOG}\n{SHOP}: 'certbot"
    )
    assert told.endswith("failed: Detail: 404")
    assert result["changed"] is True
    assert gist(result, "changed") == {SITE: True, SHOP: False, BLOG: True}
    assert gist(result, "issued") == {SITE: True, SHOP: False, BLOG: True}
    assert set(result["fingerprints"]) == {SITE, BLOG}
    assert [renewed.installed(name) for name in NAMES] == [pairs[SITE].sha256(), "", pairs[BLOG].sha256()]
    assert sorted(path.name for path in (renewed.root / "port443/renewal").iterdir()) == [
        f"{BLOG}.json",
        f"{SITE}.json",
    ]
    certbot.refusals = {}
    again, _warnings = run(renewed, host, sites=SITES)
    assert gist(again, "issued") == {SITE: False, SHOP: True, BLOG: False}


def test_where_all_are_refused_nothing_of_ours_is_left(renewed, host, certbot):
    before = tree(renewed)
    certbot.next = None
    ended = perform(renewed, host, sites=SITES)
    assert [site.problem.endswith("Detail: 404") for site in ended.sites] == [True, True, True]
    assert tell_problems(ended).startswith("3 of 3 sites failed\n")
    left = {path for path in tree(renewed) if path not in before}
    assert (left, host.on) == ({"port443", "port443/acme"}, {"certbot.timer"})


def test_a_site_whose_pair_is_not_served_keeps_what_was_issued_and_the_files_that_renew_it(
    renewed, host, certbot, pairs, monkeypatch
):
    real = install.run

    def refuse(params, *words):
        if params["name"] == SHOP:
            raise HostError("nothing serves it")
        return real(params, *words)

    monkeypatch.setattr(install, "run", refuse)
    ended = perform(renewed, host, sites=[{"name": SHOP}])
    assert tell_problems(ended) == f"1 of 1 sites failed\n{SHOP}: nothing serves it"
    assert report(ended, renewed.layout)["changed"] is True
    assert (renewed.root / f"port443/renewal/{SHOP}.json").exists()
    assert (renewed.root / "port443/renewal.pyz").exists()


def test_a_run_that_ends_amid_its_sites_leaves_the_files_that_those_before_need(
    renewed, host, certbot, pairs, monkeypatch
):
    real = issue.Issuance.carry_out

    def stop(self, plan):
        if plan.request.site == BLOG:
            raise KeyboardInterrupt
        return real(self, plan)

    monkeypatch.setattr(issue.Issuance, "carry_out", stop)
    with pytest.raises(KeyboardInterrupt):
        perform(renewed, host, sites=SITES)
    assert (renewed.root / "port443/renewal.pyz").exists()
    assert renewed.installed(SHOP) == pairs[SHOP].sha256()


def test_what_would_keep_a_site_from_it_is_told_for_all_of_them_before_anything_is_done(renewed, host, certbot):
    (renewed.root / "letsencrypt").mkdir()
    (renewed.root / "letsencrypt/cli.ini").write_text("key-type = rsa\n")
    sites = [{"name": SITE, "key_type": "rsa-2048"}, {"name": SHOP}, {"name": BLOG}]
    before = tree(renewed)
    for check_mode in (True, False):
        with pytest.raises(HostError, match=f"^{SHOP}, {BLOG}: certbot's own configuration beats"):
            run(renewed, host, check_mode=check_mode, sites=sites)
    assert (tree(renewed), certbot.asked) == (before, [])


def test_an_account_that_will_not_do_is_not_tried_again_with_each_site(renewed, host, certbot, pairs):
    certbot.refusals = dict.fromkeys(NAMES, "Please choose an account\n")
    sites = [*SITES[:2], {"name": BLOG, "server": "https://other.example/dir"}]
    ended = perform(renewed, host, sites=sites)
    assert [asked for asked, _settings in certbot.asked] == ["certonly", "certonly"]
    assert ended.sites[0].problem == ended.sites[1].problem
    assert "https://ca.example/dir: set account to one of" in ended.sites[1].problem
    assert f"{SITE}, {SHOP}: 'certbot" in tell_problems(ended)


def test_sites_are_prepared_once(renewed, host, certbot):
    before = tree(renewed)
    for check_mode, changed in ((True, True), (False, True), (True, False), (False, False)):
        result, _warnings = run(renewed, host, check_mode=check_mode, sites=SITES, state="prepared")
        assert (result["changed"], gist(result, "changed")) == (changed, dict.fromkeys(NAMES, changed))
        if check_mode and changed:
            assert tree(renewed) == before
    assert all(renewed.installed(name) for name in NAMES)


def test_one_that_cannot_be_revoked_stays_and_the_others_go(renewed, host, certbot, pairs):
    run(renewed, host, sites=SITES)
    certbot.refusals = {SHOP: "Detail: 403"}
    ended = perform(renewed, host, sites=SITES, state="revoked")
    assert [bool(site.problem) for site in ended.sites] == [False, True, False]
    assert [bool(renewed.installed(name)) for name in NAMES] == [False, True, False]
    assert (renewed.root / "port443/renewal.pyz").exists()
    certbot.refusals = {}
    run(renewed, host, sites=SITES, state="revoked")
    assert not (renewed.root / "port443").exists()


def test_the_machinery_is_seen_to_once(renewed, host, certbot, pairs, monkeypatch):
    run(renewed, host, sites=SITES[:1])
    calls = []
    ask, build = host.run, zipapp.build
    monkeypatch.setattr(host, "run", lambda argv, stdin="": calls.append(" ".join(argv[:2])) or ask(argv, stdin))
    monkeypatch.setattr(zipapp, "build", lambda *words: calls.append("build") or build(*words))
    counted = []
    for sites in (SITES[:1], SITES):
        calls.clear()
        run(renewed, host, sites=sites)
        counted.append((calls.count("build"), calls.count("systemctl show")))
    assert counted[0] == counted[1]
    assert counted[0][0] == 1


def test_a_certbot_that_is_missing_is_foretold_and_then_asked_for(renewed, host, certbot):
    host.has_certbot = False
    before = tree(renewed)
    result, warnings = run(renewed, host, check_mode=True, sites=SITES, install=True)
    assert (result["changed"], result["missing"], warnings) == (True, True, ())
    assert gist(result, "issued") == dict.fromkeys(NAMES, True)
    with pytest.raises(issue.MissingCertbotError):
        run(renewed, host, sites=SITES, install=True)
    assert (tree(renewed), certbot.asked) == (before, [])


def test_nothing_is_installed_on_a_host_that_could_not_renew(renewed, host, certbot, monkeypatch):
    host.has_certbot = False
    monkeypatch.setattr(outcome, "choose_timer", lambda host: timer.NoTimer())
    for check_mode in (True, False):
        with pytest.raises(HostError, match="neither systemd nor a cron"):
            run(renewed, host, check_mode=check_mode, sites=SITES, install=True)


def test_names_are_told_as_they_were_given(renewed, host, certbot):
    """Who asks for a name's fingerprint has the name of the inventory, where international ones are not in ASCII."""
    ascii_name = "xn--bcher-kva.example"
    certbot.pairs = {SHOP: pki.issue(ascii_name, [ascii_name], issuer=pki.intermediate())}
    result, _warnings = run(renewed, host, sites=[{"name": SHOP, "names": [" B\u00fccher.example"]}])
    assert list(result["fingerprints"]) == ["B\u00fccher.example"]
    assert gist(result, "names") == {SHOP: ["B\u00fccher.example"]}


def test_warnings_name_their_site(renewed, host, certbot, pairs):
    pairs[SHOP] = pki.issue(SHOP, [SHOP], issuer=pki.intermediate(), days=(-70, 20))
    run(renewed, host, sites=SITES)
    _result, warnings = run(renewed, host, sites=SITES)
    assert [warning.partition(": ")[0] for warning in warnings] == [SHOP]
