# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes a plain checkout importable as ``ansible_collections.port443.https``, as on a controller and a host."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How fast the machine is says nothing of the code. In CI the same examples each time.
settings.register_profile(
    "port443", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("port443")

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".cache" / "tree"
PARTS = ("galaxy.yml", "meta", "playbooks", "plugins", "roles")


def make_tree() -> Path:
    """Lays out ``.cache/tree/ansible_collections/port443/https`` as links into the checkout; returns its top.

    The folders get an ``__init__.py`` because the ``ansible`` package from PyPI brings ``ansible_collections`` as a
    regular package, which would win over a namespace package.
    """
    collection = TREE / "ansible_collections" / "port443" / "https"
    collection.mkdir(parents=True, exist_ok=True)
    for folder in (collection, collection.parent, collection.parent.parent):
        (folder / "__init__.py").touch()
    for part in PARTS:
        with contextlib.suppress(FileExistsError):  # several pytest workers start at once
            (collection / part).symlink_to(os.path.relpath(ROOT / part, collection))
    return TREE


sys.path.insert(0, str(make_tree()))


@pytest.fixture(scope="session")
def collections_path() -> Path:
    """The folder to name in ANSIBLE_COLLECTIONS_PATH or PYTHONPATH of a process that a test starts."""
    return TREE
