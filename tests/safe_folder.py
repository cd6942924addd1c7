# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A folder a private key may be kept in: pytest's own lie in /tmp, where others may write, and are refused."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Iterator

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import open_folder

CACHE = Path(__file__).resolve().parent.parent / ".cache"


@contextlib.contextmanager
def make_safe_folder() -> Iterator[Path]:
    """Yields a new folder below the first of the checkout's cache, the home and /var/lib that is nobody else's."""
    for base in (CACHE, Path.home(), Path("/var/lib")):
        try:
            with open_folder(str(base)) as found:
                usable = found is not None and os.access(base, os.W_OK)
        except (HostError, OSError):
            usable = False
        if usable:
            break
    else:
        miss("no folder here is safe from others: neither the checkout, nor the home, nor /var/lib")
    folder = Path(tempfile.mkdtemp(prefix="certificate-", dir=base))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def miss(reason: str) -> None:
    """Skips the test for a lack of this machine, or fails it where everything has to be there (CI=true)."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
