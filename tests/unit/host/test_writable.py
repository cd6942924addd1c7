# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a file could be replaced, as the kernel tells of its folder, its marks and what is mounted."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._host import writable

IMMUTABLE, APPEND_ONLY, NO_DUMP = 0x10, 0x20, 0x40


@pytest.fixture
def marks(monkeypatch):
    """What the kernel tells of a file by its inode; of others, that the filesystem has no marks."""
    told = {}

    def ioctl(descriptor, _request, answer):
        number = os.fstat(descriptor).st_ino
        if number not in told:
            raise OSError(errno.ENOTTY, "")
        answer[0] = told[number]

    monkeypatch.setattr(writable.fcntl, "ioctl", ioctl)
    return told


@pytest.mark.parametrize("mark", [IMMUTABLE, APPEND_ONLY])
@pytest.mark.parametrize("which", ["rules.v4", ""])
def test_marks_of_a_file_or_its_folder_are_told(tmp_path, marks, mark, which):
    path = tmp_path / "rules.v4"
    path.touch()
    marks[(tmp_path / which).stat().st_ino] = mark | NO_DUMP
    assert writable.find_obstacle(str(path)) == (
        f"{path} cannot be written: Operation not permitted; {tmp_path / which} is marked as immutable or append-only "
        "(lsattr shows it)"
    )


def test_other_marks_and_a_file_that_is_not_there_are_no_obstacle(tmp_path, marks):
    path = tmp_path / "rules.v4"
    assert writable.find_obstacle(str(path)) == ""
    path.touch()
    marks[path.stat().st_ino] = NO_DUMP
    assert writable.find_obstacle(str(path)) == ""


@pytest.mark.parametrize(("flags", "words"), [(os.ST_RDONLY, "Read-only file system"), (0, "Operation not permitted")])
def test_folder_that_cannot_be_written_is_told_with_the_kernels_word(tmp_path, monkeypatch, flags, words):
    monkeypatch.setattr(writable.os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(writable.os, "statvfs", lambda _path: os.statvfs_result((0,) * 8 + (flags, 0)))
    assert writable.find_obstacle(str(tmp_path / "rules.v4")) == f"{tmp_path} cannot be written: {words}"


def test_mount_with_a_blank_in_its_name_is_seen(tmp_path, monkeypatch):
    mounts = tmp_path / "mountinfo"
    mounts.write_bytes(b"36 35 98:0 / /etc/my\\040rules rw,noatime - ext4 /dev/root rw\n")
    monkeypatch.setattr(writable, "MOUNTS", str(mounts))
    assert writable._mount_points() == frozenset(("/etc/my rules",))
