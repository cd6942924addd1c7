# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Faults at a step of a plan: the process is killed, the disk is full, a tool refuses, hangs, or has its lock taken."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from unittest import mock

from ansible_collections.port443.https.plugins.module_utils._host import atomic
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed, execute
from ansible_collections.port443.https.plugins.module_utils._plan import apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Run, Write

KILLED = ("killed before", "killed after")
_OF_WRITE = ("ENOSPC", "EROFS")
_OF_RUN = ("exits 1", "hangs", "lock held")
_HANG = 0.1  # seconds until a tool is given up, in place of a minute


def faults_of(steps):
    """Every fault that each step of a plan can have: (its number, the fault)."""
    found = []
    for number, step in enumerate(steps):
        kinds = _OF_WRITE if isinstance(step, Write) else _OF_RUN if isinstance(step, Run) else ("raises",)
        found += [(number, kind) for kind in (*KILLED, *kinds)]
    return found


def run_with_fault(host, steps, number, kind, **options):
    """Runs what the host is to be, with a fault at a step; returns what came of it, None where that was killed.

    The fault stays for that step, however often it is tried; what takes steps back is not hit.
    """
    if kind in KILLED:
        with _killing(number, after=kind == "killed after"):
            _in_child(lambda: host.ensure(**options))
        return None
    with _failing(host, steps[number], kind):
        try:
            return host.ensure(**options)
        except apply.HostError as problem:
            return problem.message


def _in_child(work):
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            work()
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "it ended before the step came"


@contextlib.contextmanager
def _killing(number, after):
    carry_out, begun = apply._carry_out, []

    def die(host, step):
        begun.append(step)
        if len(begun) - 1 == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        carry_out(host, step)
        if len(begun) - 1 == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with mock.patch.object(apply, "_carry_out", die):
        yield


@contextlib.contextmanager
def _failing(host, step, kind):
    if isinstance(step, Write):
        make_file = atomic.make_file

        def make_half(folder, name, content, finish, mode=atomic.SECRET):
            if content != step.after or os.path.basename(step.path) not in name:
                make_file(folder, name, content, finish, mode)
                return
            if kind == "ENOSPC":  # a disk takes what still fits
                make_file(folder, name, content[: len(content) // 2], finish, mode)
            number = getattr(errno, kind)
            raise OSError(number, os.strerror(number))

        with mock.patch.object(atomic, "make_file", make_half):
            yield
        return
    if kind == "raises":  # a step that its backend alone knows: it is not carried out
        carry_out = apply._carry_out

        def refuse(some_host, one):
            if str(one) == str(step):
                raise apply.HostError("played")
            carry_out(some_host, one)

        with mock.patch.object(apply, "_carry_out", refuse):
            yield
        return
    run = host.run

    def fail(argv, stdin=""):
        if (tuple(argv), stdin) != (step.argv, step.stdin):
            return run(argv, stdin)
        if kind == "hangs":
            return execute(("/bin/sleep", "100"), {}, _HANG)
        said = {"exits 1": (1, "played"), "lock held": (4, "Another app is currently holding the xtables lock.")}
        return Completed(tuple(argv), said[kind][0], "", said[kind][1])

    with mock.patch.object(host, "run", fail):
        yield
