# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands as a person could type them, and what went wrong in a sentence."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.operation import RuleOperation, quote
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.problems import (
    tell_failure,
    tell_no_answer,
)

WORDS = [
    ("port443", "port443"),
    ("a b", "'a b'"),
    ("it's", "'it''s'"),
    ("it\u2019s", "'it\u2019\u2019s'"),
    ("-Force", "'-Force'"),
    ("$(calc)", "'$(calc)'"),
    ("a;b", "'a;b'"),
    ("", "''"),
    ("80", "80"),
    ("10.0.0.0/8", "'10.0.0.0/8'"),
]


@pytest.mark.parametrize(("text", "word"), WORDS)
def test_a_text_is_one_word_of_powershell(text, word):
    assert quote(text) == word


def test_the_name_of_a_rule_that_is_there_is_no_pattern():
    assert str(RuleOperation("remove", "[x]*?`")).endswith(" -Name '`[x`]`*`?``'")
    assert str(RuleOperation("add", "[x]")).endswith(" -Name '[x]'")


def failure(**given):
    return {"category": "NotSpecified", "hresult": -2147467259, "message": "Unspecified error", **given}


TOLD = [
    (failure(), "Windows said: Unspecified error"),
    (failure(do="add", id="x"), "add of rule x: Windows said: Unspecified error"),
    (failure(hresult=-2147024891), "which takes an administrator's token (over WinRM a local account needs LocalAcc"),
    (failure(hresult=5), "no right to look at or change Windows Firewall"),
    (failure(error_id="Windows System Error 5,New-NetFirewallRule"), "no right to look at or change Windows Firewall"),
    (failure(error_id="Windows System Error 1753,x"), "the services of Windows Firewall (MpsSvc, BFE) do not run"),
    (failure(category="PermissionDenied"), "no right to look at or change Windows Firewall"),
    (failure(hresult=-2147023143), "the services of Windows Firewall (MpsSvc, BFE) do not run, start them: "),
    (
        failure(category="ObjectNotFound", message="The term 'New-NetFirewallRule' is not"),
        "Windows 8 and Server 2012 are",
    ),
    (failure(not_undone=["remove y: no"]), "; and taking back what had been done before it failed too: remove y: no"),
]


@pytest.mark.parametrize(("given", "told"), TOLD)
def test_a_failure_says_what_windows_said_and_what_would_work(given, told):
    assert told in tell_failure(given)


def test_what_came_in_place_of_an_answer_is_shown():
    assert tell_no_answer({"msg": "no shell", "module_stderr": "at line 1"}) == (
        "the script on the host did not run: no shell at line 1"
    )
    assert tell_no_answer({"msg": "x", "failure": failure()}) == "Windows said: Unspecified error"
