# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is around a web server of a test: its files, visitors and their certificates, applications behind it."""

from __future__ import annotations

import base64
import contextlib
import glob
import hashlib
import json
import os
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pki


class DiskFiles:
    """The files of this machine."""

    def find(self, pattern):
        return [(path, Path(path).read_text()) for path in sorted(glob.glob(pattern)) if os.path.isfile(path)]

    def texts(self, pattern):
        return [text for _path, text in self.find(pattern)]

    def list_folder(self, path):
        return sorted(os.listdir(path)) if os.path.isdir(path) else []


def page(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def make_client(folder: Path, name: str):
    """A CA of clients, as a file, and a client of it, as paths."""
    ca = pki.issue(f"{name} CA", ca=True, number=200 + len(name))
    client = pki.issue(name, issuer=ca, purposes=("client",), number=300 + len(name))
    paths = [folder / f"{name}.{end}" for end in ("ca", "crt", "key")]
    for path, content in zip(paths, (ca.pem(), client.pem(), client.key_pem())):
        path.write_bytes(content)
    return str(paths[0]), (str(paths[1]), str(paths[2]))


def is_alive(pid: int) -> bool:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


class Answer:
    """A response: its status, its headers as (name in small letters, value), its body."""

    def __init__(self, raw: bytes) -> None:
        head, _end, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [
            (name.lower(), value.strip()) for name, _colon, value in (one.partition(":") for one in lines[1:])
        ]

    def all(self, name: str):
        return [value for given, value in self.headers if given == name]

    def told(self):
        """What an application says that it got: its headers, names in small letters."""
        return json.loads(self.body)


def tls_context(client=None, version=None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if client:
        context.load_cert_chain(*client)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def open_tls(name, *, port=443, context=None, session=None, address="127.0.0.1", first=b""):
    plain = socket.create_connection((address, port), timeout=10)
    plain.sendall(first)
    return (context or tls_context()).wrap_socket(plain, server_hostname=name, session=session)


def ask(name, path="/", *, host=None, headers=(), port=443, tls=True, first=b"", **how) -> Answer:
    """Asks for a path; ``name`` is SNI's, ``host`` the Host if it is another, ``first`` goes before it all."""
    request = [f"GET {path} HTTP/1.1", f"Host: {host or name}"]
    request += (
        headers if any(one.lower().startswith("connection:") for one in headers) else [*headers, "Connection: close"]
    )
    if tls:
        connection = open_tls(name, port=port, first=first, **how)
    else:
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        connection.sendall(first)
    with connection:
        connection.sendall(("\r\n".join(request) + "\r\n\r\n").encode())
        return Answer(read_all(connection))


def read_all(connection) -> bytes:
    """Reads until the end, or until the body is there that Content-Length promises."""
    raw = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            head, end, body = raw.partition(b"\r\n\r\n")
            wanted = [
                line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
            ]
            if end and wanted and len(body) >= int(wanted[0]):
                break
            got = connection.recv(65536)
            if not got:
                break
            raw += got
    return raw


class _Application(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._upgrade()
            return
        told = {"path": self.path, "number": self.server.number}
        told.update({name.lower(): value for name, value in self.headers.items()})
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()
        self.wfile.write(body)

    def _upgrade(self):
        key = self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())  # noqa: S324
        self.end_headers()
        self.wfile.write(b"echo " + self.connection.recv(100))
        self.close_connection = True

    def log_message(self, *_words):
        pass


@contextlib.contextmanager
def application(number=0, pair=None):
    """An application on loopback, over TLS with a pair of paths; yields its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Application)
    server.number = number
    if pair:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pair)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
