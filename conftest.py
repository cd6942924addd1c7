# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""With CI=true a skipped test is a failed one: what cannot be tested there must not look tested."""

from __future__ import annotations

import os
from typing import Any, Generator, Union

import pytest

Reports = Union[pytest.TestReport, pytest.CollectReport]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    """Judges a test that ran, or did not."""
    return refuse_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    """Judges a file that skips itself while it is imported."""
    return refuse_skip((yield))


def refuse_skip(report: Reports) -> Reports:
    """The report, failed if it says skipped and CI=true; an expected failure is not a skip."""
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI=true does not allow: {report.longrepr}"
    return report
