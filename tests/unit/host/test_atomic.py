# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one writer: a name has what it had or what is new, whole, and nobody else reads the new before that is wanted."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from ansible_collections.port443.https.plugins.module_utils._host import atomic


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "name").write_bytes(b"old")
    opened = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield opened
    os.close(opened)


@pytest.fixture
def loose_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def leave(_descriptor):
    """Gives a file nothing that it does not have."""


def listing(path):
    return {one.name: os.readlink(one) if one.is_symlink() else one.read_bytes() for one in path.iterdir()}


def test_a_new_file_takes_the_old_ones_place(tmp_path, folder):
    atomic.replace_file(folder, "name", b"new", leave)
    assert listing(tmp_path) == {"name": b"new"}


def test_a_file_is_the_owners_alone_until_it_is_finished(tmp_path, folder, loose_umask):
    seen = []

    def finish(descriptor):
        (temporary,) = (path for path in tmp_path.iterdir() if path.name != "name")
        seen.append((stat.S_IMODE(temporary.stat().st_mode), temporary.read_bytes(), (tmp_path / "name").read_bytes()))
        os.fchmod(descriptor, 0o640)

    atomic.replace_file(folder, "name", b"new", finish)
    assert seen == [(0o600, b"new", b"old")]
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o640


def test_a_public_file_is_made_with_its_mode_less_the_umask(tmp_path, folder):
    before = os.umask(0o027)
    atomic.replace_file(folder, "name", b"new", leave, 0o644)
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o640


@pytest.mark.parametrize("call", ["open", "fdopen", "fchmod", "rename"])
def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, folder, monkeypatch, call):
    def fail(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="No space left"):
        atomic.replace_file(folder, "name", b"new", lambda new: os.fchmod(new, 0o640))
    monkeypatch.undo()
    assert listing(tmp_path) == {"name": b"old"}


def test_a_link_takes_the_place_of_a_file_and_a_file_that_of_a_link(tmp_path, folder):
    atomic.replace_link(folder, "name", "elsewhere")
    assert listing(tmp_path) == {"name": "elsewhere"}
    atomic.replace_file(folder, "name", b"new", leave)
    assert listing(tmp_path) == {"name": b"new"}
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "replace",
    [
        lambda folder: atomic.replace_file(folder, "name", b"new", leave),
        lambda folder: atomic.replace_link(folder, "name", "new"),
    ],
)
def test_what_a_killed_run_had_begun_is_removed_and_nothing_else(tmp_path, folder, replace):
    others = [".name.port443-before", ".name.port443-0badcafe.save", ".other.port443-0badcafe"]
    for name in (".name.port443-0badcafe", *others):
        (tmp_path / name).write_bytes(b"left")
    replace(folder)
    assert sorted(listing(tmp_path)) == sorted(["name", *others])


def test_what_is_there_is_never_written_into(tmp_path, folder):
    with pytest.raises(FileExistsError):
        atomic.make_file(folder, "name", b"new", leave)
    assert listing(tmp_path) == {"name": b"old"}


def test_an_entry_that_is_gone_already_is_removed(tmp_path, folder):
    atomic.remove_entry(folder, "name")
    atomic.remove_entry(folder, "name")
    assert listing(tmp_path) == {}
