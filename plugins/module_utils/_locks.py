# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lock files: our own, and those of other programs. Each wait for one ends."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from typing import Callable

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

LOCK_TIMEOUT = 30.0  # seconds


def take_own(path: str) -> int:
    """Takes the lock of this collection's own runs and returns its descriptor; raises HostError after a while."""
    return _take(path, fcntl.flock, "another run of this collection")


def take_of_tool(path: str) -> int:
    """Takes the lock of a firewall's own tool and returns its descriptor; raises HostError after a while.

    Such a file is locked with lockf (fcntl.lockf in Python), made where it is not there, and never removed.
    """
    return _take(path, fcntl.lockf, "another program")


def _take(path: str, lock: Callable[[int, int], object], holder: str) -> int:
    """Who holds our own lock removes the file before letting go, so what is locked has to be the one of that name."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise HostError(f"the lock {path} cannot be made: {problem.strerror}") from None
        try:
            lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_still(path, descriptor):
                return descriptor
        except OSError as problem:
            if problem.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                os.close(descriptor)
                raise HostError(f"the lock {path} cannot be held: {problem.strerror}") from None
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise HostError(
                    f"{holder} has held {path} for {LOCK_TIMEOUT:.0f} seconds; run again when it has ended"
                ) from None
            time.sleep(0.05)
        os.close(descriptor)


def is_still(path: str, descriptor: int) -> bool:
    """Tells whether what is open still has that path: who held its lock may have removed it meanwhile."""
    try:
        named, held = os.stat(path), os.fstat(descriptor)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
