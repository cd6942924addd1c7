# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether what certbot has is what is wanted, and the commands that make it so."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import pki
import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import lineage, purge_lineage
from ansible_collections.port443.https.plugins.module_utils._renewal.certbot import Account
from ansible_collections.port443.https.plugins.module_utils._renewal.lineage import WantedLineage, find_reasons

SITE = "www.example.com"
HOOK = "/usr/bin/python3 -I /var/lib/port443/renewal.pyz"
WANTED = WantedLineage(
    "port443-www.example.com", (SITE,), "ecdsa-p256", "https://ca.example/dir", "/var/lib/port443/acme", None, HOOK
)
ACCOUNT = "5bf9d1d0b5ed6d4a0a4d2f0f8a1e2b3c"
NOW = int(time.time())


def observe(renewed, **issued):
    renewed.issue(pki.issue(SITE, [SITE], issuer=pki.intermediate(), **issued))
    return lineage.observe(Host(), renewed.layout, SITE)


def test_what_is_as_wanted_is_left_to_the_timer(renewed):
    assert find_reasons(observe(renewed), WANTED, NOW) == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"names": (SITE, "example.com")}, f"it is for {SITE} and has to be for {SITE}, example.com"),
        ({"names": ("example.com",)}, f"it is for {SITE} and has to be for example.com"),
        ({"key_type": "rsa-2048"}, "its key is EC P-256 and has to be RSA 2048"),
        ({"key_type": "ecdsa-p384"}, "its key is EC P-256 and has to be EC P-384"),
        ({"server": "https://other/dir"}, "it is from https://ca.example/dir and has to be from https://other/dir"),
        ({"webroot": "/srv/acme"}, "a renewal would prove its names in another way"),
        ({"standalone_port": 8888}, "a renewal would prove its names in another way"),
        ({"hook": "/usr/bin/python3.9 -I /x"}, "a renewal would not be installed"),
        ({"account": "c" * 32}, f"it is renewed with the account {ACCOUNT} and has to be with {'c' * 32}"),
    ],
)
def test_what_has_to_be_another_is_issued_again(renewed, changes, reason):
    assert find_reasons(observe(renewed), replace(WANTED, **changes), NOW) == (reason,)


def test_what_has_the_chosen_account_is_left_to_the_timer(renewed):
    assert find_reasons(observe(renewed), replace(WANTED, account=ACCOUNT), NOW) == ()


def test_what_certbot_has_no_account_for_any_more_is_issued_again(renewed):
    """As after its folder was removed because the CA did not know it."""
    accounts = renewed.root / "letsencrypt/accounts/ca.example/dir"
    (accounts / ACCOUNT).mkdir(parents=True)
    assert find_reasons(observe(renewed), WANTED, NOW) == ()
    (accounts / ACCOUNT).rmdir()
    assert find_reasons(observe(renewed), WANTED, NOW) == (
        f"certbot no longer has the account {ACCOUNT}, with which it would renew it",
    )


@pytest.mark.parametrize(("account", "words"), [("", ""), ("ab12", "--account ab12 ")])
def test_a_certificate_is_revoked_with_the_account_that_it_is_renewed_with(account, words):
    assert " ".join(_certbot.revoke_command("port443-a", "https://ca.example/dir", account, "superseded")) == (
        "certbot revoke --non-interactive --cert-name port443-a --server https://ca.example/dir "
        f"{words}--reason superseded --no-delete-after-revoke"
    )


@pytest.mark.parametrize(("days", "overdue"), [((-80, 10), False), ((-82, 8), True), ((-9, -1), True)])
def test_what_nothing_renewed_in_time_is_issued_again(renewed, days, overdue):
    reasons = find_reasons(observe(renewed, days=days), WANTED, NOW)
    assert [reason.endswith("and nothing has renewed it") for reason in reasons] == [True] * overdue


@pytest.mark.parametrize(
    "gone", ["renewal/port443-www.example.com.conf", "archive/port443-www.example.com/privkey1.pem"]
)
def test_what_is_not_whole_is_as_good_as_nothing(renewed, gone):
    observe(renewed)
    (renewed.root / "letsencrypt" / gone).unlink()
    assert find_reasons(lineage.observe(Host(), renewed.layout, SITE), WANTED, NOW) == (
        "certbot has none for the site",
    )


def test_the_form_of_certbots_files_is_understood():
    assert lineage.read_sections(
        '# x = y\nversion = 4.0.0\n[renewalparams]\nserver = "https://a/b?c=d"\n[[webroot_map]]\na.example = /srv\n'
    ) == {
        "": {"version": "4.0.0"},
        "renewalparams": {"server": "https://a/b?c=d"},
        "webroot_map": {"a.example": "/srv"},
    }


def test_the_command_for_a_first_certificate():
    assert " ".join(_certbot.issue_command(WANTED, Account(), again=False)) == (
        "certbot certonly --non-interactive --agree-tos --register-unsafely-without-email --server "
        "https://ca.example/dir --cert-name port443-www.example.com --preferred-challenges http-01 --webroot "
        "--webroot-path /var/lib/port443/acme --key-type ecdsa --elliptic-curve secp256r1 --deploy-hook "
        f"{HOOK} --domain www.example.com"
    )


