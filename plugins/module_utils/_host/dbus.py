# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""D-Bus client over the system bus' socket: no command is started, which takes 0.3 s with firewall-cmd.

Wire format and authentication are those of the D-Bus specification, version 0.43.
"""

from __future__ import annotations

import os
import shlex
import socket
import struct
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.dbus_codec import Reader, Writer, split_types

BUS_SOCKET = "/run/dbus/system_bus_socket"
_TIMEOUT = 60.0
_AT_ONCE = 64  # the system bus lets a connection wait for 128 answers
_CALL, _RETURN, _ERROR = 1, 2, 3
_NO_AUTO_START = 2  # nothing is started that is not running
_PATH, _INTERFACE, _MEMBER, _ERROR_NAME, _REPLY_SERIAL, _DESTINATION, _SIGNATURE = 1, 2, 3, 4, 5, 6, 8
_LONGEST_LINE = 16384


@dataclass(frozen=True)
class Method:
    """A method of an object of a program on the bus, with its arguments.

    ``arguments`` are numbers, strings, sequences and dictionaries as ``signature`` says; a variant is a pair of
    signature and value.
    """

    destination: str
    path: str
    interface: str
    member: str
    signature: str = ""
    arguments: Tuple[Any, ...] = ()

    def __str__(self) -> str:
        words = ["busctl", "call", self.destination, self.path, self.interface, self.member]
        words += [self.signature, *_words(self.signature, self.arguments)] if self.signature else []
        return " ".join(map(shlex.quote, words))


def _words(signature: str, values: Sequence[Any]) -> List[str]:
    """The values as busctl takes them on a command line: arrays begin with their length, variants with their type."""
    words: List[str] = []
    for kind, value in zip(split_types(signature), values):
        if kind[0] == "a":
            inner = value.items() if isinstance(value, dict) else value
            words += [str(len(value)), *(word for one in inner for word in _words(kind[1:], (one,)))]
        elif kind[0] in "({":
            words += _words(kind[1:-1], value)
        elif kind == "v":
            words += [value[0], *_words(value[0], (value[1],))]
        else:
            words.append(str(value).lower() if kind == "b" else str(value))
    return words


@dataclass(frozen=True)
class Refusal:
    """The error that a method ended with, and what the program said."""

    name: str
    words: str


Answer = Union[Tuple[Any, ...], Refusal]
"""What a method returned (variants without their signature), or why it did not."""


def ask(methods: Sequence[Method], path: str = BUS_SOCKET) -> Tuple[Answer, ...]:
    """Calls methods one after the other and returns their answers; raises HostError where the bus cannot be reached."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(path)
            return _Conversation(connection).ask(methods)
    except socket.timeout:
        raise HostError(f"no answer came over D-Bus within {_TIMEOUT:.0f} seconds") from None
    except OSError as problem:
        raise HostError(f"the system's D-Bus cannot be reached at {path}: {describe_os_error(problem)}") from None


class _Conversation:
    """A connection from its authentication on."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = b""
        self._serial = 0
        self._authenticate()

    def _authenticate(self) -> None:
        """The kernel tells the bus who we are (SASL EXTERNAL), so that only the user's number is said."""
        user = str(os.geteuid()).encode("ascii").hex()
        self._connection.sendall(b"\0AUTH EXTERNAL " + user.encode("ascii") + b"\r\n")
        while b"\r\n" not in self._received and len(self._received) < _LONGEST_LINE:
            self._receive()
        line, _end, self._received = self._received.partition(b"\r\n")
        if not line.startswith(b"OK "):
            raise OSError(f"it answered {line[:80].decode('ascii', 'replace')!r}")
        self._connection.sendall(b"BEGIN\r\n")

    def ask(self, methods: Sequence[Method]) -> Tuple[Answer, ...]:
        """Introduces itself, then sends some calls at once and collects what comes back."""
        bus = "org.freedesktop.DBus"
        whole = [Method(bus, "/org/freedesktop/DBus", bus, "Hello"), *methods]
        answers: List[Answer] = []
        for start in range(0, len(whole), _AT_ONCE):
            answers += self._ask_some(whole[start : start + _AT_ONCE])
        if isinstance(answers[0], Refusal):
            raise OSError(answers[0].words)
        return tuple(answers[1:])

    def _ask_some(self, methods: Sequence[Method]) -> List[Answer]:
        first = self._serial + 1
        self._serial += len(methods)
        self._connection.sendall(b"".join(_encode(method, first + n) for n, method in enumerate(methods)))
        answers: Dict[int, Answer] = {}
        while len(answers) < len(methods):
            serial, answer = self._next_answer()
            if first <= serial <= self._serial:
                answers[serial] = answer
        return [answers[serial] for serial in sorted(answers)]

    def _next_answer(self) -> Tuple[int, Answer]:
        """Reads one message; one that is no answer (a signal) comes back with serial 0."""
        while True:
            message, self._received = _split(self._received)
            if message:
                return _decode(message)
            self._receive()

    def _receive(self) -> None:
        block = self._connection.recv(1 << 16)
        if not block:
            raise OSError("it closed the connection")
        self._received += block


def _encode(method: Method, serial: int) -> bytes:
    body = Writer()
    body.write_all(method.signature, method.arguments)
    fields = [
        (_PATH, ("o", method.path)),
        (_INTERFACE, ("s", method.interface)),
        (_MEMBER, ("s", method.member)),
        (_DESTINATION, ("s", method.destination)),
    ]
    if method.signature:
        fields.append((_SIGNATURE, ("g", method.signature)))
    head = Writer()
    flags = _NO_AUTO_START
    head.write_all("yyyyuua(yv)", (ord("l"), _CALL, flags, 1, len(body.content), serial, fields))
    head.align(8)
    return bytes(head.content + body.content)


def _split(received: bytes) -> Tuple[bytes, bytes]:
    """Returns the first whole message, empty if there is none yet, and the rest."""
    if len(received) < 16:
        return b"", received
    order = "<" if received[:1] == b"l" else ">"
    body, _serial, fields = struct.unpack_from(order + "III", received, 4)
    length = 16 + (fields + 7 & ~7) + body
    return (received[:length], received[length:]) if len(received) >= length else (b"", received)


def _decode(message: bytes) -> Tuple[int, Answer]:
    reader = Reader(message)
    _order, kind, _flags, _version, _length, _serial, pairs = reader.read_all("yyyyuua(yv)")
    fields = dict(pairs)
    reader.align(8)
    values = reader.read_all(fields.get(_SIGNATURE, ""))
    if kind == _RETURN:
        return fields[_REPLY_SERIAL], values
    if kind == _ERROR:
        words = values[0] if values and isinstance(values[0], str) else ""
        return fields[_REPLY_SERIAL], Refusal(fields[_ERROR_NAME], words)
    return 0, ()
