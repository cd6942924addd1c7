# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs work in a child process in new namespaces of Linux, which ends with this process and leaves nothing running.

Numbers are those of include/uapi/linux/sched.h and prctl.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import time
from typing import Any, Callable, Dict, List, NoReturn, Optional

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG = 1
_REFUSED = {"refused": True}

Work = Callable[[], Dict[str, Any]]
"""What is done in there; its answer goes through a pipe, as JSON."""


class NotAllowedError(Exception):
    """Work tells by this that the host does not let it, and that nothing was done."""


def answer_in_child(namespaces: int, work: Work, limit: Optional[float] = None) -> Optional[Dict[str, Any]]:
    """Runs ``work`` in a child in new namespaces, flags of clone(2), and returns its answer.

    None where that is not allowed, or not done within ``limit`` seconds, and the child is gone then. A HostError that
    ``work`` raises is raised here. With a namespace of processes, all that ``work`` started ends when it does.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer_from_child(writer, namespaces, work)
    os.close(writer)
    answer = None
    try:
        answer = _read_all(reader, limit)
    finally:
        os.close(reader)
        if answer is None:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    result: Dict[str, Any] = json.loads(answer.decode("utf-8")) if answer else _REFUSED
    if "problem" in result:
        raise HostError(result["problem"])
    return None if result.get("refused") else result


def _read_all(reader: int, limit: Optional[float]) -> Optional[bytes]:
    """Returns what comes until the writer closes, or None if that takes longer than ``limit`` seconds."""
    end = None if limit is None else time.monotonic() + limit
    waiting = select.poll()
    waiting.register(reader, select.POLLIN)
    parts: List[bytes] = []
    while True:
        left = None if end is None else max(0.0, end - time.monotonic()) * 1000
        if not waiting.poll(left):
            return None
        part = os.read(reader, 1 << 20)
        if not part:
            return b"".join(parts)
        parts.append(part)


def _answer_from_child(writer: int, namespaces: int, work: Work) -> NoReturn:
    """Never returns: a child that came back would run the rest of the module a second time."""
    try:
        answer = _enter_and_work(writer, namespaces, work)
    except HostError as problem:
        answer = {"problem": problem.message}
    except NotAllowedError:
        answer = _REFUSED
    except BaseException as problem:  # pylint: disable=broad-except
        answer = {"problem": f"rehearsal ended with {problem!r}"}
    with contextlib.suppress(BaseException), os.fdopen(writer, "wb") as stream:
        stream.write(json.dumps(answer).encode("utf-8"))
    os._exit(0)


def _enter_and_work(writer: int, namespaces: int, work: Work) -> Dict[str, Any]:
    libc = ctypes.CDLL(None, use_errno=True)
    if namespaces and (not hasattr(libc, "unshare") or libc.unshare(namespaces) != 0):
        return _REFUSED
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if _is_alone(writer):
        os._exit(0)
    if namespaces & CLONE_NEWPID:
        # Whoever makes a namespace of processes stays outside. Its first child is its first process: when that ends,
        # the kernel kills all others.
        answer = answer_in_child(0, work)
        return _REFUSED if answer is None else answer
    return work()


def _is_alone(writer: int) -> bool:
    """Tells whether the parent ended before it was asked to be told: nobody has the other end of the pipe then."""
    waiting = select.poll()
    waiting.register(writer, 0)
    return any(event & select.POLLERR for _descriptor, event in waiting.poll(0))
