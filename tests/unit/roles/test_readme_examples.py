# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The examples in the documentation of the roles say what they take."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROLES = Path(__file__).resolve().parents[3] / "roles"


@pytest.mark.parametrize("role", ["install_certificate", "issue_certificate", "open_ports", "serve_https"])
def test_a_collection_that_an_example_takes_is_installed_before(role: str) -> None:
    readme = (ROLES / role / "README.md").read_text(encoding="utf-8")
    taken = re.finditer(r"^ +(?:- )?([a-z_0-9]+\.[a-z_0-9]+)\.[a-z_0-9]+:$", readme, re.MULTILINE)
    missing = [
        use.group(1)
        for use in taken
        if use.group(1) not in ("ansible.builtin", "port443.https")
        and not re.search(rf"ansible-galaxy collection install .*{re.escape(use.group(1))}\b", readme[: use.start()])
    ]
    assert missing == []
