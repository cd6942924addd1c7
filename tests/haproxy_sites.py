# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites of HAProxy as the tests have them: files in memory, a layout in a folder, a HAProxy that runs them."""

from __future__ import annotations

import fnmatch
import http.server
import json
import signal
import socket
import ssl
import subprocess
import threading
import time

import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.language import HaproxyLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, SiteConfiguration, SiteLayout
from web_server import find_free_port

LANGUAGE = HaproxyLanguage()
BUILD = Build((2, 6, 12), (3, 0, 19), frozenset(("tls",)), "HAProxy version 2.6.12")
NOTHING = SiteConfiguration(())
DEFAULTS = "defaults\n    mode http\n    timeout connect 5s\n    timeout client 5s\n    timeout server 5s\n"
HOSTILE = """defaults
    mode tcp
    timeout connect 5s
    option forwardfor except 127.0.0.0/8 header X-Client
    default-server ssl verify none check send-proxy
    default_backend others
backend others
    mode tcp
    server a 127.0.0.1:1
"""


class MemoryFiles:
    """Files by their paths."""

    def __init__(self, found):
        self.found = dict(found)

    def texts(self, pattern):
        return [self.found[path] for path in sorted(self.found) if fnmatch.fnmatchcase(path, pattern)]

    def list_folder(self, path):
        return []

    def take(self, rendered):
        """Does what a render says."""
        for one in rendered:
            if one.text is None:
                self.found.pop(one.path)
            else:
                self.found[one.path] = one.text


def layout_in(folder):
    main = f"{folder}/haproxy.cfg"
    return SiteLayout(("haproxy",), "haproxy", "haproxy", main, block_in=main)


def render(files, sites, settings, removed=(), folder="/etc/haproxy", build=BUILD):
    return LANGUAGE.render(sites, removed, settings, build, layout_in(folder), NOTHING, files)


class Application(http.server.BaseHTTPRequestHandler):
    """Answers with the headers that it got, as JSON, and with HSTS of its own; echoes after an upgrade."""

    protocol_version = "HTTP/1.1"
    name = "application"

    def do_GET(self):
        if self.headers.get("Upgrade"):
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "upgrade")
            self.send_header("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            self.end_headers()
            self.wfile.write(b"echo " + self.rfile.read(5))
            self.close_connection = True
            return
        told = {"name": self.name, "path": self.path, "headers": self.headers.items()}
        content = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Strict-Transport-Security", "max-age=1")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *words):
        pass


def start_application(name="application", pem=None):
    """Returns the port of an application of that name, and its server; with ``pem`` it speaks HTTPS."""
    handler = type(name, (Application,), {"name": name})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1], server


def write_pem(folder, name, issued):
    path = folder / f"{name}.pem"
    path.write_bytes(issued.pem() + pki.intermediate().pem() + issued.key_pem())
    return str(path)


class Answer:
    """An answer's status, headers as (name, value) with small names, and content."""

    def __init__(self, raw):
        head, _blank, self.content = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [
            (name.lower(), value.strip()) for name, _colon, value in (one.partition(":") for one in lines[1:])
        ]

    def values(self, name):
        return [value for found, value in self.headers if found == name]

    def seen(self):
        """The headers that the application got, by small names, each a list."""
        headers = {}
        for name, value in json.loads(self.content)["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        return headers

    def application(self):
        return json.loads(self.content)["name"]


class RunningHaproxy:
    """A HAProxy on the ports ``port`` and ``http_port``, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.http_port = find_free_port(), find_free_port()
        self.process = None

    def serve(self, sites, settings, main=DEFAULTS):
        """Writes what is rendered, has haproxy test it, and starts it."""
        self.stop()
        files = MemoryFiles({f"{self.folder}/haproxy.cfg": main})
        for one in render(files, sites, settings, folder=self.folder):
            with open(one.path, "w", encoding="utf-8") as file:
                file.write(one.text)
        config = f"{self.folder}/haproxy.cfg"
        tested = subprocess.run(
            ["haproxy", "-c", "-f", config], capture_output=True, text=True, timeout=20, check=False
        )
        assert tested.returncode == 0, tested.stderr
        self.process = subprocess.Popen(["haproxy", "-db", "-f", config], stderr=subprocess.DEVNULL)
        for _attempt in range(200):
            try:
                for port in (self.http_port, self.port):
                    socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None, "haproxy ended"
                time.sleep(0.02)
        raise AssertionError("haproxy does not listen")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(timeout=10)
            self.process = None

    def connect(self, name, context=None, session=None, port=None, before=b""):
        """Returns a TLS connection with that server name; ``before`` is sent ahead of TLS."""
        if context is None:
            context = client_context()
        connection = socket.create_connection(("127.0.0.1", port or self.port), timeout=5)
        connection.sendall(before)
        return context.wrap_socket(connection, server_hostname=name, session=session)

    def ask(self, name, host=None, path="/", headers=(), **connecting):
        with self.connect(name, **connecting) as connection:
            return ask(connection, host or name, path, headers)

    def ask_plain(self, host, path="/", headers=()):
        with socket.create_connection(("127.0.0.1", self.http_port), timeout=5) as connection:
            return ask(connection, host, path, headers)


def client_context(pem=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if pem is not None:
        context.load_cert_chain(pem)
    return context


def ask(connection, host, path="/", headers=(), close=True):
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}", *headers, *(["Connection: close"] if close else [])]
    connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1"))
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += _receive(connection, raw)
    head, _blank, content = raw.partition(b"\r\n\r\n")
    length = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while length and len(content) < int(length[0]):
        content += _receive(connection, raw)
    return Answer(head + b"\r\n\r\n" + content)


def _receive(connection, before):
    part = connection.recv(65536)
    if not part:
        raise ConnectionError(f"the answer ended with {before!r}")
    return part
