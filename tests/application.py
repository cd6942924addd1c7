# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application behind a web server that answers with what it was told: over HTTP, HTTPS, a websocket or FastCGI."""

from __future__ import annotations

import http.server
import json
import socketserver
import ssl
import struct
import threading

BEGIN_REQUEST, END_REQUEST, PARAMETERS, STDIN, STDOUT = 1, 3, 4, 5, 6  # fastcgi-archives.github.io, 8


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", self.headers.get("Connection"))
            self.end_headers()
            self.wfile.write(b"hello over the socket")
            self.close_connection = True
            return
        told = {"headers": {name.lower(): value for name, value in self.headers.items()}, "sni": self.server.sni}
        body = json.dumps(told).encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Says nothing: what was asked is in the answer."""


class _FastCgi(socketserver.StreamRequestHandler):
    def handle(self):
        parameters = b""
        while True:
            kind, content = self._read()
            parameters += content if kind == PARAMETERS else b""
            if kind == STDIN and not content:
                break
        answer = b"Content-Type: application/json\r\n\r\n" + json.dumps(_decode(parameters)).encode()
        self._write(STDOUT, answer)
        self._write(STDOUT, b"")
        self._write(END_REQUEST, bytes(8))

    def _read(self):
        _version, kind, _request, length, padding, _reserved = struct.unpack("!BBHHBB", self.rfile.read(8))
        content = self.rfile.read(length)
        self.rfile.read(padding)
        return kind, content

    def _write(self, kind, content):
        self.wfile.write(struct.pack("!BBHHBB", 1, kind, 1, len(content), 0, 0) + content)


def _decode(content):
    """Returns FastCGI's name-value pairs."""
    pairs, at = {}, 0
    while at < len(content):
        lengths = []
        for _of in ("name", "value"):
            long = content[at] >> 7
            lengths.append(struct.unpack_from("!I", content, at)[0] & 0x7FFFFFFF if long else content[at])
            at += 4 if long else 1
        name, value = content[at : at + lengths[0]], content[at + lengths[0] : at + sum(lengths)]
        pairs[name.decode()] = value.decode()
        at += sum(lengths)
    return pairs


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    sni = None


class Application:
    """One on a free port of loopback; ``pair`` (certificate, key) makes it speak TLS."""

    def __init__(self, pair=None, fastcgi=False):
        self._server = _Server(("127.0.0.1", 0), _FastCgi if fastcgi else _Handler)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.place}"
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            context.sni_callback = lambda _socket, name, _context: setattr(self._server, "sni", name)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.url = f"https://localhost:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_failure):
        self._server.shutdown()
        self._server.server_close()
