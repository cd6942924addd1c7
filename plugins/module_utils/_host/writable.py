# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds out whether a file could be replaced by rename, without changing anything."""

from __future__ import annotations

import array
import errno
import fcntl
import os
import stat
import struct
from typing import FrozenSet

from ansible_collections.port443.https.plugins.module_utils._host.mounts import MOUNTS, read_mounts

# _IOR('f', 1, long) as most machines number it; one that does not says that it knows no such request.
_GET_FLAGS = 0x80006601 | struct.calcsize("l") << 16
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20  # FS_IMMUTABLE_FL, FS_APPEND_FL in include/uapi/linux/fs.h
_BSD_FLAGS = stat.UF_IMMUTABLE | stat.UF_APPEND | stat.SF_IMMUTABLE | stat.SF_APPEND


def find_obstacle(path: str) -> str:
    """Returns what keeps root from putting another file in place of ``path``, a sentence, or an empty text.

    ``path`` leads over no symbolic link; it need not exist, its folder must.
    """
    folder = os.path.dirname(path)
    if not os.access(folder, os.W_OK):
        read_only = os.statvfs(folder).f_flag & os.ST_RDONLY
        return f"{folder} cannot be written: {os.strerror(errno.EROFS if read_only else errno.EPERM)}"
    for one in (path, folder):
        if os.path.exists(one) and _is_kept(one):
            words = f"{one} is marked as immutable or append-only (lsattr shows it)"
            return f"{path} cannot be written: {os.strerror(errno.EPERM)}; {words}"
    if path in _mount_points():
        return f"{path} cannot be written: {os.strerror(errno.EBUSY)}; another file is mounted there"
    return ""


def _is_kept(path: str) -> bool:
    if getattr(os.stat(path), "st_flags", 0) & _BSD_FLAGS:
        return True
    flags = array.array("l", [0])
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.ioctl(descriptor, _GET_FLAGS, flags)
    except OSError:  # this filesystem has no such flags
        return False
    finally:
        os.close(descriptor)
    return bool(flags[0] & 0xFFFFFFFF & (_IMMUTABLE | _APPEND_ONLY))


def _mount_points() -> FrozenSet[str]:
    """The paths at which something is mounted; nobody tells but on Linux."""
    try:
        with open(MOUNTS, "rb") as stream:
            return frozenset(mount.path for mount in read_mounts(stream.read()))
    except OSError:
        return frozenset()
