# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In an execution environment: ansible-builder takes what docs/fleets.md shows, ansible-runner a playbook."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ansible_runner
import yaml

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[3]
# No module runs there, so the role fails on a host that has a site, and leaves one alone that has none.
COMMON = {"ansible_connection": "local", "ansible_python_interpreter": "/nonexistent/python"}
SITE = {"enable_https_sites": [{"name": "shop.example.com", "self_signed": True}]}


def build(folder: Path, *argv: str) -> str:
    ended = subprocess.run(
        (BIN / "ansible-builder", *argv), cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_definition_in_the_documentation_is_taken(tmp_path: Path) -> None:
    found = re.search(r"```yaml\n(version: 3\n.*?)```", (ROOT / "docs" / "fleets.md").read_text("utf-8"), re.DOTALL)
    assert found
    (tmp_path / "execution-environment.yml").write_text(found.group(1))
    build(tmp_path, "create")
    wanted = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text("utf-8"))
    assert wanted == {"collections": [{"name": "port443.https"}]}


def test_the_collection_itself_wants_nothing_more(tmp_path: Path, collections_path: Path) -> None:
    said = build(tmp_path, "introspect", str(collections_path))
    assert yaml.safe_load(said) == {"python": [], "system": []}


def test_ansible_runner_takes_the_playbook_and_tells_how_each_host_ended(
    tmp_path: Path, collections_path: Path
) -> None:
    ran = ansible_runner.run(
        private_data_dir=str(tmp_path),
        playbook="port443.https.roll_https",
        inventory={"all": {"hosts": {"a": {}, "b": {}, "c": SITE, "d": {}}, "vars": COMMON}},
        extravars={"roll_https_batches": [1, 2, "100%"]},
        envvars={"ANSIBLE_COLLECTIONS_PATH": str(collections_path), "PATH": f"{BIN}:{os.environ['PATH']}"},
        quiet=True,
    )
    said = ran.stdout.read()
    assert (ran.status, ran.rc, set(ran.stats["failures"])) == ("failed", 2, {"c", "d"}), said
    assert "untouched: a host before it failed" in said
