# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A lighttpd for each test, and an application behind it."""

from __future__ import annotations

import pytest
from lighttpd_sites import site_server
from visiting import application


@pytest.fixture
def server():
    with site_server() as made:
        yield made


@pytest.fixture
def backend():
    with application() as port:
        yield f"http://127.0.0.1:{port}"
