# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tests of several folders use: a folder that a private key may be kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator

import pytest
from safe_folder import make_safe_folder


@pytest.fixture
def safe_folder() -> Iterator[Path]:
    with make_safe_folder() as folder:
        yield folder
