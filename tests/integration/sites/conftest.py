# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A machine for each test, and the ways to a private view of its files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from foresee_machine import VAR, Machine
from private_machine import private_machine
from served_sites import SERVERS, served_sites


@pytest.fixture
def machine(tmp_path, collections_path):
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched" / "file").write_text("mine")
    with private_machine(tmp_path, collections_path) as started:
        machine = Machine(started, collections_path)
        machine.shell(VAR)
        yield machine


@pytest.fixture(params=["overlay", "copy"])
def way(request):
    """Both ways to a private view: where the kernel has overlays, and where it refuses them."""
    return {} if request.param == "overlay" else {"refused": "overlay"}


@pytest.fixture(params=SERVERS)
def sites(request, tmp_path, collections_path):
    with served_sites(request.param, tmp_path, collections_path) as served:
        yield served
