# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The number of an error is found wherever Windows puts it, and a right that is missing is told from all else."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._powershell.failure import (
    ADMINISTRATOR,
    is_denied,
    system_number,
    tell_no_answer,
)

NUMBERS = [
    ({"hresult": -2147024891}, 5),
    ({"hresult": 5}, 5),
    ({"hresult": -2147023143}, 1753),
    ({"hresult": -2146233088}, 0),
    ({"hresult": -2147024891, "error_id": "Windows System Error 1753,New-NetFirewallRule"}, 1753),
    ({"hresult": 87, "error_id": None}, 87),
    ({"hresult": 87, "error_id": "A Windows System Error 5"}, 87),
]


@pytest.mark.parametrize(("failure", "number"), NUMBERS)
def test_the_number_is_that_of_the_system(failure, number):
    assert system_number(failure) == number


def test_a_right_is_missing_by_number_or_by_category():
    assert is_denied({"hresult": -2147024891})
    assert is_denied({"hresult": 0, "category": "PermissionDenied"})
    assert not is_denied({"hresult": 0, "category": "ObjectNotFound"})


def test_what_came_in_place_of_an_answer_is_told_with_the_right_that_is_missing():
    begin = "the script on the host did not run: "
    assert tell_no_answer({"msg": " no shell ", "module_stderr": "at line 1"}) == f"{begin}no shell at line 1"
    assert tell_no_answer({}) == f"{begin}it said nothing"
    denied = {"msg": "Access is denied.", "failure": {"hresult": 5}}
    assert tell_no_answer(denied) == f"{begin}Access is denied. (this takes {ADMINISTRATOR})"
