# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets the tests of action plugins run ansible-playbook over this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PYTHON = f"ansible_python_interpreter={sys.executable}"


@pytest.fixture
def play(collections_path):
    """Writes a playbook of these tasks, runs it from a folder, by its path or its name, and returns what is said."""

    def run(tasks, playbook, working, *flags, named=None, collections=collections_path, **variables):
        book = {"hosts": "all", "gather_facts": False, "tasks": tasks, **variables}
        playbook.write_text(yaml.safe_dump([book], sort_keys=False))
        command = ["-i", "host,", "-c", "local", "-e", PYTHON, *flags, named or str(playbook)]
        ended = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", *command],
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(collections),
                ANSIBLE_LOCAL_TEMP=str(working / "tmp"),
                ANSIBLE_INJECT_INVOCATION="true",
                ANSIBLE_NOCOLOR="1",
                PWD="/nonexistent",  # as where no shell has set it
            ),
            cwd=working,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.stdout + ended.stderr

    return run
