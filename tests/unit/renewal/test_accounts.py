# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""certbot's accounts: one can be chosen, and where certbot fails because of them it is told what would do."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from played_renewal import run

# What certbot 2.1 said to Pebble (1.0.1), with two accounts, and with one that the CA had lost.
SEVERAL = """Missing command line flag or config entry for this setting:
Please choose an account
Choices: ['localhost@2026-11-28T22:20:21Z (0427)', 'localhost@2026-11-28T22:20:31Z (36b5)']
"""
LOST = """Renewing an existing certificate for www.example.com
An unexpected error occurred:
AttributeError: can't set attribute
"""
LOGGED = "2026-11-28 22:20:58,123:DEBUG:certbot._internal.main:certbot version: 2.1.0\n"
LOGGED += "acme.messages.Error: urn:ietf:params:acme:error:accountDoesNotExist :: The request specified an account\n"


@pytest.mark.parametrize(
    ("said", "log", "accounts", "told"),
    [
        (SEVERAL, "", ["36b5", "0427"], "certbot has several accounts with {server}: set account to one of 0427, 36b5"),
        (LOST, LOGGED, ["0427"], "{unknown}: remove {folder}/0427 and {then}"),
        (
            LOST,
            LOGGED,
            ["36b5", "0427"],
            "{unknown}: remove its folder in {folder} and {then}",
        ),
        (
            "Detail: accountDoesNotExist",
            "",
            ["0427"],
            "{unknown}: remove {folder}/0427 and {then}",
        ),
        (LOST, "", ["0427"], ""),
        (LOST, LOGGED + LOGGED.splitlines()[0], ["0427"], ""),
        ("Detail: 404", LOGGED, ["0427"], ""),
    ],
)
def test_certbots_trouble_with_its_accounts_is_told_with_what_would_do(
    renewed, host, certbot, monkeypatch, said, log, accounts, told
):
    folder = renewed.root / "letsencrypt/accounts/ca.example/dir"
    for account in accounts:
        (folder / account).mkdir(parents=True)
    (renewed.root / "log").mkdir()
    (renewed.root / "log/letsencrypt.log").write_text(log)
    monkeypatch.setattr(_certbot, "_run_once", lambda host, command, settings: Completed(command, 1, "", said))
    monkeypatch.setattr(_certbot, "refuse_unusable", lambda host: None)
    with pytest.raises(HostError) as refused:
        run(renewed, host)
    words = told.format(
        server="https://ca.example/dir",
        folder=folder,
        unknown="https://ca.example/dir does not know certbot's account, as after a CA was set up anew",
        then="run again, then certbot makes another, or set account to one that the CA knows",
    )
    assert refused.value.message.partition("' failed: ")[2] == "\n".join(filter(None, [said.strip(), words]))


def test_another_account_is_taken_and_kept(renewed, host, certbot):
    run(renewed, host)
    result, _warnings = run(renewed, host, check_mode=True, account="0123456789abcdef" * 2)
    assert result["issued_because"] == [
        f"it is renewed with the account 5bf9d1d0b5ed6d4a0a4d2f0f8a1e2b3c and has to be with {'0123456789abcdef' * 2}"
    ]
    assert f"--account {'0123456789abcdef' * 2} " in result["commands"][-1]
