# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays over hosts that no module runs on: whoever touches one fails, and nothing happens to this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple, Union

import pytest
import yaml

ANSIBLE_PLAYBOOK = Path(sys.executable).parent / "ansible-playbook"

Play = Callable[..., Tuple[int, str]]


@pytest.fixture
def play(tmp_path: Path, collections_path: Path) -> Play:
    """Plays a playbook of the collection, or tasks; returns how that ended and what it said, each blank one space."""

    def run(what: Union[str, List[Dict[str, Any]]], hosts: Dict[str, Any], *arguments: str, **variables: Any) -> Any:
        common = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python", **variables}
        inventory, playbook = tmp_path / "inventory.yml", tmp_path / "play.yml"
        inventory.write_text(yaml.safe_dump({"all": {"hosts": hosts, "vars": common}}, sort_keys=False))
        if not isinstance(what, str):
            playbook.write_text(yaml.safe_dump([{"hosts": "all", "gather_facts": False, "tasks": what}]))
        ended = subprocess.run(
            [ANSIBLE_PLAYBOOK, "-i", inventory, what if isinstance(what, str) else playbook, *arguments],
            env=dict(
                os.environ,
                ANSIBLE_COLLECTIONS_PATH=str(collections_path),
                ANSIBLE_LOCAL_TEMP=str(tmp_path / "tmp"),
                ANSIBLE_NOCOLOR="1",
            ),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return ended.returncode, " ".join((ended.stdout + ended.stderr).split())

    return run
