# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook roll_https: batches, what it does where one fails, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

ROLL = "port443.https.roll_https"
# No module runs there, so the role fails on a host that has sites, and leaves one alone that has none.
BROKEN = {"enable_https_sites": [{"name": "shop.example.com", "self_signed": True}]}
BATCHES = '{"roll_https_batches": [1, 2, "100%"]}'


def test_a_batch_that_is_well_is_followed_by_the_next(play: Any) -> None:
    code, said = play(ROLL, {"a": {}, "b": {}, "c": {}, "d": BROKEN}, "-e", BATCHES)
    assert code == 2
    places = [said.index(line) for line in ("next 1 of 4: a", "next 2 of 4: b, c", "next 1 of 4: d")]
    assert places == sorted(places)
    for told in ('"done": [ "a", "b", "c" ]', '"failed": [ "d" ]'):
        assert told in said, said


def test_a_batch_that_fails_is_the_last_and_the_rest_is_untouched(play: Any) -> None:
    code, said = play(ROLL, {"a": {}, "b": BROKEN, "c": {}, "d": {}}, "-e", BATCHES)
    assert code == 2
    assert "of 4: d" not in said
    for told in ('"done": [ "a", "c" ]', '"failed": [ "b" ]', '"untouched": [ "d" ]'):
        assert told in said, said
    assert "[a]: FAILED" not in said
    assert "[d]: FAILED" in said


def test_a_batch_that_fails_is_put_back_with_the_previous_variables(play: Any, tmp_path: Any) -> None:
    previous = tmp_path / "previous.yml"
    previous.write_text("enable_https_sites: []\n")
    given = ("-e", BATCHES, "-e", f"roll_https_previous={previous}")
    code, said = play(ROLL, {"a": {}, "b": BROKEN, "c": {}, "d": BROKEN}, *given)
    assert code == 2
    for told in ('"done": [ "a" ]', '"put back": [ "b", "c" ]', '"untouched": [ "d" ]'):
        assert told in said, said


def test_previous_variables_that_are_not_there_are_refused_before_a_host_is_touched(play: Any) -> None:
    code, said = play(ROLL, {"a": BROKEN}, "-e", "roll_https_previous=nowhere.yml")
    assert code == 2
    assert "roll_https_previous nowhere.yml is no file on the controller" in said
    assert "Enable HTTPS" not in said


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ('{"roll_https_batch": [1]}', "roll_https_batch (did you mean roll_https_batches?)"),
        ("roll_https_prevous=previous.yml", "roll_https_prevous (did you mean roll_https_previous?)"),
        ('{"roll_https_batches": [1, "some"]}', "roll_https_batches [1, 'some'] is no list of numbers of hosts and"),
        ('{"roll_https_batches": [0, "100%"]}', "is no list of numbers of hosts and percentages"),
        ('{"roll_https_batches": []}', "is no list of numbers of hosts and percentages"),
        ("roll_https_batches=1,100%", "roll_https_batches 1,100% is no list of numbers of hosts and percentages"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_host_is_touched(play: Any, given: str, told: str) -> None:
    code, said = play(ROLL, {"a": BROKEN, "b": BROKEN}, "-e", given)
    assert code in (2, 4)
    assert told in said, said
    assert "next " not in said


@pytest.mark.parametrize(
    ("given", "first"),
    [("roll_https_batches=2", "next 2 of 3: a, b"), ('{"roll_https_batches": "50%"}', "next 1 of 3: a")],
)
def test_one_number_is_a_list_of_one(play: Any, given: str, first: str) -> None:
    said = play(ROLL, {"a": {}, "b": {}, "c": BROKEN}, "-e", given)[1]
    assert first in said, said
    assert '"done": [ "a", "b" ]' in said, said
