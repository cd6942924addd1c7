# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text where a list is meant, which passes the argument spec, is no list of letters."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable

import pytest

# What Ansible makes of backslashes before it has Jinja read them does not matter here.
pytestmark = pytest.mark.filterwarnings("ignore:invalid escape sequence")

ROLES = Path(__file__).resolve().parents[3] / "roles"
# Each list of a site as (a text, the list that is meant). Names are split as Ansible itself splits; a comma in a
# directive belongs to it.
MEANT = {
    "names": [
        ("www.example.com", ["www.example.com"]),
        ("example.com,*.example.com, example.org", ["example.com", "*.example.com", "example.org"]),
    ],
}


@pytest.mark.parametrize("role", ["issue_certificate"])
def test_the_names_of_a_certificate_are_those_of_the_text(templated: Callable[..., Any], role: str) -> None:
    def names(**site: Any) -> Any:
        return templated(role, f"{{{{ __{role}_names }}}}", **{f"__{role}_site": {"name": "site", **site}})

    for text, meant in MEANT["names"]:
        assert (names(names=text), names(names=meant)) == (meant, meant)
    assert (names(), names(names=["a,b"])) == (["site"], ["a,b"])


@pytest.mark.parametrize("role", ["install_certificate", "issue_certificate"])
def test_no_task_and_no_template_uses_names_as_they_came(role: str) -> None:
    raw = [
        f"{path.name}: {line.strip()}"
        for path in sorted([*(ROLES / role).glob("tasks/*"), *(ROLES / role).glob("templates/*")])
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"site\.names\b(?! is defined)|attribute='names'", line)
    ]
    assert raw == []
