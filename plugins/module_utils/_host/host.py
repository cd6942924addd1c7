# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The host: runs commands, reads and replaces files, holds locks, enters private network namespaces."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host import locks
from ansible_collections.port443.https.plugins.module_utils._host.files import refuse_shared_folder, replace
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import CLONE_NEWNET, answer_in_child
from ansible_collections.port443.https.plugins.module_utils._host.run import (
    COMMAND_ENVIRONMENT,
    COMMAND_TIMEOUT,
    SEARCH_PATH,
    execute,
)
from ansible_collections.port443.https.plugins.module_utils._host.writable import find_obstacle


@dataclass(frozen=True)
class Completed:
    """What a command said; ``out`` and ``err`` are text with undecodable bytes kept as surrogates."""

    argv: Tuple[str, ...]
    returncode: int
    out: str
    err: str

    def words(self) -> str:
        """The tool's own words, for a message."""
        return (self.err.strip() or self.out.strip() or "no output")[-2000:]


class Host:
    """The machine this runs on. Tests hand in an object with the same methods over another root or none."""

    lock_path = "/var/run/port443.lock"  # which is /run on Linux

    def run(self, argv: Sequence[str], stdin: str = "") -> Completed:
        """Runs a command in the C locale and in /, as services do, and returns what it said.

        Raises HostError only if it cannot start.
        """
        path = self.find(argv[0])
        if path is None:
            raise HostError(f"{argv[0]} is not installed on this host")
        given = stdin.encode("utf-8", "surrogateescape")
        ended = execute((path, *argv[1:]), COMMAND_ENVIRONMENT, COMMAND_TIMEOUT, input=given, cwd="/")
        decoded = [stream.decode("utf-8", "surrogateescape") for stream in (ended.stdout, ended.stderr)]
        return Completed(tuple(argv), ended.returncode, decoded[0], decoded[1])

    def find(self, name: str) -> Optional[str]:
        """Returns the path of a command, or None; only the system's own folders are searched."""
        for folder in SEARCH_PATH.split(":"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                return path
        return None

    def refuse_unwritable(self, path: str) -> None:
        """Raises HostError where ``write`` could not replace that file; changes nothing."""
        real = os.path.realpath(path)
        folder = os.path.dirname(real)
        refuse_shared_folder(folder, os.stat(folder))
        obstacle = find_obstacle(real)
        if obstacle:
            raise HostError(obstacle)

    def system(self) -> str:
        """Returns the name of the kernel: Linux, FreeBSD, OpenBSD, Darwin or another."""
        return os.uname().sysname

    def is_root(self) -> bool:
        """Tells whether this process has the rights of root."""
        return os.geteuid() == 0

    def now(self) -> float:
        """Returns the time of the host's clock, in seconds of the epoch."""
        return time.time()

    def real_path(self, path: str) -> str:
        """Returns the path with every symbolic link followed."""
        return os.path.realpath(path)

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

    def write(self, path: str, before: Optional[bytes], after: Optional[bytes]) -> None:
        """Replaces a file by rename, or removes it (``after`` None), keeping its mode, owner and security label.

        Raises HostError if the file no longer holds ``before``, or its folder is not root's alone.
        """
        try:
            replace(os.path.realpath(path), before, after)
        except OSError as problem:
            raise HostError(f"{path} cannot be written: {describe_os_error(problem)}") from None

    @contextlib.contextmanager
    def keep(self, path: str) -> Iterator[None]:
        """Sees to it that what is at a path is there afterwards as it was, or nothing if nothing was."""
        aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.port443-{os.urandom(4).hex()}")
        there = os.path.lexists(path)
        if there:
            os.rename(path, aside)
        try:
            yield
        finally:
            if there:
                os.rename(aside, path)
            elif os.path.lexists(path):
                os.unlink(path)

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the collection's own lock on this host; raises HostError if another run holds it for too long."""
        descriptor = locks.take_own(self.lock_path)
        try:
            yield
        finally:
            # Unlinked while still held, so that no second file of that name is ever locked beside this one.
            with contextlib.suppress(OSError):
                os.unlink(self.lock_path)
            os.close(descriptor)

    @contextlib.contextmanager
    def hold(self, path: str) -> Iterator[None]:
        """Holds the lock file of a firewall's own tool, none if ``path`` is empty; raises HostError after a while."""
        if not path:
            yield
            return
        descriptor = locks.take_of_tool(path)
        try:
            yield
        finally:
            os.close(descriptor)

    def in_private_network(self, work: Callable[[], Dict[str, Any]]) -> Optional[Dict[str, Any]]:
        """Runs ``work`` in a child in a new network namespace and returns its answer; None where that is not allowed.

        A HostError that ``work`` raises is raised here.
        """
        return answer_in_child(CLONE_NEWNET, work)
