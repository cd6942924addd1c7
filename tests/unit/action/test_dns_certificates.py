# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""When a certificate is issued again that was proved by the DNS, for which names, and what of it goes to the host."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from ansible_collections.port443.https.plugins.plugin_utils._dns_certificates import (
    is_issued_again,
    pairs,
    wanted_names,
)

SIX = {"not_before": "20310101000000Z", "not_after": "20310107000000Z"}
NINETY = {"not_before": "20310101000000Z", "not_after": "20310401000000Z"}
MINUTES = {"not_before": "20310101000000Z", "not_after": "20310101001500Z"}
SERVER = "https://ca.example/dir"
MEANT = {"names": ["DNS:a.example"], "key": "00", "old_server": SERVER, "server": SERVER, "remaining_days": 0}


def is_forced(certificate, now, **meant):
    # As community.crypto 3.1 tells of a certificate.
    have = {"subject_alt_name": ["DNS:a.example"], "public_key_fingerprints": {"sha256": "00"}, **certificate}
    moment = datetime.strptime(now, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
    return is_issued_again(have, {**MEANT, **meant}, moment)


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
def test_a_certificate_is_renewed_when_less_than_a_third_of_its_time_is_left(certificate, now, due):
    assert is_forced(certificate, now) is due


def test_where_days_are_given_they_count_and_the_third_does_not():
    for days in (5, "5"):
        assert is_forced(NINETY, "20310325000000Z", remaining_days=days) is False
    assert is_forced(NINETY, "20310325000000Z", remaining_days="0") is True


@pytest.mark.parametrize(
    "meant", [{"names": ["DNS:b.example"]}, {"key": "11"}, {"server": "https://other.example/dir"}, {"names": []}]
)
def test_what_has_to_be_another_is_issued_again_however_fresh_it_is(meant):
    assert is_forced(SIX, "20310101000000Z", **meant) is True


def test_the_order_of_names_is_none_of_a_certificates():
    both = {"subject_alt_name": ["DNS:b.example", "DNS:a.example"]}
    assert is_forced({**SIX, **both}, "20310101000000Z", names=["DNS:a.example", "DNS:b.example"]) is False
    assert is_forced({**SIX, "subject_alt_name": None}, "20310101000000Z") is True


def test_names_are_those_of_a_certificate():
    given = ["Shop.example", "*.bücher.example", "shop.example"]
    assert wanted_names(given) == ["DNS:shop.example", "DNS:*.xn--bcher-kva.example"]


SITES = [{"name": "a", "names": ["a.example"], "owner": "mail", "key_type": "rsa-2048"}, {"name": "b", "acme": {}}]


def test_what_was_issued_goes_to_the_host_and_what_was_not_is_left_out():
    assert pairs(SITES, "/c", "present", lambda path: path == "/c/a.pem") == [
        {"name": "a", "names": ["a.example"], "owner": "mail", "certificate_file": "/c/a.pem", "key_file": "/c/a.key"}
    ]
    assert pairs(SITES, "/c", "absent", lambda path: False) == [{"name": "a"}, {"name": "b"}]
