# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A disk that is full or read-only: the module says so, and what was there is still there, whole."""

from __future__ import annotations

import contextlib
import os
import subprocess

import pytest
from safe_folder import miss


@contextlib.contextmanager
def mount(folder, options):
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        miss(f"a tmpfs cannot be mounted here: {ended.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def small_disk(web):
    with mount(web.folder / "disk", "size=64k,mode=755") as folder:
        web.store = folder / "store"
        yield folder


def fill(folder):
    with contextlib.suppress(OSError), open(folder / "ballast", "wb", buffering=0) as ballast:
        while True:
            ballast.write(b"x" * 4096)


def test_a_full_disk_keeps_the_first_pair_out_and_nothing_behind(web, small_disk, first):
    fill(small_disk)
    result = web.install(first)
    assert result["msg"].endswith(": No space left on device")
    assert not web.store.exists()
    (small_disk / "ballast").unlink()
    assert web.install(first)["changed"] is True


def test_a_full_disk_leaves_the_old_pair_served(web, small_disk, first, second):
    web.add_site()
    web.install(first)
    web.start()
    before = web.contents()
    fill(small_disk)
    result = web.install(second)
    assert result["msg"].endswith(": No space left on device")
    assert (web.contents(), web.served()) == (before, first.sha256())
    (small_disk / "ballast").unlink()
    assert web.install(second)["served"] == "yes"


def test_a_read_only_disk_is_told_and_an_unchanged_pair_needs_no_writing(web, small_disk, first, second):
    web.install(first)
    before = web.contents()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert web.install(first)["changed"] is False
    result = web.install(second)
    assert result["msg"].endswith(": Read-only file system")
    assert web.contents() == before
    removal = web.remove()
    assert removal["msg"].endswith(": Read-only file system")
    assert (web.contents(), os.path.islink(web.store / "www.example.com" / "current")) == (before, True)
