# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands are looked for in the folders of the host's own system, Homebrew's on macOS alone."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.search_path import search_path_of

EVERYWHERE = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"]


@pytest.mark.parametrize(
    ("system", "more"),
    [
        ("Linux", []),
        ("FreeBSD", []),
        ("OpenBSD", []),
        ("Darwin", ["/opt/homebrew/sbin", "/opt/homebrew/bin"]),
    ],
)
def test_each_system_has_its_folders(system, more):
    assert search_path_of(system).split(":") == [*EVERYWHERE, *more]
