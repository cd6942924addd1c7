# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One PowerShell with the scripts of win_certificate for all tests of this folder, over one played host."""

from __future__ import annotations

import os
from unittest import mock

import pki
import pytest
from certificate_planner import Planner
from played_certificates import SCRIPTS, PlayedWindows, environment_of, trust
from powershell import PowerShell


@pytest.fixture(scope="session")
def played_session(tmp_path_factory):
    """The PowerShell, and the played host that it is over; that host trusts the tests' root."""
    folder = tmp_path_factory.mktemp("windows")
    windows = PlayedWindows(folder)
    windows.reset()
    trust(windows, pki.root())
    with mock.patch.dict(os.environ, environment_of(windows)):
        session = PowerShell(folder, SCRIPTS)
    yield session, windows
    session.close()


@pytest.fixture
def host(played_session):
    """The controller's planning over the played host, which is empty."""
    session, windows = played_session
    windows.reset()
    return Planner(session, windows)
