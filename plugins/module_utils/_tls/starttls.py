# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has a mail server begin TLS on a plain connection, by the protocol of its port."""

from __future__ import annotations

import socket
from typing import Callable, Dict

_LONGEST, _MOST_LINES = 4096, 100


class NotOfferedError(OSError):
    """The server does not offer to begin TLS."""

    offered = False


def begin(connection: socket.socket, protocol: str) -> None:
    """Has the server begin TLS next, as ``smtp``, ``imap`` or ``pop3`` has it.

    Raises NotOfferedError where it does not offer that, or OSError. What follows its word is left to the handshake.
    """
    _BEGIN[protocol](_Conversation(connection))


class _Conversation:
    """Lines of text, read a byte at a time, so that none of what follows is taken."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, line: str) -> None:
        self._connection.sendall(f"{line}\r\n".encode("ascii"))

    def hear(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            one = self._connection.recv(1)
            if not one or len(line) > _LONGEST:
                raise OSError("it ended the conversation" if not one else "it speaks another protocol")
            line += one
        return line.decode("ascii", "replace").rstrip("\r\n")

    def hear_until(self, is_last: Callable[[str], bool]) -> str:
        """Returns all lines up to the last one."""
        heard = [self.hear()]
        while not is_last(heard[-1]):
            if len(heard) > _MOST_LINES:
                raise OSError("it speaks another protocol")
            heard.append(self.hear())
        return "\n".join(heard)


def _begin_smtp(server: _Conversation) -> None:
    """RFC 3207; a line of an answer that goes on has a dash behind its code (RFC 5321, 4.2)."""

    def answer(code: str, what: str) -> str:
        heard = server.hear_until(lambda line: line[3:4] != "-")
        if not heard.startswith(code):
            raise OSError(f"{what}: {heard.splitlines()[0]}")
        return heard

    answer("220", "it takes no mail")
    server.say("EHLO localhost")
    if "STARTTLS" not in (line[4:].upper().strip() for line in answer("250", "it greets nobody").splitlines()):
        raise NotOfferedError("it offers no STARTTLS")
    server.say("STARTTLS")
    answer("220", "it does not begin TLS")


def _begin_imap(server: _Conversation) -> None:
    """RFC 9051, 6.2.1."""
    greeting = server.hear()
    if not greeting.startswith("* OK"):
        raise OSError(f"it greets nobody: {greeting}")
    server.say("a STARTTLS")
    if not server.hear_until(lambda line: line.startswith("a ")).splitlines()[-1].startswith("a OK"):
        raise NotOfferedError("it offers no STARTTLS")


def _begin_pop3(server: _Conversation) -> None:
    """RFC 2595, 4."""
    greeting = server.hear()
    if not greeting.startswith("+OK"):
        raise OSError(f"it greets nobody: {greeting}")
    server.say("STLS")
    if not server.hear().startswith("+OK"):
        raise NotOfferedError("it offers no STLS")


_BEGIN: Dict[str, Callable[[_Conversation], None]] = {"imap": _begin_imap, "pop3": _begin_pop3, "smtp": _begin_smtp}
