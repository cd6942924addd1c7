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
from typing import Dict, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host import mounts
from ansible_collections.port443.https.plugins.module_utils._host.mounts import Mount, is_below
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import NotAllowedError

LOGS = "/var/log"
WHOLE = 100  # levels
# Where any program may write, and how many levels of folders: of those below there may be too many to copy them.
STATE = {"/run": WHOLE, "/tmp": 0, LOGS: 1, "/var/tmp": 0}  # noqa: S108
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
    view = _View(there, {**STATE, **dict.fromkeys(folders, WHOLE)})
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


def select_copied(mount: Mount, there: Sequence[Mount], folders: Mapping[str, int]) -> Dict[str, int]:
    """Returns which folders of a mount have to be copied so that ``folders`` can be written, and to which level.

    Outer folders come first. ``there`` are all mounts, a folder before those below it.
    """
    around = [levels for folder, levels in folders.items() if is_below(mount.path, folder)]
    found = {mount.path: max(around)} if around else {}
    for folder, levels in sorted(folders.items()):
        innermost = [one.path for one in there if is_below(folder, one.path)][-1:]
        if innermost == [mount.path] and folder != mount.path:
            found[folder] = levels
    return found


class _View:
    """The new root while it is built; ``covered`` has the places where writing is private, with what was there."""

    def __init__(self, there: Tuple[Mount, ...], folders: Mapping[str, int]) -> None:
        self._there = there
        self._folders: Dict[str, int] = {}
        for folder, levels in folders.items():
            existing = _existing(folder)
            self._folders[existing] = max(levels, self._folders.get(existing, 0))
        tops = sorted(entry.name for entry in os.scandir("/") if entry.is_dir(follow_symlinks=False))
        plain = [f"/{name}" for name in tops if _PLAIN_NAME.fullmatch(name)]
        self._staging = find_staging(there, plain)
        self._copied = 0
        self.root = f"{self._staging}/root"
        # In a user namespace the staging folder shows in the view as well, see mounts.show.
        self.covered: Dict[str, int] = {self._staging: os.stat(self._staging).st_dev}

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
        for folder, levels in select_copied(mount, self._there, self._folders).items():
            mounts.mount_memory(self._place(folder), MEMORY, folder)
            self.covered[folder] = os.stat(folder).st_dev
            self._copy(folder, levels)

    def _copy(self, folder: str, levels: int) -> None:
        """Copies what is in a folder; in the place of what is mounted in there is an empty folder or file."""
        points = {mount.path for mount in self._there}
        with os.scandir(folder) as entries:
            for entry in entries:
                self._copied += 1
                if self._copied > MOST_COPIED:
                    raise NotAllowedError(f"more than {MOST_COPIED} files would have to be copied")
                with contextlib.suppress(FileNotFoundError):  # somebody removed it meanwhile, as happens in /tmp
                    self._copy_with_contents(entry, levels, entry.path in points)

    def _copy_with_contents(self, entry: os.DirEntry[str], levels: int, is_mount: bool) -> None:
        target = self._place(entry.path)
        _copy_entry(entry, target, is_mount)
        if entry.is_dir(follow_symlinks=False) and not is_mount:
            if levels:
                with contextlib.suppress(PermissionError):  # in a user namespace, where nobody else sees more
                    self._copy(entry.path, levels - 1)
            else:
                mounts.show(entry.path, target, read_only=True)

    def _place(self, path: str) -> str:
        return self.root + path if path != "/" else self.root


def _existing(folder: str) -> str:
    """The folder itself, or the nearest above it that is there, with no symbolic link in its path."""
    folder = os.path.realpath(folder)
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


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
            with contextlib.suppress(PermissionError):
                shutil.copyfile(entry.path, target)
        elif not is_mount and not is_below(entry.path, LOGS):
            mounts.show(entry.path, target, read_only=True)
            return
    else:
        return
    mounts.own_alike(target, status)
    if not stat.S_ISLNK(status.st_mode):
        os.chmod(target, status.st_mode & 0o7777)


def _refuse_leaks(view: _View) -> None:
    """Believes the kernel alone: nothing that can be written in here may be what the host has there."""
    for mount in read_own_mounts():
        if mount.path in view.covered:
            if os.stat(mount.path).st_dev == view.covered[mount.path]:
                raise NotAllowedError(f"{mount.path} is still the host's")
        elif mount.writable and not _is_of_kernel(mount):
            raise NotAllowedError(f"{mount.path} is still writable")


def _is_of_kernel(mount: Mount) -> bool:
    """Tells whether a mount is the kernel's own, or lies in such a one, and so has no files of the host."""
    return mount.filesystem in _DEVICES | _KERNEL or is_below(mount.path, "/proc") or is_below(mount.path, "/sys")


def _empty_logs() -> None:
    """Empties long logs: a test opens them to append, and each would be copied into memory as a whole."""
    for folder, _folders, names in os.walk(LOGS):
        for path in (os.path.join(folder, name) for name in names):
            with contextlib.suppress(OSError):
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and status.st_size > SMALL:
                    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW))
