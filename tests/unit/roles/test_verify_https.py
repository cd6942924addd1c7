# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whom the playbook verify_https looks at, and how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ENABLE = "port443.https.enable_https"
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
    assert '"web refused not tried not known"' in said  # the table of all hosts comes first
    assert "HTTPS does not work as it should on web" in said


def test_a_report_alone_that_a_word_says_yes_to_goes_on(play: Any) -> None:
    code, said = play(VERIFY, {"web": SITES}, "-e", "verify_https_report_only=true", **CLOSED)
    assert (code, '"web refused not tried not known"' in said) == (0, True)


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
    assert "HTTPS does not work as it should on wrong: " in said
    assert "HTTPS does not work as it should on address: " in said
    assert ("[right]: FAILED" in said, "[wrong]: FAILED" in said, "[address]: FAILED" in said) == (False, True, True)


def test_a_run_that_looked_at_no_host_fails(play: Any) -> None:
    table = [{"ansible.builtin.import_role": {"name": VERIFY, "tasks_from": "table"}}]
    code, said = play(table, {"one": {}, "two": {}})
    assert code == 2
    assert "No host was checked" in said


def test_a_ca_of_ones_own_is_trusted_for_its_sites(play: Any, served: Any, tmp_path: Path) -> None:
    own = {"install_certificate_own_ca": str(served.folder), "enable_https_sites": [{"name": served.name}]}
    assert play(VERIFY, {"web": own}, **served.looked_at)[0] == 0
    # In a playbook of the user, a folder beside it; of the collection, one in the working directory.
    own["install_certificate_own_ca"] = served.folder.name
    assert play(VERIFY, {"web": own}, **served.looked_at)[0] == 0
    (tmp_path / "mine").mkdir()
    served.folder.rename(tmp_path / "mine" / served.folder.name)
    assert play(VERIFY, {"web": own}, **served.looked_at)[0] == 2
    role = {"ansible.builtin.import_role": {"name": ENABLE, "tasks_from": "verify"}}
    mine = [{"hosts": "all", "gather_facts": False, "tasks": [role]}]
    (tmp_path / "mine" / "play.yml").write_text(yaml.safe_dump(mine))
    assert play("mine/play.yml", {"web": own}, **served.looked_at)[0] == 0
