# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives a process the host's files as they are, all of them writable, with what it writes kept in memory alone.

Each filesystem is shown through an overlay of its own, at its place below a new root. So whatever a configuration names
is there, nothing has to be known of where a server writes, and what is mounted inside a folder (/etc/resolv.conf of a
container, a /var on its own disk) keeps its content. Where the kernel refuses an overlay (no such filesystem, too many
on top of each other, a user namespace), the real one is shown read-only, with copies in memory of the folders that
matter.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
from typing import Dict, Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host import mounts
from ansible_collections.port443.https.plugins.module_utils._host.mounts import Mount, is_below
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import NotAllowedError

LOGS = "/var/log"
STATE = ("/run", "/tmp", "/var/cache", LOGS, "/var/tmp")  # noqa: S108  where any program may write
MEMORY = 64 << 20  # bytes that all files may take that are written or copied
SMALL = 1 << 20  # bytes of a file that is copied whole
MOST_COPIED = 20_000  # files and folders

_KERNEL = frozenset(("proc", "sysfs"))  # shown with all below them
_DEVICES = frozenset(("devtmpfs", "devpts", "mqueue", "hugetlbfs", "cgroup", "cgroup2"))  # no files of anybody's
# Not looked at: an automatic mount would be made for the whole host, and a namespace's file has no content.
_LEFT_OUT = frozenset(("autofs", "nsfs"))
_PLAIN_NAME = re.compile(r"\w+")


def enter_private_view(folders: Sequence[str]) -> None:
    """Lets this process, which is alone in its mount namespace, see the files of the host and change none.

    ``folders`` are those that have to be writable. Raises NotAllowedError or OSError where the host does not let that.
    """
    mounts.keep_mounts_private()
    there = read_own_mounts()
    view = _View(there, (*STATE, *folders))
    view.build()
    mounts.change_root(view.root)
    _refuse_leaks(view)
    _empty_logs()


def read_own_mounts() -> Tuple[Mount, ...]:
    """Returns the mounts that this process sees; raises OSError where there is no /proc."""
    with open(mounts.MOUNTS, "rb") as stream:
        return mounts.read_mounts(stream.read())


def find_staging(there: Sequence[Mount], folders: Sequence[str]) -> str:
    """Returns the first of some folders that is no mount and has none below it: there the view can be built.

    Raises NotAllowedError if there is none.
    """
    for folder in folders:
        if not any(is_below(mount.path, folder) for mount in there):
            return folder
    raise NotAllowedError(f"something is mounted in each of {', '.join(folders)}")


def select_copied(mount: Mount, there: Sequence[Mount], folders: Sequence[str]) -> Tuple[str, ...]:
    """Returns which folders of a mount have to be copied, so that ``folders`` can be written: none inside another."""
    if any(is_below(mount.path, folder) for folder in folders):
        return (mount.path,)
    inside = {
        folder
        for folder in folders
        if [one.path for one in there if is_below(folder, one.path)][-1:] == [mount.path]  # the innermost is the last
    }
    return tuple(sorted(one for one in inside if not any(is_below(one, other) for other in inside - {one})))


