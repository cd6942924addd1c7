# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads files and links by their paths, and replaces them in one step so that they can be put back to the byte."""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.atomic import remove_entry, replace_file, replace_link
from ansible_collections.port443.https.plugins.module_utils._host.directory import Access

PUBLIC = 0o644


class Files:
    """Reads the files of the machine this runs on."""

    def read(self, path: str) -> Optional[bytes]:
        """Returns a file's bytes, or None where there is no such file; raises HostError if it cannot be read.

        A file of a process that ends between opening and reading it says ESRCH, proc(5).
        """
        try:
            with open(path, "rb") as stream:
                return stream.read()
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None
        except OSError as problem:
            raise HostError(f"{path} cannot be read: {describe_os_error(problem)}") from None

    def has_link(self, path: str) -> bool:
        """Tells whether a path exists, as a file, a folder, or a link that leads anywhere or nowhere."""
        return os.path.lexists(path)

    def is_file(self, path: str) -> bool:
        """Tells whether a path leads to a regular file."""
        return os.path.isfile(path)

    def list_folder(self, path: str) -> Tuple[str, ...]:
        """Returns the names in a folder, sorted; empty where there is no such folder."""
        try:
            return tuple(sorted(os.listdir(path)))
        except OSError:
            return ()

    def real_path(self, path: str) -> str:
        """Returns the path with every symbolic link followed."""
        return os.path.realpath(path)


@dataclass(frozen=True)
class FoundFile:
    """A path's state: a file's content and access, the text of a link, or nothing."""

    content: Optional[bytes] = None
    link: str = ""
    access: Optional[Access] = None

    def is_like(self, other: FoundFile) -> bool:
        """Tells whether both hold the same, whoever may read them."""
        return (self.content, self.link) == (other.content, other.link)


def look_at(path: str) -> FoundFile:
    """Returns what is at a path, whose last part is not followed if it is a link; raises HostError.

    A folder, or anything else that is neither file nor link, is a HostError.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            return FoundFile(link=os.readlink(path))
        if not stat.S_ISREG(status.st_mode):
            raise HostError(f"{path} is neither a file nor a link, and one of these is needed there: take it away")
        with open(path, "rb") as stream:
            content = stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return FoundFile()
    except OSError as problem:
        raise HostError(f"{path} cannot be read: {describe_os_error(problem)}") from None
    return FoundFile(content, "", Access(status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)))


def exchange(path: str, before: FoundFile, after: FoundFile, relabel: Callable[[str], None]) -> None:
    """Puts ``after`` at a path in one step; raises HostError where ``before`` is no longer there, or it cannot be.

    A file without ``access`` keeps that of the one before, and is root's and public if there was none. ``relabel`` is
    called with the path of what is new there.
    """
    try:
        if not look_at(path).is_like(before):
            raise HostError(f"{path} was changed by somebody else during this run; run again")
        folder, name = os.path.split(path)
        directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            refuse_shared_folder(folder, os.fstat(directory))
            _put(directory, name, after)
        finally:
            os.close(directory)
    except OSError as problem:
        raise HostError(f"{path} cannot be written: {describe_os_error(problem)}") from None
    if after.link or (after.content is not None and before.content is None):
        relabel(path)


def _put(directory: int, name: str, after: FoundFile) -> None:
    if after.link:
        replace_link(directory, name, after.link)
    elif after.content is None:
        remove_entry(directory, name)
    else:
        old = _open_if_file(name, directory)
        try:
            _write(directory, name, after.content, old, after.access or Access(0, 0, PUBLIC))
        finally:
            if old is not None:
                os.close(old)


def _open_if_file(name: str, directory: int) -> Optional[int]:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except OSError:  # nothing, or a link, which the new file replaces
        return None


def replace(path: str, before: Optional[bytes], after: Optional[bytes]) -> None:
    """Makes the file at a path without links hold ``after``, None for no file; raises HostError or OSError.

    HostError where it no longer holds ``before``, or its folder is not root's alone. A new file has mode 0640.
    """
    folder, name = os.path.split(path)
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        refuse_shared_folder(folder, os.fstat(directory))
        old = _open_if_there(name, directory)
        try:
            _refuse_changed(path, old, before)
            if after is None:
                remove_entry(directory, name)
            else:
                _write(directory, name, after, old, None)
        finally:
            if old is not None:
                os.close(old)
    finally:
        os.close(directory)


def refuse_shared_folder(folder: str, status: os.stat_result) -> None:
    """Raises HostError for a folder whose files somebody else than root, or this process's user, could exchange."""
    if status.st_uid not in (0, os.geteuid()) or status.st_mode & stat.S_IWOTH:
        raise HostError(f"{folder} belongs to somebody else or is writable by all: nothing is written there")


def _open_if_there(name: str, directory: int) -> Optional[int]:
    try:
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except FileNotFoundError:
        return None


def _refuse_changed(path: str, old: Optional[int], before: Optional[bytes]) -> None:
    have = None
    if old is not None:
        have = b"".join(iter(lambda: os.read(old, 1 << 20), b""))
    if have != before:
        raise HostError(f"{path} was changed by somebody else during this run; run again")


def _write(directory: int, name: str, content: bytes, old: Optional[int], access: Optional[Access]) -> None:
    replace_file(directory, name, content, lambda new: _take_over(new, old, access))


def _take_over(new: int, old: Optional[int], access: Optional[Access]) -> None:
    """Gives the new file the old one's mode, owner and extended attributes (an SELinux label is one)."""
    if old is None:
        os.fchmod(new, access.mode if access else 0o640)
        if access and os.geteuid() == 0:
            os.fchown(new, access.uid, access.gid)
        return
    status = os.fstat(old)
    os.fchown(new, status.st_uid, status.st_gid)
    os.fchmod(new, stat.S_IMODE(status.st_mode))
    with contextlib.suppress(OSError, AttributeError):
        for attribute in os.listxattr(old):
            with contextlib.suppress(OSError):
                os.setxattr(new, attribute, os.getxattr(old, attribute))
