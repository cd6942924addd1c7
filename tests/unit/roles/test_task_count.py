# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How many tasks a host is put through: each costs a process of the controller for every host, even one skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"


def tasks_of(role: str, file: str = "main.yml") -> Iterator[Any]:
    """The tasks that Ansible has for every host, whether it skips them: what is included has one task, until it is."""
    for task in yaml.safe_load((ROLES / role / "tasks" / file).read_text(encoding="utf-8")):
        imported = task.get("ansible.builtin.import_tasks")
        role_imported = task.get("ansible.builtin.import_role")
        if imported:
            yield from tasks_of(role, imported)
        elif role_imported:
            assert role_imported["rolespec_validate"] is False, "that would be a task"
            yield from tasks_of(role_imported["name"].rpartition(".")[2], role_imported.get("tasks_from", "main.yml"))
        else:
            assert "block" not in task
            yield task


def test_enabling_https_is_the_check_of_arguments_and_four_tasks() -> None:
    names = [task["name"].partition(", on hosts: ")[0] for task in tasks_of("enable_https")]
    assert names == [
        "Serve the sites with their certificates, or stop serving them",
        "See to ports and certificates that are left",
        "Look from outside",
        "Show what was found, and fail unless every check holds",
    ]


def test_other_roles_are_one_task_and_what_shows_or_keeps_its_result() -> None:
    count = {role: len(list(tasks_of(role))) for role in ("serve_https", "open_ports", "verify_https")}
    assert count == {"serve_https": 1, "open_ports": 1, "verify_https": 2}
