# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers on loopback that behave, and that misbehave, for the length of a test."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from pathlib import Path
from typing import Callable, Iterator, Optional, Sequence

import pytest

Behaviour = Callable[[socket.socket], None]


class Servers:
    """Starts servers and knows their ports; everything ends with the test."""

    def __init__(self, folder: Path, until: contextlib.ExitStack) -> None:
        self._folder = folder
        self._until = until

    def raw(self, behaviour: Behaviour, address: str = "127.0.0.1", port: int = 0) -> int:
        """Starts a server that does ``behaviour`` with each connection, in a thread of its own; returns its port."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        listener = self._until.enter_context(socket.socket(family, socket.SOCK_STREAM))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(64)
        threading.Thread(target=_accept, args=(listener, behaviour), daemon=True).start()
        return int(listener.getsockname()[1])

    def https(self, *chain: bytes, key: bytes, address: str = "127.0.0.1", port: int = 0, **more: object) -> int:
        """Starts a server that shows this chain, leaf first; ``refused_names`` get an alert. Returns its port."""
        context = self.context(chain, key, **more)  # type: ignore[arg-type]
        return self.raw(lambda connection: answer_in_tls(context, connection), address, port)

    def context(
        self, chain: Sequence[bytes], key: bytes, refused_names: Sequence[str] = (), seconds: float = 0
    ) -> ssl.SSLContext:
        """Returns a server's context for the pair; ``seconds`` is how long it thinks about a name."""
        path = self._folder / "pair.pem"
        path.write_bytes(key + b"".join(chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)

        def choose(_session: ssl.SSLObject, name: Optional[str], _context: ssl.SSLContext) -> Optional[int]:
            time.sleep(seconds)
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name in refused_names else None

        context.sni_callback = choose
        return context

    def http(self, answer: str, address: str = "127.0.0.1", port: int = 0) -> int:
        """Starts a server that answers every request with ``answer``, PAGE in it being what was asked for."""

        def reply(connection: socket.socket) -> None:
            request = connection.recv(4096).decode("ascii", "replace").split()
            if request:  # else somebody only looked whether the port is open
                page = request[1] if request[0] == "GET" else ""
                connection.sendall(answer.replace("PAGE", page).encode("ascii", "replace"))

        return self.raw(reply, address, port)

    def deaf(self) -> int:
        """Returns a port on which a connection is never answered, as behind a firewall that drops."""
        listener = self._until.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _place in range(4):  # Linux drops a SYN once nobody takes what is in the queue
            queued = self._until.enter_context(socket.socket())
            queued.setblocking(False)
            queued.connect_ex(listener.getsockname())
        return int(listener.getsockname()[1])

    def free_port(self) -> int:
        """Returns a port on which nothing listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return int(taken.getsockname()[1])


def hang_up(connection: socket.socket) -> None:
    """Reads the client's first words and ends the connection in order."""
    connection.recv(4096)


def reset(connection: socket.socket) -> None:
    """Ends the connection with a reset."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stay_silent(connection: socket.socket) -> None:
    """Takes what comes and never says a word."""
    while connection.recv(4096):
        pass


def trickle(connection: socket.socket) -> None:
    """Answers HTTP, a byte now and then."""
    connection.recv(4096)
    for byte in b"HTTP/1.1 301 Moved\r\nX-Long: " + b"x" * 1000:
        connection.send(bytes([byte]))
        time.sleep(0.05)


def _accept(listener: socket.socket, behaviour: Behaviour) -> None:
    with contextlib.suppress(OSError):  # the test is over
        while True:
            connection, _address = listener.accept()
            threading.Thread(target=_serve, args=(connection, behaviour), daemon=True).start()


def _serve(connection: socket.socket, behaviour: Behaviour) -> None:
    with connection, contextlib.suppress(OSError):
        behaviour(connection)


def answer_in_tls(context: ssl.SSLContext, connection: socket.socket) -> None:
    with context.wrap_socket(connection, server_side=True) as session:
        session.recv(1)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Servers on loopback."""
    with contextlib.ExitStack() as until:
        yield Servers(tmp_path, until)
