# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a play shows of a task is what the task does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator

import pytest
import yaml

ROLES = Path(__file__).resolve().parents[3] / "roles"
OURS = ("install_certificate", "issue_certificate", "open_ports", "serve_https")


@pytest.mark.parametrize("role", OURS)
def test_a_task_that_makes_or_takes_away_says_both(role: str) -> None:
    one_sided = [
        task["name"]
        for path in sorted((ROLES / role / "tasks").glob("*.yml"))
        for task in tasks_in(yaml.safe_load(path.read_text(encoding="utf-8")))
        for module, given in task.items()
        if module.startswith("port443.https.")
        and f"{role}_state" in given.get("state", "")
        and " or " not in task["name"]
    ]
    assert one_sided == []


def tasks_in(tasks: Any) -> Iterator[Any]:
    for task in tasks:
        yield task
        for part in ("block", "rescue", "always"):
            yield from tasks_in(task.get(part, []))
