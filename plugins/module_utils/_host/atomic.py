# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Atomic writer: replaces files and links of an open folder by rename, so that a failure leaves the old one whole.

A new file is unreadable to others from its first byte, and all of it is on the disk when a function returns. Folders
are descriptors, names are entries of them. Whoever calls holds the lock of what is written; all raise OSError.
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import Callable, Iterator

SECRET = 0o600
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def replace_file(folder: int, name: str, content: bytes, finish: Callable[[int], None], mode: int = SECRET) -> None:
    """Puts a new file in the place of whatever but a folder has the name; ``mode`` and ``finish`` as of make_file."""
    with _in_place_of(folder, name) as temporary:
        make_file(folder, temporary, content, finish, mode)


def replace_link(folder: int, name: str, target: str) -> None:
    """Puts a symbolic link with that text in the place of whatever but a folder has the name."""
    with _in_place_of(folder, name) as temporary:
        os.symlink(target, temporary, dir_fd=folder)


def remove_entry(folder: int, name: str) -> None:
    """Removes a file or link, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    os.fsync(folder)


def make_file(folder: int, name: str, content: bytes, finish: Callable[[int], None], mode: int = SECRET) -> None:
    """Makes a file that is not there yet; ``finish`` is called with its descriptor once it holds all of its content.

    ``mode`` is the one that it is made with, less the process's umask; what its owner and mode are to be in the end,
    ``finish`` gives it.
    """
    new = os.open(name, _NEW, mode, dir_fd=folder)
    with os.fdopen(new, "wb") as stream:
        stream.write(content)
        stream.flush()
        finish(new)
        os.fsync(new)


def remove_leftovers(folder: int, name: str) -> None:
    """Removes what a run that was killed had begun to put in a name's place; the lock says that it runs no more."""
    for entry in os.listdir(folder):
        if re.fullmatch(re.escape(f".{name}.port443-") + "[0-9a-f]{8}", entry):
            os.unlink(entry, dir_fd=folder)


@contextlib.contextmanager
def _in_place_of(folder: int, name: str) -> Iterator[str]:
    """Yields the name of what is to take another's place; it is removed where what is done meanwhile fails."""
    remove_leftovers(folder, name)
    temporary = f".{name}.port443-{os.urandom(4).hex()}"
    try:
        yield temporary
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
