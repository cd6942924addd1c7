# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Walks and reads directories through descriptors, so that nobody but root can redirect them.

No link is followed but those that root alone could have made, on the way to the directory: macOS has /etc as one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from dataclasses import dataclass
from typing import Iterator, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.locks import is_still

PUBLIC_FOLDER = 0o755
FILE_LIMIT = 1 << 20  # bytes
LINK_LIMIT = 8  # on one way; a loop has more
_IS_LINK = (errno.ELOOP, errno.EMLINK)  # of O_NOFOLLOW; FreeBSD says the second (open(2) of each system)
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Access:
    """A file's owner and group as numbers, and its permission bits."""

    uid: int
    gid: int
    mode: int

    def give_to(self, descriptor: int) -> None:
        """Gives an open file this owner, group and mode; raises OSError."""
        os.fchown(descriptor, self.uid, self.gid)
        os.fchmod(descriptor, self.mode)


@dataclass(frozen=True)
class File:
    """The content and access of a regular file."""

    content: bytes
    access: Access

    def __repr__(self) -> str:
        # The content may be a private key.
        return f"File({len(self.content)} bytes, {self.access})"


@contextlib.contextmanager
def open_folder(path: str, make: bool = False) -> Iterator[Optional[int]]:
    """Yields a descriptor of a directory given by its absolute path, None where there is none.

    With ``make`` the last part is made, mode 0755. Raises HostError if a part of the path belongs to or can be
    written by somebody else than root or this process's user: they could put another directory there; or is a link,
    unless it is root's, in a directory of root's, and not the last part.
    """
    with contextlib.ExitStack() as opened:
        yield _walk(opened, path, make)


@contextlib.contextmanager
def open_below(folder: int, name: str, make: bool = False) -> Iterator[int]:
    """Yields a descriptor of a directory in an open one; raises FileNotFoundError where there is none.

    ``make`` and HostError are as in open_folder.
    """
    descriptor = _step(folder, name, name, make)
    if descriptor is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
    try:
        _refuse_shared(name, descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def hold_lock(path: str, make: bool, patience: float) -> Iterator[Optional[int]]:
    """Yields a descriptor of the directory, as open_folder does, while no other run holds it.

    Raises HostError after ``patience`` seconds. The directory is its own lock (flock), so no lock file is left.
    """
    deadline = time.monotonic() + patience
    while True:
        with open_folder(path, make) as folder:
            if folder is None or (_try_lock(folder) and is_still(path, folder)):
                yield folder
                return
        if time.monotonic() > deadline:
            raise HostError(f"another run has been working in {path} for {patience:.0f} seconds: try again later")
        time.sleep(0.1)


def read_file(folder: int, name: str) -> Optional[File]:
    """Returns a regular file in an open directory, None where there is none or something else has its name.

    Raises OSError where it is there and cannot be read.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=folder)
    except OSError as problem:
        if problem.errno in (errno.ENOENT, *_IS_LINK):
            return None
        raise
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > FILE_LIMIT:
            return None
        return File(stream.read(), Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))


def set_access(folder: int, name: str, access: Access) -> None:
    """Gives a file in an open directory its owner, group and mode; never through a link."""
    descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        access.give_to(descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_folder(folder: int, name: str, files: Tuple[str, ...]) -> bool:
    """Removes these files and then the directory itself; returns False if it stays because it holds others."""
    try:
        with open_below(folder, name) as descriptor:
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file, dir_fd=descriptor)
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as problem:
        if problem.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _walk(opened: contextlib.ExitStack, path: str, make: bool) -> Optional[int]:
    root = folder = os.open("/", _FOLDER)
    opened.callback(os.close, root)
    ahead, behind, links = path.strip("/").split("/"), [""], 0
    while ahead:
        part, *ahead = ahead
        target = _read_system_link(folder, part) if ahead and links < LINK_LIMIT else None
        if target is not None:
            links += 1
            if target.startswith("/"):
                folder, behind = root, [""]
            ahead = [step for step in target.split("/") if step not in ("", ".")] + ahead
            continue
        behind = behind[:-1] or [""] if part == ".." else [*behind, part]
        here = "/".join(behind) or "/"
        below = _step(folder, part, here, make and not ahead)
        if below is None:
            if make:
                raise HostError(f"{here} does not exist: make it first, only {path} itself is made")
            return None
        opened.callback(os.close, below)
        _refuse_shared(here, below)
        folder = below
    return folder


def _read_system_link(folder: int, name: str) -> Optional[str]:
    """Returns where a link leads that root alone could have put there; None for what is none, and for other links."""
    above = os.fstat(folder)
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(status.st_mode) or status.st_uid != 0 or above.st_uid != 0 or _is_shared(above):
        return None
    return os.readlink(name, dir_fd=folder)


def _step(parent: int, name: str, path: str, make: bool) -> Optional[int]:
    for may_make in (make, False):
        try:
            return os.open(name, _FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not may_make:
                return None
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, PUBLIC_FOLDER, dir_fd=parent)
                os.chmod(name, PUBLIC_FOLDER, dir_fd=parent)  # whatever the umask is
                os.fsync(parent)
        except OSError as problem:
            if problem.errno in (*_IS_LINK, errno.ENOTDIR):
                raise HostError(f"{path} is a link or a file, not a directory: give the directory itself") from None
            raise
    return None


def _refuse_shared(path: str, folder: int) -> None:
    status = os.fstat(folder)
    if status.st_uid not in (0, os.geteuid()):
        raise HostError(f"{path} belongs to user {status.st_uid}, who could exchange what is in it: choose another")
    if _is_shared(status):
        raise HostError(f"{path} can be written by others, who could exchange what is in it: choose another directory")


def _is_shared(status: os.stat_result) -> bool:
    """The group 0 is root's own, wheel on the BSDs and on macOS."""
    return bool(status.st_mode & stat.S_IWOTH) or bool(status.st_mode & stat.S_IWGRP and status.st_gid != 0)


def _try_lock(folder: int) -> bool:
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise
    return True
