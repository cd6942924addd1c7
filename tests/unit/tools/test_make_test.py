# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``make test``: what it says first, what it runs, and how it ends, with parts that only say their names."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[3] / "tools"
PARTS = ("lint", "unit", "windows", "kernel", "integration", "molecule", "demo")


@pytest.fixture
def run(tmp_path):
    """Runs it as the user with that number, where these parts fail; returns the exit code and what it printed."""

    def run_as(uid, failing=()):
        folder = tmp_path / "tools"
        folder.mkdir()
        for name in ("test", "steps.sh", "pwsh.sh"):
            shutil.copy(TOOLS / name, folder)
        scripts = {name: f"# {name}\ntools/packages {name}-command\nexit {int(name in failing)}" for name in PARTS}
        scripts["packages"] = 'case $# in 4) echo "missing: $*"; exit 1 ;; *) echo "runs: $*" ;; esac'
        scripts["apart"] = "true"
        scripts["id"] = f"echo {uid}"
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        environment = {"PATH": f"{folder}:/usr/bin:/bin", "PORT443_PWSH": "pwsh"}
        ended = subprocess.run(
            ["bash", str(folder / "test")], env=environment, capture_output=True, text=True, check=False
        )
        assert ended.stderr == ""
        lines = [line for line in ended.stdout.splitlines() if line and not line.startswith(("===", "---"))]
        return ended.returncode, [re.sub(r"\d+ s", "0 s", line) for line in lines]

    return run_as


RUN = [f"runs: {name}-command" for name in PARTS]


def test_root_runs_everything(run):
    passed = ", ".join(f"{name} 0 s" for name in PARTS)
    assert run(0) == (0, [*RUN, f"make test: all passed in 0 s: {passed}"])


def test_without_root_what_is_missing_comes_first_and_what_can_run_is_run(run):
    passed = ", ".join(f"{name} 0 s" for name in PARTS[:5])
    assert run(1000) == (
        1,
        [
            "missing: lint-command unit-command kernel-command integration-command",
            *RUN[:5],
            "make test: NOT RUN HERE: molecule, which needs root; demo, which needs root",
            f"make test: all that was run passed in 0 s: {passed}",
        ],
    )


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_fails_is_told_and_the_others_run(run, name):
    passed = ", ".join(f"{other} 0 s" for other in PARTS if other != name)
    assert run(0, [name]) == (
        1,
        [*RUN, f"make test: FAILED after 0 s: {name} 0 s", f"make test: passed: {passed}"],
    )


@pytest.mark.parametrize(
    ("environment", "told"), [({}, " without its scripts, as no PowerShell is here"), ({"PORT443_PWSH": "x"}, "")]
)
def test_the_line_of_the_part_about_windows_says_what_is_left_out(environment, told):
    command = [shutil.which("bash"), "-c", ". ./pwsh.sh; without_pwsh"]
    ended = subprocess.run(
        command, env={"PATH": "/nonexistent", **environment}, cwd=TOOLS, capture_output=True, text=True, check=True
    )
    assert ended.stdout.partition(" (")[0].rstrip() == told
