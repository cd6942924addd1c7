# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Leaves out what runs PowerShell where none is found; ``tools/windows`` says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from controller_of_windows import WindowsController
from played_action import PlayedHost
from powershell import PowerShell, find_pwsh

# Chosen before a test is collected: a test that is left out is none that was skipped.
collect_ignore = [] if find_pwsh() else ["real"]


@pytest.fixture(scope="session")
def powershell(tmp_path_factory):
    """One PowerShell with the scripts about the firewall, over a played Windows."""
    session = PowerShell(tmp_path_factory.mktemp("powershell"))
    yield session
    session.close()


@pytest.fixture
def windows(tmp_path):
    """A controller over a host whose scripts run in real PowerShell, over a played Windows."""
    return WindowsController(tmp_path)


@pytest.fixture
def host(powershell, tmp_path):
    """Makes a played host of a state, whose tasks run the real script in that PowerShell."""

    def script(arguments, path):
        return powershell.call("Invoke-FirewallStep", arguments, PORT443_PLAYED=str(path))

    return lambda **state: PlayedHost(tmp_path / "host.json", script, **state)