def test_the_command_for_other_names_by_a_port():
    wanted = replace(WANTED, names=(SITE, "example.com"), key_type="rsa-3072", standalone_port=8888)
    command = " ".join(_certbot.issue_command(wanted, Account("me@example.com"), again=True))
    assert "--standalone --http-01-port 8888 --http-01-address 127.0.0.1 --key-type rsa --rsa-key-size 3072" in command
    assert "--email me@example.com --no-eff-email" in command
    assert command.endswith("--force-renewal --renew-with-new-domains --domain www.example.com --domain example.com")
    assert "--account" not in command
    chosen = _certbot.issue_command(wanted, Account("me@example.com", chosen=ACCOUNT), again=True)
    assert f"--no-eff-email --account {ACCOUNT} --server" in " ".join(chosen)
    assert "webroot" not in command


@pytest.fixture
def certbot(renewed, monkeypatch):
    """Puts a shell script in the place of certbot."""

    def put(script):
        path = renewed.root / "certbot"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr(Host, "find", lambda self, name: str(path))

    return put


def test_the_secret_of_an_account_is_handed_over_by_no_argument(certbot):
    account = Account(key_id="kid-1", mac_key="-zWND_Zg==")
    command = _certbot.issue_command(WANTED, account, again=False)
    assert "--register-unsafely-without-email --config /dev/stdin --server" in " ".join(command)
    assert "zWND" not in repr(account) + repr(command)
    certbot('cat "$6" "$6"; cat /proc/$$/environ')
    settings = "eab-kid = kid-1\neab-hmac-key = -zWND_Zg==\n"
    said = _certbot.run(Host(), command, account.settings()).out
    assert said.startswith(settings * 2)
    assert "zWND" not in said[len(settings) * 2 :]


def test_where_the_secret_would_be_seen_certbot_is_not_started(certbot, monkeypatch):
    certbot("echo started")
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(HostError, match="without others seeing it"):
        _certbot.run(Host(), ("certbot",), "eab-kid = kid-1\n")
    assert _certbot.run(Host(), ("certbot",)).out == "started\n"


def test_certbot_is_given_what_leads_to_the_ca_and_nothing_else(certbot, monkeypatch):
    for name in _certbot.passed_on(os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/ca.pem")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/tmp")
    certbot("env | sed -n '/^PWD=/d;s/=.*//p' | sort; cat")
    said = _certbot.run(Host(), ("certbot",)).out.split()
    assert set(said) - {"_"} == {"HOME", "LANG", "LC_ALL", "PATH", "REQUESTS_CA_BUNDLE", "https_proxy"}


@pytest.mark.parametrize("told", ["certbot 1.12.0", "certbot 4.0.0", "certbot 5.0.0.dev0", "something else"])
def test_a_certbot_that_is_new_enough_is_used(certbot, told):
    certbot(f"echo {told}")
    _certbot.refuse_unusable(Host())


@pytest.mark.parametrize("told", ["certbot 0.40.0", "certbot 1.11.0 >&2"])
def test_a_certbot_that_is_too_old_is_refused(certbot, told):
    certbot(f"echo {told}")
    with pytest.raises(HostError, match=r"certbot [01]\.[0-9]+ of this host is too old: 1\.12 or newer is needed"):
        _certbot.refuse_unusable(Host())


def test_a_certbot_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(Host, "find", lambda self, name: None)
    with pytest.raises(HostError, match="certbot is not installed on this host"):
        _certbot.refuse_unusable(Host())


def test_certbots_words_are_told_without_what_it_always_says():
    completed = Completed(
        ("certbot",),
        1,
        "Requesting a certificate\n\n- - - - -\nDetail: 404\n",
        "Saving debug log to /var/log/letsencrypt/letsencrypt.log\nSome challenges have failed.\n",
    )
    assert _certbot.tell(completed) == "Requesting a certificate\nDetail: 404\nSome challenges have failed."


def test_certbot_is_waited_for_while_another_runs(monkeypatch):
    said = [Completed((), 1, "", _certbot.BUSY + ".\n"), Completed((), 1, "", _certbot.BUSY), Completed((), 0, "", "")]
    monkeypatch.setattr(_certbot, "_run_once", lambda host, command, settings: said.pop(0))
    monkeypatch.setattr(_certbot.time, "sleep", lambda seconds: None)
    assert (_certbot.run(Host(), ("certbot",)).returncode, said) == (0, [])


def test_forgetting_takes_everything_of_the_name_and_nothing_else(renewed, monkeypatch):
    certbot = renewed.root / "letsencrypt"
    renewed.issue(pki.site("blog.example.com", number=7), site="blog.example.com")
    for folder in ("keys", "csr"):
        (certbot / folder).mkdir()
    (certbot / "keys/0001_key-certbot.pem").write_bytes(pki.site("blog.example.com", number=7).key_pem())
    before = listing(certbot)
    renewed.issue(pki.site(number=1))
    renewed.issue(pki.site(number=2), 2)
    (certbot / "keys/0002_key-certbot.pem").write_bytes(pki.site(number=1).key_pem())
    monkeypatch.setattr(Host, "find", lambda self, name: None)
    assert len(purge_lineage.find_traces(renewed.layout, SITE)) == 4
    purge_lineage.purge_lineage(Host(), renewed.layout, SITE)
    assert listing(certbot) == before
    assert purge_lineage.find_traces(renewed.layout, SITE) == ()


def listing(folder):
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}
