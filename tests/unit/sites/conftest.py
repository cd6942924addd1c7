# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets the tests of sites import what makes a safe folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from safe_folder import make_safe_folder


@pytest.fixture
def safe_folder():
    with make_safe_folder() as folder:
        yield folder
