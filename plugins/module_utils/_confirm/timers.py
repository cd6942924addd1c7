# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Timers that outlive the run, its connection and its user's session: of systemd, else a process of its own."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import time
from typing import Callable, Sequence

from ansible_collections.port443.https.plugins.module_utils._confirm.journal import WAKE
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Runner

UNIT = "port443-unconfirmed-"
TAKE_BACK, SLEEP = "take-back", "sleep"
_READY = b"."


def arm(host: Runner, program: Sequence[str], folder: str, identity: str, seconds: int) -> None:
    """Has a program called with ``take-back`` in that many seconds, unless disarmed before.

    Returns once that is certain: the timer was asked whether it waits. Raises HostError where nothing would call it.
    """
    if os.path.isdir("/run/systemd/system") and _arm_systemd(host, program, identity, seconds):
        return
    path = os.path.join(folder, WAKE)
    try:
        os.mkfifo(path, 0o600)
    except OSError as problem:
        raise HostError(f"{path} cannot be made: {problem.strerror}") from None
    ended = host.run((*program, SLEEP, str(seconds)))
    if ended.returncode or not _wake(folder, b""):
        raise HostError(
            "nothing was changed, as no timer could be started that would take it back: "
            f"'{' '.join(program)} {SLEEP}' ended with code {ended.returncode} and said: {ended.words()}"
        )


def disarm(host: Runner, folder: str, identity: str) -> None:
    """Ends a timer; what it would call finds nothing to do if it was called just now."""
    if not _wake(folder, _READY):
        with contextlib.suppress(HostError):  # no systemd, and the process is gone
            host.run(("systemctl", "stop", f"{UNIT}{identity}.timer"))


def _arm_systemd(host: Runner, program: Sequence[str], identity: str, seconds: int) -> bool:
    """Tells whether a transient timer of systemd waits now; its service is no part of any session."""
    unit = UNIT + identity
    words = ("--quiet", "--collect", f"--unit={unit}", f"--on-active={seconds}", "--timer-property=AccuracySec=100ms")
    if host.run(("systemd-run", *words, *program, TAKE_BACK)).returncode:
        return False
    if host.run(("systemctl", "is-active", f"{unit}.timer")).out.strip() == "active":
        return True
    host.run(("systemctl", "stop", f"{unit}.timer"))
    return False


def _wake(folder: str, said: bytes) -> bool:
    """Says something to the process that waits; tells whether there is one: else nobody reads the pipe."""
    try:
        pipe = os.open(os.path.join(folder, WAKE), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as problem:
        if problem.errno in (errno.ENXIO, errno.ENOENT):
            return False
        raise HostError(f"{folder}/{WAKE} cannot be opened: {problem.strerror}") from None
    try:
        os.write(pipe, said)
    finally:
        os.close(pipe)
    return True


def sleep(folder: str, seconds: int, then: Callable[[], None]) -> int:
    """Leaves a process behind that calls ``then`` after that many seconds, unless it is woken before.

    Returns 0 once that process waits. It is in a session of its own, and nobody's child.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return 0 if os.read(reader, 1) == _READY else 1
    os.close(reader)
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        if not _wait(folder, seconds, writer):
            then()
    finally:
        os._exit(0)


def _wait(folder: str, seconds: int, writer: int) -> bool:
    """Waits, once it has told by ``writer`` that it does; tells whether it was woken."""
    os.chdir("/")
    pipe = os.open(os.path.join(folder, WAKE), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    deadline = time.monotonic() + seconds
    os.write(writer, _READY)
    os.close(writer)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        with contextlib.suppress(InterruptedError):
            if select.select([pipe], [], [], left)[0]:
                return True
