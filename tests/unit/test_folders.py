# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder of tests is named as the folder of module_utils that it tests, and runs where the code may run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
UTILS = TESTS.parents[1] / "plugins" / "module_utils"
BESIDE = {"action", "report", "readers", "roles", "tools"}  # of the controller, and what is no code of module_utils


@pytest.mark.parametrize("folder", ["", "certificate", "firewalls", "webservers"])
def test_each_folder_of_tests_is_one_of_the_code(folder):
    tests = {path.parent.name for path in (TESTS / folder).glob("*/*.py")}
    code = {path.parent.name for path in (UTILS / (folder and f"_{folder}")).glob("*/__init__.py")}
    assert tests - BESIDE <= {name.lstrip("_") for name in code}
    assert tests


def test_what_needs_ansible_is_tested_on_the_oldest_of_it_too():
    listed = re.search(
        r"^controller=\((.*)\)$", (TESTS.parents[1] / "tools" / "unit").read_text(encoding="utf-8"), re.M
    )
    named = set(listed[1].split())
    needs = re.compile(
        r"^ *(?:from|import) (?:ansible\.|ansible_collections.*\.plugins\.(?:action|filter|lookup|plugin_utils)\b)",
        re.M,
    )
    found = {str(path.relative_to(TESTS)) for path in TESTS.rglob("test_*.py") if needs.search(path.read_text("utf-8"))}
    folders = {name for name in named if not name.endswith(".py")}
    assert {name for name in found if not name.startswith(tuple(f"{one}/" for one in folders))} == named - folders
