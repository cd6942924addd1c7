# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CONTRIBUTING's tour says of each folder what the folder says of itself, top to bottom, and names files that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
UTILS = ROOT / "plugins/module_utils"
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def sentence(folder):
    return ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")))


def test_each_folder_has_its_line_with_its_own_sentence():
    told = dict(re.findall(r"^\| `(_\w+)` \| (.+) \|$", TEXT, re.MULTILINE))
    assert told == {path.name: sentence(path) for path in sorted(UTILS.iterdir()) if (path / "__init__.py").exists()}


def test_files_that_the_tour_names_are_there():
    tour = TEXT[TEXT.index("## A tour of the code") : TEXT.index("## The checks")]
    names = set(re.findall(r"`(_[a-z]+/[a-z_/0-9]+\.py)`", tour))
    assert len(names) > 15
    assert {name for name in names if not (UTILS / name).is_file()} == set()
