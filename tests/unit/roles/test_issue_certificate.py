# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When the role has a certificate issued again that was proved by the DNS."""

from __future__ import annotations

import calendar
import time
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

# What Ansible makes of backslashes before it has Jinja read them does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")

TASKS = Path(__file__).resolve().parents[3] / "roles/issue_certificate/tasks/dns-01_present.yml"
SIX = {"not_before": "20310101000000Z", "not_after": "20310107000000Z"}
NINETY = {"not_before": "20310101000000Z", "not_after": "20310401000000Z"}
MINUTES = {"not_before": "20310101000000Z", "not_after": "20310101001500Z"}


def force() -> str:
    (block,) = yaml.safe_load(TASKS.read_text(encoding="utf-8"))
    (task,) = [task for task in block["block"] if task["name"] == "Ask for a certificate"]
    text: str = task["community.crypto.acme_certificate"]["force"]
    return text


def is_forced(templated: Callable[..., Any], certificate: Any, now: str, **given: Any) -> bool:
    has = {"subject_alt_name": ["DNS:a.example"], "public_key_fingerprints": {"sha256": "00"}, **certificate}
    answer: bool = templated(
        "issue_certificate",
        force(),
        **{
            "__issue_certificate_now": now,
            "__issue_certificate_have": has,
            "__issue_certificate_there": {"stat": {"exists": True}},
            "__issue_certificate_wanted": ["DNS:a.example"],
            "__issue_certificate_own_key": {"fingerprint": {"sha256": "00"}},
            "__issue_certificate_old_server": "https://ca.example/dir",
            "__issue_certificate_server": "https://ca.example/dir",
            **given,
        },
    )
    return answer


@pytest.mark.parametrize(
    ("certificate", "now", "due"),
    [
        (SIX, "20310101000000Z", False),
        (SIX, "20310105000000Z", False),
        (SIX, "20310105000001Z", True),
        (SIX, "20310108000000Z", True),
        (NINETY, "20310302000000Z", False),
        (NINETY, "20310302000001Z", True),
        (MINUTES, "20310101001000Z", False),
        (MINUTES, "20310101001001Z", True),
    ],
)
def test_a_certificate_is_renewed_when_less_than_a_third_of_its_time_is_left(
    templated: Callable[..., Any], certificate: Any, now: str, due: bool
) -> None:
    assert is_forced(templated, certificate, now) is due


def test_where_days_are_given_they_count_and_the_third_does_not(templated: Callable[..., Any]) -> None:
    assert is_forced(templated, NINETY, "20310325000000Z", issue_certificate_remaining_days=5) is False


def test_it_is_utc_that_counts(templated: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        told = templated("issue_certificate", "{{ __issue_certificate_now }}")
    finally:
        monkeypatch.undo()
        time.tzset()
    assert abs(calendar.timegm(time.strptime(told, "%Y%m%d%H%M%SZ")) - time.time()) < 600


@pytest.mark.parametrize(
    "given",
    [
        {"__issue_certificate_wanted": ["DNS:b.example"]},
        {"__issue_certificate_own_key": {"fingerprint": {"sha256": "11"}}},
        {"__issue_certificate_server": "https://other.example/dir"},
    ],
)
def test_what_has_to_be_another_is_issued_again_however_fresh_it_is(templated: Callable[..., Any], given: Any) -> None:
    assert is_forced(templated, SIX, "20310101000000Z", **given) is True
