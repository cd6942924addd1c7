# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes down, for the bench, how long each task of a play took, what it said, how many were skipped, and how often a
module ran on a host."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: durations
type: aggregate
short_description: Durations and module executions of a play
description: Writes JSON to the file that the environment variable BENCH_DURATIONS names.
"""


class CallbackModule(CallbackBase):
    """``seconds`` of a task is from its start until the last host has ended it."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "durations"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._path = os.environ.get("BENCH_DURATIONS", "")
        self.disabled = not self._path
        self._tasks: list[dict[str, Any]] = []
        self._started = 0.0
        if self._path:
            self._counter = os.open(
                self._path + ".executions", os.O_CREAT | os.O_TRUNC | os.O_RDWR | os.O_APPEND, 0o600
            )
            _count_executions(self._counter)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Starts the clock; ``meta``, which says when handlers run, is no task."""
        if task.action.split(".")[-1] == "meta":
            return
        self._started = time.perf_counter()
        self._tasks.append({"name": task.get_name(), "seconds": 0.0, "results": [], "skipped": 0})

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:
        """Starts the clock: a handler is a task as well."""
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Stops the clock, for now."""
        task = self._tasks[-1]
        task["seconds"] = time.perf_counter() - self._started
        task["skipped"] += 1

    def v2_runner_on_ok(self, result: Any) -> None:
        """Stops the clock, for now."""
        task = self._tasks[-1]
        task["seconds"] = time.perf_counter() - self._started
        said = getattr(result, "result", None) or result._result
        kept = {key: said.get(key) for key in ("changed", "persisted", "served") if key in said}
        kept["verdicts"] = sorted({entry["verdict"] for entry in said.get("effective", ())})
        task["results"].append(kept)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Writes it all down."""
        executions = os.fstat(self._counter).st_size
        with open(self._path, "w", encoding="utf-8") as stream:
            json.dump({"tasks": self._tasks, "executions": executions}, stream)


def _count_executions(counter: int) -> None:
    """No event tells how often an action plugin runs a module; the forked workers inherit the file and this wrapper."""
    execute = ActionBase._execute_module

    def counted(self: ActionBase, *args: Any, **kwargs: Any) -> Any:
        os.write(counter, b".")
        return execute(self, *args, **kwargs)

    ActionBase._execute_module = counted
