# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whom the playbook verify_https looks at, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

VERIFY = "port443.https.verify_https"
# Nothing listens there.
CLOSED = {
    "verify_https_addresses": ["127.0.0.1"],
    "verify_https_port": 1,
    "verify_https_checks": ["tcp", "tls"],
    "verify_https_wait": 0,
}
SITES = {"enable_https_sites": [{"name": "shop.example.com"}]}


@pytest.mark.parametrize("told", ["false", "no"])
def test_a_report_alone_that_a_word_says_no_to_fails(play: Any, told: str) -> None:
    code, said = play(VERIFY, {"web": SITES}, "-e", f"verify_https_report_only={told}", **CLOSED)
    assert code == 2
    assert '"web refused not tried"' in said  # the table of all hosts comes first
    assert "HTTPS does not work as it should on web" in said


def test_a_report_alone_that_a_word_says_yes_to_goes_on(play: Any) -> None:
    code, said = play(VERIFY, {"web": SITES}, "-e", "verify_https_report_only=true", **CLOSED)
    assert (code, '"web refused not tried"' in said) == (0, True)


def test_the_role_alone_fails_where_a_word_says_no_to_a_report_alone(play: Any) -> None:
    role = [{"ansible.builtin.import_role": {"name": VERIFY}}]
    assert play(role, {"web": {"verify_https_report_only": "false"}}, **CLOSED)[0] == 2


def test_a_host_that_has_no_sites_is_looked_at_with_its_own_names_and_ca(play: Any, served: Any) -> None:
    hosts = {
        "right": {"verify_https_names": [served.name]},
        "wrong": {"verify_https_names": ["other.example.com"]},
        "address": {},
    }
    code, said = play(VERIFY, hosts, **{**served.looked_at, "verify_https_ca": served.ca.read_text()})
    assert code == 2
    rows = [
        f'"{host} {" ".join(found)}"'
        for host, found in {
            "right": ["ok", "ok", "ok"],
            "wrong": ["ok", "wrong name", "ok"],
            "address": ["ok", "wrong name", "ok"],
        }.items()
    ]
    assert [row for row in rows if row not in said] == []
    assert "HTTPS does not work as it should on wrong, address" in said


def test_a_run_that_looked_at_no_host_fails(play: Any) -> None:
    table = [{"ansible.builtin.import_role": {"name": VERIFY, "tasks_from": "table"}}]
    code, said = play(table, {"one": {}, "two": {}})
    assert code == 2
    assert "No host was checked" in said
