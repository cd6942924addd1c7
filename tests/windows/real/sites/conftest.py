# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One PowerShell with the scripts about certificates and those about the firewall, over one played host."""

from __future__ import annotations

import os
from unittest import mock

import pytest
from played_certificates import SCRIPTS, PlayedWindows, environment_of
from powershell import PowerShell
from sites_host import SCRIPTS_OF_PORTS, SitesHost


@pytest.fixture(scope="session")
def sites_session(tmp_path_factory):
    """The PowerShell, and the played host that it is over."""
    folder = tmp_path_factory.mktemp("windows")
    windows = PlayedWindows(folder)
    windows.reset()
    with mock.patch.dict(os.environ, environment_of(windows)):
        session = PowerShell(folder, (*SCRIPTS, *SCRIPTS_OF_PORTS))
    yield session, windows
    session.close()


@pytest.fixture
def host(sites_session):
    """A host without certificates, bindings and rules, in a domain's network."""
    session, windows = sites_session
    windows.reset(local={}, active=1, policy={})
    return SitesHost(session, windows)
