# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The laboratory of tests that need a real kernel: without the rights it fails in CI, and is skipped elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from lab import Lab
from rooted import RootedHost, private_network


@pytest.fixture(scope="module")
def lab():
    """A host and a router with peers behind it; the test process is on the host."""
    made = Lab()
    try:
        with made.running():
            yield made
    except PermissionError as refused:
        reason = f"network namespaces are refused here ({refused.strerror}): run as root or as tools/kernel does"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def host(tmp_path):
    """The real tools in a network namespace of this process, files below a folder of the test's own."""
    with private_network():
        yield RootedHost(tmp_path)
