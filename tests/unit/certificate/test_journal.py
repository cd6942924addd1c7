# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run writes down before it changes anything is what the next one takes back."""

from __future__ import annotations

import os
import stat

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import journal as _journal
from ansible_collections.port443.https.plugins.module_utils._certificate.journal import FileChange, Journal, PairChange
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access
from ansible_collections.port443.https.plugins.module_utils._host.files import FoundFile, look_at

OLD = FoundFile(b"old\xff", "", Access(0, 0, 0o600))
JOURNAL = Journal(
    (
        FileChange("/etc/a", OLD, FoundFile(b"new")),
        FileChange("/etc/b", FoundFile(), FoundFile(link="a")),
        FileChange("/etc/c", FoundFile(link="a"), FoundFile()),
    ),
    (PairChange("www", "ab", ("ab", "cd"), True), PairChange("new", None, (), False)),
    ("/srv/a", "/srv/a/b"),
)


@pytest.fixture
def folder(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def relabelled(_path):
    return None


def test_a_journal_is_read_as_it_was_written(folder, tmp_path):
    assert _journal.read(folder) is None
    _journal.write(folder, JOURNAL)
    assert _journal.read(folder) == JOURNAL
    assert stat.S_IMODE(os.stat(tmp_path / _journal.NAME).st_mode) == 0o600
    _journal.remove(folder)
    assert (_journal.read(folder), os.listdir(tmp_path)) == (None, [])


def test_one_that_was_damaged_is_told(folder, tmp_path):
    (tmp_path / _journal.NAME).write_text('{"files": [')
    with pytest.raises(HostError, match="was not written here, or is damaged"):
        _journal.read(folder)


@pytest.mark.parametrize("before", [FoundFile(), FoundFile(b"old"), FoundFile(link="elsewhere")])
@pytest.mark.parametrize("after", [FoundFile(), FoundFile(b"new"), FoundFile(link="other")])
def test_every_change_is_taken_back(safe_folder, before, after):
    path = str(safe_folder / "site.conf")
    _journal.carry_out(FileChange(path, FoundFile(), before), relabelled)
    change = FileChange(path, look_at(path), after)
    _journal.carry_out(change, relabelled)
    assert look_at(path).is_like(after)
    assert _journal.take_back(change, relabelled) == ""
    assert look_at(path).is_like(before)
    assert _journal.take_back(change, relabelled) == ""
    assert [name for name in os.listdir(safe_folder) if name != "site.conf"] == []


def test_a_folder_that_was_made_goes_unless_somebody_filled_it(safe_folder):
    made, filled = str(safe_folder / "made"), str(safe_folder / "filled")
    for path in (made, filled):
        umask = os.umask(0o077)
        try:
            _journal.make_folder(path, relabelled)
        finally:
            os.umask(umask)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o755
    (safe_folder / "filled" / "page").write_text("mine")
    assert [_journal.take_back_folder(path) for path in (made, made)] == ["", ""]
    assert "stays, as it could not be removed" in _journal.take_back_folder(filled)
    assert os.listdir(safe_folder) == ["filled"]
    with pytest.raises(HostError, match="filled could not be made"):
        _journal.make_folder(filled, relabelled)


def test_a_journal_of_a_release_before_folders_is_read(folder, tmp_path):
    (tmp_path / _journal.NAME).write_text('{"files": [], "pairs": []}')
    assert _journal.read(folder) == Journal((), ())


def test_a_mode_comes_back(safe_folder):
    path = safe_folder / "site.conf"
    path.write_bytes(b"old")
    path.chmod(0o640)
    for after in (FoundFile(b"new"), FoundFile()):
        change = FileChange(str(path), look_at(str(path)), after)
        _journal.carry_out(change, relabelled)
        assert _journal.take_back(change, relabelled) == ""
        assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"old", 0o640)


def test_a_new_file_can_be_read_by_all(safe_folder):
    path = safe_folder / "site.conf"
    _journal.carry_out(FileChange(str(path), FoundFile(), FoundFile(b"new")), relabelled)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_what_somebody_else_changed_is_neither_overwritten_nor_taken_back(safe_folder):
    path = safe_folder / "site.conf"
    change = FileChange(str(path), FoundFile(), FoundFile(b"ours"))
    path.write_bytes(b"theirs")
    with pytest.raises(HostError, match="was changed by somebody else during this run"):
        _journal.carry_out(change, relabelled)
    assert "stays as it is" in _journal.take_back(change, relabelled)
    assert path.read_bytes() == b"theirs"
