# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real nginx on loopback for every test, with a configuration, a pid file and ports of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pki
from nginx_site import Web
from safe_folder import make_safe_folder, miss


@pytest.fixture
def web(collections_path):
    if shutil.which("nginx") is None:
        miss("nginx is not installed (Debian: nginx-light)")
    with make_safe_folder() as folder:
        web = Web(folder, collections_path)
        try:
            yield web
        finally:
            web.stop()


@pytest.fixture
def first():
    return pki.site(number=1)


@pytest.fixture
def second():
    return pki.site(number=2)
