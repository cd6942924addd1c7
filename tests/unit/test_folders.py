# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder of tests is named as the folder of module_utils that it tests."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
UTILS = TESTS.parents[1] / "plugins" / "module_utils"
# Plugins of the controller, a folder of _certificate, and what is no code of module_utils.
BESIDE = {"action", "report", "readers", "roles", "tools", "windows_certificates"}


@pytest.mark.parametrize("folder", ["", "firewalls", "webservers"])
def test_each_folder_of_tests_is_one_of_the_code(folder):
    tests = {path.parent.name for path in (TESTS / folder).glob("*/*.py")}
    code = {path.parent.name for path in (UTILS / (folder and f"_{folder}")).glob("*/__init__.py")}
    assert tests - BESIDE <= {name.lstrip("_") for name in code}
    assert len(tests) > 3
