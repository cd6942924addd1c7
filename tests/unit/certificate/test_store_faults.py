# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A run may die, a disk may fill up, others may try to get in between: one whole pair is there at any moment."""

from __future__ import annotations

import errno
import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import directory as _directory
from site_store import FIRST, MINE, SECOND, install, listing, observe

# Every call that changes the disk, and the one that makes sure of it.
CALLS = ("mkdir", "open", "fchown", "fchmod", "fsync", "rename", "symlink", "utime", "unlink", "rmdir")


class Stop(BaseException):
    """What a call raises in the place of the death of the process."""


def stop_at(monkeypatch, number, failure):
    """Lets the call of that number fail, and says afterwards whether it was reached."""
    left = [number]

    def count(real):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                failure()
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, count(getattr(os, name)))
    return left


def die():
    os._exit(9)


def run_out_of_space():
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_run_that_dies_anywhere_leaves_one_whole_pair_and_the_next_makes_good(safe_folder, monkeypatch):
    number, died = 0, True
    while died:
        number += 1
        store = safe_folder / f"store{number}"
        install(store, FIRST, keep=1)
        child = os.fork()
        if child == 0:
            with monkeypatch.context() as patch:
                stop_at(patch, number, die)
                install(store, SECOND, keep=1)
            os._exit(0)
        died = os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 9
        have = observe(store)
        assert have.holds(FIRST) or have.holds(SECOND), number
        assert have.files["privkey.pem"].access == MINE
        install(store, SECOND, keep=1)
        assert listing(store) == sorted([SECOND.name, "current"]), number
    assert number > 30  # so many calls an exchange takes, and each was one to die at


def test_a_call_that_fails_anywhere_leaves_the_old_pair_or_the_new(safe_folder, monkeypatch):
    number, left = 0, [0]
    while left[0] <= 0:
        number += 1
        store = safe_folder / f"store{number}"
        install(store, FIRST, keep=1)
        with monkeypatch.context() as patch:
            left = stop_at(patch, number, run_out_of_space)
            told = False
            try:
                install(store, SECOND, keep=1)
            except (OSError, HostError):
                told = True
        have = observe(store)
        assert have.holds(SECOND) or (told and have.holds(FIRST)), number
        install(store, SECOND, keep=1)
        assert listing(store) == sorted([SECOND.name, "current"]), number
    assert number > 30


@pytest.mark.parametrize("times", [1, 1000])
def test_an_exchange_that_fails_leaves_nothing_behind(safe_folder, monkeypatch, times):
    store = safe_folder / "store"
    install(store, FIRST)
    before = listing(store)
    real, failures = os.symlink, iter([run_out_of_space] * times)
    with monkeypatch.context() as patch:
        patch.setattr(os, "symlink", lambda *args, **more: next(failures, lambda: real(*args, **more))())
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            install(store, SECOND)
    assert listing(store) == before
    assert observe(store).holds(FIRST)


def test_a_key_is_never_readable_by_others_not_even_while_it_is_written(safe_folder, monkeypatch):
    seen = set()
    real = os.fchown

    def watch(descriptor, uid, gid):
        status = os.fstat(descriptor)
        seen.add((status.st_mode & 0o7777, status.st_size > 0))
        return real(descriptor, uid, gid)

    monkeypatch.setattr(os, "fchown", watch)
    install(safe_folder / "store", FIRST)
    assert seen == {(0o600, True)}


@pytest.mark.parametrize(
    ("prepare", "told"),
    [
        (lambda parent: parent.chmod(0o777), "{parent} can be written by others"),
        (lambda parent: parent.chmod(0o1777), "{parent} can be written by others"),
        (lambda parent: (os.chown(parent, -1, 33), parent.chmod(0o775)), "{parent} can be written by others"),
        (lambda parent: os.chown(parent, 65534, -1), "{parent} belongs to user 65534"),
    ],
    ids=["world-writable", "sticky", "of a group", "of a user"],
)
def test_a_directory_that_others_can_exchange_is_refused(safe_folder, prepare, told):
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    parent = safe_folder / "parent"
    parent.mkdir()
    prepare(parent)
    with pytest.raises(HostError) as refused:
        install(parent / "store", FIRST)
    assert refused.value.message.startswith(told.format(parent=parent))
    assert list(parent.iterdir()) == []


@pytest.mark.parametrize("target", ["real", "{folder}/real", "deep/../real", "../{folder.name}/other"])
def test_a_link_of_roots_on_the_way_is_followed(safe_folder, target):
    """macOS has /etc as one to private/etc."""
    if os.geteuid() != 0:
        pytest.skip("only root makes links of root's")
    for folder in ("real", "deep"):
        (safe_folder / folder).mkdir()
    (safe_folder / "other").symlink_to("real")
    (safe_folder / "link").symlink_to(target.format(folder=safe_folder))
    install(safe_folder / "link" / "store", FIRST)
    assert listing(safe_folder / "real" / "store") == listing(safe_folder / "link" / "store") != []


@pytest.mark.parametrize("case", ["of a user", "in a user's folder", "the last part", "to itself", "to a file"])
def test_another_link_on_the_way_is_refused(safe_folder, case):
    if os.geteuid() != 0:
        pytest.skip("only root can give a link away")
    (safe_folder / "real").mkdir()
    (safe_folder / "file").touch()
    link = safe_folder / "link"
    link.symlink_to({"to itself": "link", "to a file": "file"}.get(case, "real"))
    if case == "of a user":
        os.chown(link, 65534, 65534, follow_symlinks=False)
    if case == "in a user's folder":
        os.chown(safe_folder, 65534, 65534)
    with pytest.raises(HostError) as refused:
        install(link if case == "the last part" else link / "store", FIRST)
    where, told = (link, "is a link or a file, not a directory: give the directory itself")
    if case == "to a file":
        where = safe_folder / "file"
    if case == "in a user's folder":
        where, told = (safe_folder, "belongs to user 65534, who could exchange what is in it: choose another")
    assert refused.value.message == f"{where} {told}"
    assert list((safe_folder / "real").iterdir()) == []


def test_a_directory_above_that_is_missing_is_not_made(safe_folder):
    with pytest.raises(HostError) as refused:
        install(safe_folder / "missing" / "store", FIRST)
    assert refused.value.message == (
        f"{safe_folder}/missing does not exist: make it first, only {safe_folder}/missing/store itself is made"
    )


def test_a_second_run_waits_and_gives_up_in_time(safe_folder):
    (safe_folder / "store").mkdir()
    with _directory.hold_lock(str(safe_folder / "store"), False, 1):
        with pytest.raises(HostError) as refused, _directory.hold_lock(str(safe_folder / "store"), False, 0.2):
            pass
        assert refused.value.message == (
            f"another run has been working in {safe_folder}/store for 0 seconds: try again later"
        )


def test_a_run_that_waited_for_a_removed_directory_does_not_work_in_it(safe_folder):
    (safe_folder / "store").mkdir()
    with _directory.hold_lock(str(safe_folder / "store"), False, 1):
        os.rmdir(safe_folder / "store")
        with _directory.hold_lock(str(safe_folder / "store"), False, 1) as folder:
            assert folder is None
        with _directory.hold_lock(str(safe_folder / "store"), True, 1) as folder:
            assert os.fstat(folder).st_ino == os.stat(safe_folder / "store").st_ino
