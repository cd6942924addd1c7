# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Records headers of packets in a process of its own that outlives the run, and ends by itself.

A packet socket sees what arrives before netfilter, and what leaves behind it (net/core/dev.c: ptype_all in
__netif_receive_skb_core and dev_queue_xmit_nit). Of the file that it leaves, whoever collects takes what is there and
removes it; else the recorder removes it when its time is over.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import re
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Any, Callable, Dict, NoReturn, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.wire.record import (
    LONGEST,
    LOST_AT,
    ROOM,
    Heard,
    pack_head,
    pack_heard,
    unpack,
)

FOLDER = "/run"
_NAME = "port443-witness-{}"
_TOKEN = re.compile("[0-9a-f]{32}")
_ETH_P_ALL, _SO_ATTACH_FILTER, _OUTGOING = 3, 26, 4  # linux/if_ether.h, asm-generic/socket.h, linux/if_packet.h
_SOL_PACKET, _STATISTICS = 263, 6
_ROOM_OF_SOCKET = 1 << 20
_GLANCE = 0.2  # seconds after which a recorder looks whether its file was taken
_FORGOTTEN = 900.0  # seconds after which what a recorder that was killed left is removed by the next

Program = Sequence[Tuple[int, int, int, int]]


@dataclass(frozen=True)
class Recording:
    """What is recorded: for how many seconds, of how many packets at most, with what known at the start.

    ``keep`` is handed each packet, and returns whether it is kept, and the program of classic BPF from now on, if that
    is another; the program at the start is ``program``.
    """

    program: Program
    keep: Callable[[Heard], Tuple[bool, Program]]
    about: Dict[str, Any]
    seconds: float
    packets: int


@dataclass(frozen=True)
class Taken:
    """What a recorder left: what was known at its start, the packets, and whether none is missing until now."""

    about: Dict[str, Any]
    heard: Tuple[Heard, ...]
    whole: bool


def start(recording: Recording, folder: str = FOLDER) -> str:
    """Returns the token of a recorder that has begun; raises HostError where there can be none."""
    try:
        listening = open_socket(recording.program)
    except (OSError, AttributeError) as problem:
        raise HostError(f"packets cannot be seen here: {getattr(problem, 'strerror', None) or problem}") from None
    try:
        _sweep(folder)
        token = os.urandom(16).hex()
        path = os.path.join(folder, _NAME.format(token))
        try:
            file = _make_file(path, recording.about)
        except OSError as problem:
            raise HostError(f"{path} cannot be written: {problem.strerror}") from None
        try:
            _detach(listening, file, path, recording)
        finally:
            os.close(file)
        return token
    finally:
        listening.close()


def open_socket(program: Program) -> socket.socket:
    """Returns a socket for the headers of packets; raises OSError without CAP_NET_RAW, AttributeError off Linux."""
    listening = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
    try:
        attach(listening, program)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM_OF_SOCKET)
        listening.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:  # what came before the filter was there
                listening.recv(1)
    except OSError:
        listening.close()
        raise
    return listening


def attach(listening: socket.socket, program: Program) -> None:
    """Has the kernel filter with another program, which it does from the next packet on."""
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *one) for one in program))
    listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(code)))


def take(token: str, folder: str = FOLDER) -> Taken:
    """Returns what the recorder of that token left, and removes it; raises HostError where there is nothing."""
    if not _TOKEN.fullmatch(token):
        raise HostError(f"{token!r} is no token of a recorder")
    path = os.path.join(folder, _NAME.format(token))
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as problem:
        raise HostError(f"the recorder's file is gone: {path}: {problem.strerror}") from None
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        whole = _is_held(file)
        content = b"".join(iter(lambda: os.read(file, 1 << 20), b""))
    finally:
        os.close(file)
    about, heard, lost = unpack(content)
    return Taken(about, heard, whole and not lost)


def _is_held(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _sweep(folder: str) -> None:
    """Removes what recorders left that were killed, in runs that did not come to collect."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            prefix, token = name[: -len("0" * 32)], name[-len("0" * 32) :]
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):
                ours = prefix == _NAME.format("") and _TOKEN.fullmatch(token)
                if ours and time.time() - os.lstat(path).st_mtime > _FORGOTTEN:
                    os.unlink(path)


def _make_file(path: str, about: Dict[str, Any]) -> int:
    """Its room is taken at once, so that a disk that is full is told before, not after."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        head = pack_head(about)
        os.posix_fallocate(file, 0, len(head) + ROOM)
        os.write(file, head)
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError:
        os.close(file)
        os.unlink(path)
        raise
    return file


def _detach(listening: socket.socket, file: int, path: str, recording: Recording) -> None:
    """Leaves a grandchild behind, which nobody waits for: it has neither this run's session nor its descriptors."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            _let_go(listening.fileno(), file)
            _record(listening, file, path, recording)
    finally:
        os._exit(0)


def _let_go(*kept: int) -> None:
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    most = max(int(name) for name in os.listdir("/proc/self/fd"))
    for descriptor in range(3, most + 1):
        if descriptor not in kept:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    with contextlib.suppress(OSError):
        os.nice(10)


def _record(listening: socket.socket, file: int, path: str, recording: Recording) -> NoReturn:
    end, left, program = time.monotonic() + recording.seconds, recording.packets, recording.program
    room = os.fstat(file).st_size
    waiting = select.poll()
    waiting.register(listening, select.POLLIN)
    glance = 0.0
    while time.monotonic() < end and left:
        if time.monotonic() >= glance:
            if not os.fstat(file).st_nlink:
                os._exit(0)
            _note_lost(listening, file)
            glance = time.monotonic() + _GLANCE
        if not waiting.poll(_GLANCE * 1000):
            continue
        try:
            headers, (interface, _protocol, kind, *_link) = listening.recvfrom(LONGEST)
        except OSError:  # an interface went down, say
            continue
        heard = Heard(time.monotonic(), kind == _OUTGOING, interface, headers)
        kept, wanted = recording.keep(heard)
        if wanted is not program:
            attach(listening, wanted)
            program = wanted
        if kept:
            record = pack_heard(heard)
            left = left - 1 if os.lseek(file, 0, os.SEEK_CUR) + len(record) <= room else 0
            os.write(file, record if left else b"")
    if not left:
        os.pwrite(file, b"lost", LOST_AT)
    listening.close()
    _wait_to_be_taken(file, path, end)


def _note_lost(listening: socket.socket, file: int) -> None:
    """What the kernel had no room for is missing: the socket counts it until it is asked."""
    _packets, drops = struct.unpack("=II", listening.getsockopt(_SOL_PACKET, _STATISTICS, 8))
    if drops:
        os.pwrite(file, b"lost", LOST_AT)


def _wait_to_be_taken(file: int, path: str, end: float) -> NoReturn:
    while time.monotonic() < end and os.fstat(file).st_nlink:
        time.sleep(_GLANCE)
    with contextlib.suppress(OSError):
        os.unlink(path)
    os._exit(0)
