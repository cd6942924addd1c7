# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text where a list is meant, which passes the argument spec, is no list of letters."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.plugin_utils._issued_refusals import list_names

ROLES = Path(__file__).resolve().parents[3] / "roles"
# Each list of a site as (a text, the list that is meant). Names are split as Ansible itself splits; a comma in a
# directive belongs to it.
MEANT = {
    "names": [
        ("www.example.com", ["www.example.com"]),
        ("example.com,*.example.com, example.org", ["example.com", "*.example.com", "example.org"]),
    ],
}


def test_the_names_of_a_certificate_are_those_of_the_text() -> None:
    for text, meant in MEANT["names"]:
        assert list_names({"name": "site", "names": text}) == list_names({"name": "site", "names": meant}) == meant
    assert list_names({"name": "site"}) == ["site"]
    assert list_names({"name": "site", "names": ["a,b"]}) == ["a,b"]


@pytest.mark.parametrize("role", ["install_certificate", "issue_certificate"])
def test_no_task_and_no_template_uses_names_as_they_came(role: str) -> None:
    raw = [
        f"{path.name}: {line.strip()}"
        for path in sorted([*(ROLES / role).glob("tasks/*"), *(ROLES / role).glob("templates/*")])
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"site\.names\b(?! is defined)|attribute='names'", line)
    ]
    assert raw == []
