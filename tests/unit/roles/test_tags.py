# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A part of a role can be asked for by its tag, and refusals come with every part."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
PARTS = ("install_certificate", "issue_certificate", "open_ports", "serve_https", "verify_https")


def tasks_of(role: str, file: str) -> List[Dict[str, Any]]:
    loaded: List[Dict[str, Any]] = yaml.safe_load((ROLES / role / "tasks" / file).read_text(encoding="utf-8"))
    return loaded


def tags_of(task: Dict[str, Any]) -> List[str]:
    given = task.get("tags", [])
    return [given] if isinstance(given, str) else given


@pytest.mark.parametrize("role", PARTS)
def test_every_task_of_a_role_has_its_name_or_comes_always(role: str) -> None:
    tasks = tasks_of(role, "main.yml")
    assert [task["name"] for task in tasks if tags_of(task) not in ([role], ["always"])] == []
    assert any(tags_of(task) == [role] for task in tasks)


def test_a_part_of_enabling_https_has_the_tag_of_its_role() -> None:
    """A role that is imported brings its tags; one that is included has to be given them, and hands them on."""
    for file in ("apply.yml", "rest.yml"):
        for task in tasks_of("enable_https", file):
            if "ansible.builtin.include_role" in task:
                included = task["ansible.builtin.include_role"]
                given = included.get("apply", {}).get("tags")
                assert tags_of(task) == given, task["name"]
                assert given == [included["name"].rpartition(".")[2]]
            elif not any(key.startswith("ansible.builtin.import_") for key in task):
                assert set(tags_of(task)) <= {"always", *PARTS}, task["name"]
                assert tags_of(task), task["name"]