class _View:
    """The new root while it is built; ``covered`` has the places where writing is private, with what was there."""

    def __init__(self, there: Tuple[Mount, ...], folders: Sequence[str]) -> None:
        self._there = there
        self._folders = tuple(_existing(folder) for folder in folders)
        tops = sorted(entry.name for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False))
        plain = [f"/{name}" for name in tops if _PLAIN_NAME.fullmatch(name)]
        self._staging = find_staging(there, plain)
        self._copied = 0
        self.root = f"{self._staging}/root"
        self.covered: Dict[str, int] = {}

    def build(self) -> None:
        mounts.mount_memory(self._staging, MEMORY, "/")
        os.mkdir(self.root)
        passed: List[str] = []
        for number, mount in enumerate(self._there):
            if any(is_below(mount.path, one) for one in passed):
                continue
            if mount.filesystem in _KERNEL | _LEFT_OUT:
                passed.append(mount.path)
            if mount.filesystem not in _LEFT_OUT:
                self._add(mount, f"{self._staging}/{number}")

    def _add(self, mount: Mount, changes: str) -> None:
        target = self._place(mount.path)
        try:
            status = os.stat(mount.path)
        except OSError:  # hidden below another mount, or a dead one: nobody else can open it either
            return
        if mount.filesystem in _KERNEL:
            mounts.show_all(mount.path, target)
        elif mount.filesystem in _DEVICES:
            mounts.show(mount.path, target, read_only=False)
        elif not stat.S_ISDIR(status.st_mode) or not mount.writable:
            mounts.show(mount.path, target, read_only=True)
        else:
            self._cover(mount, target, changes)

    def _cover(self, mount: Mount, target: str, changes: str) -> None:
        try:
            mounts.mount_overlay(mount.path, changes, target)
            self.covered[mount.path] = os.stat(mount.path).st_dev
            return
        except OSError:
            mounts.show(mount.path, target, read_only=True)
        for folder in select_copied(mount, self._there, self._folders):
            mounts.mount_memory(self._place(folder), MEMORY, folder)
            self.covered[folder] = os.stat(folder).st_dev
            self._copy(folder)

    def _copy(self, folder: str) -> None:
        """Copies what is in a folder; in the place of what is mounted in there is an empty folder or file."""
        points = {mount.path for mount in self._there}
        for entry in _walk(folder, points):
            self._copied += 1
            if self._copied > MOST_COPIED:
                raise NotAllowedError(f"more than {MOST_COPIED} files would have to be copied")
            _copy_entry(entry, self._place(entry.path), entry.path in points)

    def _place(self, path: str) -> str:
        return self.root + path if path != "/" else self.root


def _existing(folder: str) -> str:
    """The folder itself, or the nearest above it that is there, with no symbolic link in its path."""
    folder = os.path.realpath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def _walk(folder: str, points: set[str]) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if entry.is_dir(follow_symlinks=False) and entry.path not in points:
                yield from _walk(entry.path, points)


def _copy_entry(entry: os.DirEntry[str], target: str, is_mount: bool) -> None:
    """Sockets, pipes and devices are left out: nobody would be at their other end."""
    status = entry.stat(follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        os.symlink(os.readlink(entry.path), target)
    elif stat.S_ISDIR(status.st_mode):
        os.mkdir(target)
    elif stat.S_ISREG(status.st_mode):
        with open(target, "wb"):
            pass
        if not is_mount and status.st_size <= SMALL:
            shutil.copyfile(entry.path, target)
        elif not is_mount and not is_below(entry.path, LOGS):
            mounts.show(entry.path, target, read_only=True)
            return
    else:
        return
    os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, status.st_mode & 0o7777)


def _refuse_leaks(view: _View) -> None:
    """Believes the kernel alone: nothing that can be written in here may be what the host has there."""
    for mount in read_own_mounts():
        if mount.path in view.covered:
            if os.stat(mount.path).st_dev == view.covered[mount.path]:
                raise NotAllowedError(f"{mount.path} is still the host's")
        elif mount.writable and not is_below_kernel(mount):
            raise NotAllowedError(f"{mount.path} is still writable")


def is_below_kernel(mount: Mount) -> bool:
    """Tells whether a mount is the kernel's own, or lies in such a one, and so has no files of the host."""
    return mount.filesystem in _DEVICES | _KERNEL or is_below(mount.path, "/proc") or is_below(mount.path, "/sys")


def _empty_logs() -> None:
    """Empties long logs: a test opens them to append, and each would be copied into memory as a whole."""
    for entry in _walk(LOGS, set()) if os.path.isdir(LOGS) else ():
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size > SMALL:
            with contextlib.suppress(OSError):
                os.close(os.open(entry.path, os.O_WRONLY | os.O_TRUNC))
