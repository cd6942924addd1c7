# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Mounts of Linux: reads which there are, and makes them by mount(2), as no program for that need be installed.

Numbers are those of include/uapi/linux/mount.h. All functions that mount raise OSError.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
from dataclasses import dataclass
from typing import Dict, Tuple

MOUNTS = "/proc/self/mountinfo"
_READ_ONLY, _NO_SUID, _NO_DEV, _NO_EXEC, _REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
_NO_ATIME, _NO_DIRATIME, _BIND, _RECURSIVE, _PRIVATE, _RELATIME = 0x400, 0x800, 0x1000, 0x4000, 0x40000, 0x200000
_ST_RELATIME = 0x1000  # statvfs has another number for it
_KEPT = _NO_SUID | _NO_DEV | _NO_EXEC | _NO_ATIME | _NO_DIRATIME  # alike in both
_DETACH = 2
_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """What is mounted at a path; ``writable`` is whether mount and filesystem both let it be written."""

    path: str
    filesystem: str
    writable: bool


def read_mounts(text: bytes) -> Tuple[Mount, ...]:
    """Returns what is seen, from the text of /proc/self/mountinfo (man 5 proc), a folder before those below it.

    Where something is mounted over something else at the same path, the later one is seen.
    """
    found: Dict[str, Mount] = {}
    for line in text.splitlines():
        words = line.split(b" ")
        path = os.fsdecode(_OCTAL.sub(lambda one: bytes((int(one.group(1), 8),)), words[4]))
        kind, _source, options = words[words.index(b"-", 6) + 1 :][:3]
        writable = b"rw" in words[5].split(b",") and b"rw" in options.split(b",")
        found[path] = Mount(path, kind.decode("ascii", "replace"), writable)
    return tuple(mount for _path, mount in sorted(found.items(), key=lambda one: one[0].split("/")))


def is_below(path: str, folder: str) -> bool:
    """Tells whether a path is that folder or something in it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def keep_mounts_private() -> None:
    """Sees to it that no mount made in this namespace shows in another, nor the other way round."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)


def own_alike(path: str, status: os.stat_result) -> None:
    """Gives a file the owner that another one has, unless that is nobody who exists in this user namespace."""
    try:
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)
    except OSError as problem:
        if problem.errno != errno.EINVAL:
            raise


def mount_memory(path: str, size: int, like: str) -> None:
    """Mounts an empty tmpfs of at most ``size`` bytes at a folder, with owner and mode of another folder."""
    status = os.stat(like)
    options = f"size={size},mode={status.st_mode & 0o7777:o}"
    _mount("tmpfs", path, "tmpfs", _NO_SUID | _NO_DEV, options)
    own_alike(path, status)


def mount_overlay(lower: str, changes: str, path: str) -> None:
    """Mounts at ``path`` what the folder ``lower`` has; what is changed there goes into the folder ``changes``.

    What is mounted below ``lower`` does not show. Changes this process' working directory: the path of ``lower`` may
    have characters that mean something in the options.
    """
    upper, work = f"{changes}/upper", f"{changes}/work"
    status = os.stat(lower)
    for folder in (changes, upper, work):
        os.mkdir(folder)
    own_alike(upper, status)
    os.chmod(upper, status.st_mode & 0o7777)
    os.chdir(lower)
    flags = os.statvfs(lower).f_flag & (_NO_SUID | _NO_DEV | _NO_EXEC)
    _mount("overlay", path, "overlay", flags, f"lowerdir=.,upperdir={upper},workdir={work}")


def show(source: str, path: str, read_only: bool) -> None:
    """Mounts a folder or file at another path as well, without what is mounted below it where the kernel lets that.

    It does not in a user namespace for mounts that came from outside: then they show as well.
    """
    try:
        _mount(source, path, None, _BIND)
    except OSError:
        _mount(source, path, None, _BIND | _RECURSIVE)
    if read_only:
        # A user namespace may not take away any of these: all that are set are named again.
        had = os.statvfs(path).f_flag
        kept = had & _KEPT | (_RELATIME if had & _ST_RELATIME else 0)
        _mount(None, path, None, _REMOUNT | _BIND | _READ_ONLY | kept)


def show_all(source: str, path: str) -> None:
    """Mounts a folder at another path as well, with all that is mounted below it."""
    _mount(source, path, None, _BIND | _RECURSIVE)


def change_root(path: str) -> None:
    """Makes a mount the root of this namespace, so that nothing outside it can be reached any more."""
    os.chdir(path)
    libc = ctypes.CDLL(None, use_errno=True)
    # pivot_root(2) explains why both may be the same: the old root comes to lie over the new one, and is taken off.
    if libc.pivot_root(b".", b".") != 0:
        raise _last_error()
    if libc.umount2(b".", _DETACH) != 0:
        raise _last_error()
    os.chdir("/")


def _mount(source: object, path: str, filesystem: object, flags: int, options: str = "") -> None:
    words = [None if word is None else os.fsencode(str(word)) for word in (source, path, filesystem)]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(options) or None) != 0:
        raise _last_error()


def _last_error() -> OSError:
    code = ctypes.get_errno()
    return OSError(code, os.strerror(code))
