# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes lock files, our own and those of other programs, with an end to each wait."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from typing import Callable, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error

LOCK_TIMEOUT = 60.0  # seconds in which nothing moves: as long as one command may take, COMMAND_TIMEOUT in _execute
_PAUSE = 0.05  # seconds
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


def take_own(path: str) -> int:
    """Takes the lock of this collection's own runs and returns its descriptor.

    Who has to wait does so in the order of arrival, as long as those before get on: each has a ticket beside the lock,
    a file that it holds locked, so that one that was killed is no obstacle. Raises HostError when nothing moves.
    """
    descriptor = None if _tickets(path) else _try(path, fcntl.flock)
    if descriptor is not None:
        return descriptor
    ticket, held = _draw(path)
    try:
        return _wait_in_line(path, ticket)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(ticket)
        os.close(held)


def take_of_tool(path: str) -> int:
    """Takes the lock of a firewall's own tool and returns its descriptor; raises HostError after a while.

    Such a file is locked with lockf (fcntl.lockf in Python), made where it is not there, and never removed.
    """
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        descriptor = _try(path, fcntl.lockf)
        if descriptor is not None:
            return descriptor
        _end_at(deadline, path, "another program")
        time.sleep(_PAUSE)


def _draw(path: str) -> Tuple[str, int]:
    """Makes a ticket, whose name tells when; the clock is the same for every process."""
    while True:
        ticket = f"{path}.{time.monotonic_ns():020d}-{os.getpid()}"
        held = _open(ticket, _FLAGS | os.O_EXCL)
        fcntl.flock(held, fcntl.LOCK_EX)
        if is_still(ticket, held):
            return ticket, held
        os.close(held)  # another one took it for left behind before it was locked


def _wait_in_line(path: str, ticket: str) -> int:
    """The lock itself decides; the tickets only tell whose turn it is."""
    seen: Optional[Tuple[object, ...]] = None
    deadline = 0.0
    while True:
        before = [other for other in _tickets(path) if other < ticket]
        if before and _is_left_behind(before[0]):
            continue
        descriptor = None if before else _try(path, fcntl.flock)
        if descriptor is not None:
            return descriptor
        now = (len(before), *_identity(path))
        if now != seen:
            seen, deadline = now, time.monotonic() + LOCK_TIMEOUT
        _end_at(deadline, path, "another run of this collection")
        time.sleep(_PAUSE)


def _tickets(path: str) -> List[str]:
    folder, name = os.path.split(path)
    try:
        return sorted(os.path.join(folder, other) for other in os.listdir(folder) if other.startswith(name + "."))
    except OSError:
        return []


def _is_left_behind(ticket: str) -> bool:
    """Tells whether nobody holds a ticket any more, and removes it then."""
    with contextlib.suppress(OSError):
        held = os.open(ticket, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if is_still(ticket, held):
                os.unlink(ticket)
            return True
        finally:
            os.close(held)
    return not os.path.lexists(ticket)


def _identity(path: str) -> Tuple[int, ...]:
    """What tells one holder's lock file from the next one's: each removes it and leaves a new one to be made."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ino, status.st_ctime_ns


def _end_at(deadline: float, path: str, holder: str) -> None:
    if time.monotonic() > deadline:
        raise HostError(f"{holder} has held {path} for {LOCK_TIMEOUT:.0f} seconds; run again when it has ended")


def _try(path: str, lock: Callable[[int, int], object]) -> Optional[int]:
    """Takes a lock if it is free; who holds our own removes its file before letting go, so it has to be there still."""
    descriptor = _open(path, _FLAGS)
    try:
        lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if is_still(path, descriptor):
            return descriptor
    except OSError as problem:
        if problem.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(descriptor)
            raise HostError(f"the lock {path} cannot be held: {describe_os_error(problem)}") from None
    os.close(descriptor)
    return None


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags, 0o600)
    except OSError as problem:
        raise HostError(f"the lock {path} cannot be made: {describe_os_error(problem)}") from None


def is_still(path: str, descriptor: int) -> bool:
    """Tells whether what is open still has that path: who held its lock may have removed it meanwhile."""
    try:
        named, held = os.stat(path), os.fstat(descriptor)
    except OSError:
        return False
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)
