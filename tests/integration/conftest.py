# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A loopback and a /run of its own for each of several workers, as services on it want the same ports and names."""

from __future__ import annotations

import contextlib
import subprocess

import pytest
from apart import own_network


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """Moves a worker of pytest-xdist into namespaces; one process alone has those of tools/apart."""
    if hasattr(config, "workerinput"):
        kept = contextlib.ExitStack()
        kept.enter_context(own_network())
        config.add_cleanup(kept.close)
        subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
