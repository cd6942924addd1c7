# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real web server on loopback for every test: ``web`` is nginx, ``server`` each of those that are known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pki
from certificate_servers import SERVERS, run_server


@pytest.fixture
def web(collections_path):
    with run_server("nginx", collections_path) as server:
        yield server


@pytest.fixture(params=list(SERVERS))
def server(request, collections_path):
    with run_server(request.param, collections_path) as server:
        yield server


@pytest.fixture
def first():
    return pki.site(number=1)


@pytest.fixture
def second():
    return pki.site(number=2)
