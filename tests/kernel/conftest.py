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
from tally import complaint, total_of, words_of
from witness_lab import Witness


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    """Fails the run where random rulesets proved too little; a worker of pytest-xdist knows only its part of them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not hasattr(session.config, "workerinput") and complaint(_total(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Tells what random rulesets proved."""
    total = _total(terminalreporter)
    if total:
        terminalreporter.write_line(words_of(total))
        terminalreporter.write_line(complaint(total), red=True)


def _total(reporter):
    return total_of(report for some in ("passed", "failed") for report in reporter.stats.get(some, ()))


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


@pytest.fixture
def witness(lab, tmp_path):
    """A recorder on the host of the laboratory, and who looks from its router; no rules on either."""
    lab.clear()
    made = Witness(lab, tmp_path)
    yield made
    lab.clear()
    made.on_router("nft", "flush", "ruleset")
