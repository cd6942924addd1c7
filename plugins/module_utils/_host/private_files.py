# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a command over planned files, laid over those of the host where nobody else sees them."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
from typing import Any, Dict, Mapping, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.namespaces import (
    CLONE_NEWNS,
    CLONE_NEWPID,
    NotAllowedError,
    answer_in_child,
)
from ansible_collections.port443.https.plugins.module_utils._host.private_view import enter_private_view
from ansible_collections.port443.https.plugins.module_utils._host.run import COMMAND_TIMEOUT, Completed, Runner

_PREPARING = 30.0  # seconds; a network share that does not answer holds up whoever looks at it
_PUBLIC = 0o644
# What no configuration is to blame for: here only copies can be written, and memory is short.
_LIMITS = (errno.EROFS, errno.ENOSPC)


@dataclasses.dataclass(frozen=True)
class Planned:
    """What is to be at a path: a file with this content, a symbolic link to this target, or nothing if both are None.

    ``mode`` is that of a file; where it is None, a file that is there keeps its own, and a new one is public. A file
    keeps its owner, a new one is root's. A key may be among them: the content is not shown.
    """

    content: Optional[bytes] = dataclasses.field(default=None, repr=False)
    target: Optional[str] = None
    mode: Optional[int] = None


def run_over(host: Runner, files: Mapping[str, Planned], argv: Sequence[str]) -> Optional[Completed]:
    """Runs a command with planned files in place and returns what it said; nothing on the host changes.

    Keys of ``files`` are absolute paths; none leads through a link that is planned itself. Folders that are not there
    are made. What the command writes, and what it leaves running, is gone when this returns. The network is the
    host's, as a test has names resolved. None where the host does not let that (not Linux, no CAP_SYS_ADMIN, no mounts
    in this container): nothing was run then, or it was stopped by the limits of what can be written there.

    Raises HostError if a planned file cannot be put there, or the command does not start or does not end in time.
    """
    if host.system() != "Linux":
        return None
    answer = answer_in_child(CLONE_NEWNS | CLONE_NEWPID, lambda: _run(host, files, argv), COMMAND_TIMEOUT + _PREPARING)
    return None if answer is None else Completed(tuple(argv), **answer)


def _run(host: Runner, files: Mapping[str, Planned], argv: Sequence[str]) -> Dict[str, Any]:
    """Runs in the child."""
    os.umask(0o022)
    try:
        enter_private_view([os.path.dirname(path) for path in files])
    except OSError as problem:
        raise NotAllowedError(problem.strerror) from None
    for path, planned in sorted(files.items(), key=lambda one: (_turn(one[1]), one[0])):
        try:
            _lay(path, planned)
        except OSError as problem:
            if problem.errno in _LIMITS:
                raise NotAllowedError(problem.strerror) from None
            raise HostError(f"{path} cannot be put in place, not even for a test: {problem.strerror}") from None
    ended = host.run(argv)
    if ended.returncode and any(os.strerror(code) in ended.err + ended.out for code in _LIMITS):
        raise NotAllowedError(ended.words())
    return {"returncode": ended.returncode, "out": ended.out, "err": ended.err}


def _turn(planned: Planned) -> int:
    """What is not to be goes first, as a folder may take its place; links come last, as their targets are planned."""
    return 0 if planned == Planned() else 1 if planned.target is None else 2


def _lay(path: str, planned: Planned) -> None:
    if planned.target is not None:
        _remove(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(planned.target, path)
    elif planned.content is not None:
        _write(os.path.realpath(path), planned.content, planned.mode)
    else:
        _remove(path)


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        os.unlink(path)


def _write(path: str, content: bytes, mode: Optional[int]) -> None:
    """Writes into a file that is there, which keeps what else it is; in a private view nobody looks meanwhile."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    there = os.path.exists(path)
    with open(path, "wb") as stream:
        if mode is not None or not there:
            os.fchmod(stream.fileno(), _PUBLIC if mode is None else mode)
        stream.write(content)
