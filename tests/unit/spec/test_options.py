# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Options that not every firewall has, and options that do not go together."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.options import MANAGED, OPTIONS, UNSET
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request

GIVEN = {
    "interface": ["eth0"],
    "position": "first",
    "adopt": True,
    "timeout": "30m",
    "confirm": "60s",
    "zone": "public",
    "enable": True,
    "anchor": "web",
    "profiles": ["domain"],
    "display_name": "HTTPS",
    "group": "Web",
    "program": "System",
    "service": "W3SVC",
    "edge_traversal": True,
}


@pytest.mark.parametrize("backend", MANAGED)
@pytest.mark.parametrize("option", UNSET)
def test_an_option_is_taken_by_the_firewalls_that_have_it_and_refused_by_the_others(backend, option):
    options = {"ports": ["443/tcp"], "backend": backend, option: GIVEN[option]}
    if option in OPTIONS[backend]:
        assert getattr(parse_request(options), option) != UNSET[option]
        return
    with pytest.raises(RequestError) as refusal:
        parse_request(options)
    assert refusal.value.message.startswith(f"{option} is no option of {backend}, only of ")


def test_what_no_firewall_asked_for_by_name_can_refuse_waits_for_the_host():
    assert parse_request({"ports": ["443/tcp"], "zone": "public", "interface": ["eth0"]}).zone == "public"


@pytest.mark.parametrize("direction", ["out", "both"])
@pytest.mark.parametrize("option", [{"source": ["192.0.2.0/24"]}, {"interface": ["eth0"]}, {"zone": "public"}])
def test_who_connects_is_no_question_of_what_goes_out(direction, option):
    with pytest.raises(RequestError, match="direction: in alone"):
        parse_request({"ports": ["443/tcp"], "direction": direction, **option})


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), (90, 90), ("90s", 90), ("30m", 1800), ("2h", 7200), ("30d", 2592000)]
)
def test_a_timeout_is_told_in_seconds_or_with_a_unit(text, seconds):
    request = parse_request({"ports": ["443/tcp"], "timeout": text})
    assert (request.timeout, request.persistent) == (seconds, False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        (60, 60),
        ("5", 5),
        ("2m", 120),
        ("1h", 3600),
        (0, None),
        ("none", None),
        ("auto", None),
        ("", None),
        (None, None),
    ],
)
def test_a_confirmation_is_asked_for_in_seconds_or_not_at_all(text, seconds):
    assert parse_request({"ports": ["443/tcp"], "confirm": text}).confirm == seconds


@pytest.mark.parametrize("text", [1, "4s", "61m", "2h", "-60", "yes", "60 s"])
def test_a_time_that_is_none_for_a_confirmation_is_told(text):
    with pytest.raises(RequestError, match=f"confirm '{text}' is not a time between 5 seconds and one hour"):
        parse_request({"ports": ["443/tcp"], "confirm": text})


@pytest.mark.parametrize("text", ["", 0, "0", "0m", "31d", "1w", "-5", "5 m", "1h30m", "m", "٣m"])
def test_a_timeout_that_cannot_be_meant_is_refused_with_what_would_work(text):
    with pytest.raises(RequestError, match="such as 30m or 2h"):
        parse_request({"ports": ["443/tcp"], "timeout": text})


@pytest.mark.parametrize("zone", ["public zone", "a" * 18, "zone;", "zöne"])
def test_a_zone_that_firewalld_could_not_name_is_refused(zone):
    with pytest.raises(RequestError, match="such as public"):
        parse_request({"ports": ["443/tcp"], "zone": zone})
