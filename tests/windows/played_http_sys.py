# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays http.sys: shows, in real handshakes at loopback, what the bindings of a played host say."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from played_certificates import thumbprint

# What a program behind it answers whoever asks for a page.
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class HttpSys:
    """Shows, in handshakes at loopback, what the bindings of the played host say; a name before an address for all."""

    def __init__(self, windows, issued):
        self._windows = windows
        self._known = {thumbprint(one): one for one in issued}
        self._stop = threading.Event()
        self.port = 0

    @contextlib.contextmanager
    def listening(self):
        sockets = self._open()
        threads = [threading.Thread(target=self._serve, args=(one,), daemon=True) for one in sockets]
        for thread in threads:
            thread.start()
        try:
            yield self.port
        finally:
            self._stop.set()
            for one in sockets:
                one.close()
            for thread in threads:
                thread.join(timeout=5)

    def _open(self):
        first = socket.create_server(("127.0.0.1", 0))
        self.port = first.getsockname()[1]
        second = socket.create_server(("::1", self.port), family=socket.AF_INET6)
        for one in (first, second):
            one.settimeout(0.2)
        return first, second

    def _serve(self, listener):
        while not self._stop.is_set():
            try:
                connection, _peer = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(3)
                self._shake(connection, ":" in listener.getsockname()[0])

    def _shake(self, connection, six):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chosen = {}

        def choose(tls, name, _context):
            found = self._find(name, six)
            if found not in self._known:
                return ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
            tls.context = self._context(found)
            chosen["it"] = found
            return None

        context.sni_callback = choose
        fallback = self._find(None, six)
        if fallback in self._known:
            context = self._context(fallback)
            context.sni_callback = choose
        with context.wrap_socket(connection, server_side=True) as visitor:
            if visitor.recv(4096):
                visitor.sendall(ANSWER)

    def _context(self, digest):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self._known[digest]
        path = self._windows.folder / f"{digest}.{threading.get_ident()}.pem"
        path.write_bytes(issued.pem() + issued.key_pem())
        context.load_cert_chain(path)
        return context

    def _find(self, name, six):
        bound = self._windows.bound()
        places = [f"{name}:{self.port}"] if name else []
        places.append(f"[::]:{self.port}" if six else f"0.0.0.0:{self.port}")
        return next((bound[place] for place in places if place in bound), None)
