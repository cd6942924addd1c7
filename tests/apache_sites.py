# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Apache with a ServerRoot of its own that serves what ApacheLanguage renders, and applications behind it."""

from __future__ import annotations

import base64
import contextlib
import glob
import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.language import ApacheLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ServerSettings,
    Site,
    SiteLayout,
)

MODULES = "/usr/lib/apache2/modules"
LANGUAGE = ApacheLanguage()
MAIN = """
ServerRoot {folder}
ServerName main.example.com
PidFile server.pid
ErrorLog error.log
LogLevel warn
DefaultRuntimeDir {folder}
Mutex file:{folder} default
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule mime_module {modules}/mod_mime.so
TypesConfig /dev/null
User www-data
Group www-data
<Directory />
    Require all denied
</Directory>
{more}
IncludeOptional sites/*.conf
"""


class DiskFiles:
    """The files of this machine."""

    def texts(self, pattern):
        return [Path(path).read_text() for path in sorted(glob.glob(pattern)) if os.path.isfile(path)]

    def list_folder(self, path):
        return sorted(os.listdir(path)) if os.path.isdir(path) else []


class SiteServer:
    """One Apache in a folder; ``more`` are lines of its administrator's."""

    def __init__(self, folder: Path, more: str = "") -> None:
        self.folder = folder
        self.main = folder / "main.conf"
        self.error_log = folder / "error.log"
        self.layout = SiteLayout((), "", "apache2ctl", str(self.main), str(folder / "sites"), root=str(folder / "www"))
        self.layout = SiteLayout(**{**vars(self.layout), "modules": MODULES})
        for name in ("sites", "www", "acme"):
            (folder / name).mkdir()
        self.main.write_text(MAIN.format(folder=folder, modules=MODULES, more=more))
        self.settings = ServerSettings(acme_root=str(folder / "acme"))
        Path("/run/lock").mkdir(exist_ok=True)  # what Debian's apache2ctl wants
        said = subprocess.run(["apache2ctl", "-v"], check=True, capture_output=True, text=True).stdout
        self.build = LANGUAGE.read_build(said) or Build(())

    def site(self, name: str, number: int = 1, **options) -> Site:
        """A site whose certificate is there."""
        pair = pki.site(name, number)
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(pair.pem() + pki.intermediate().pem())
        key.write_bytes(pair.key_pem())
        return Site(name, options.pop("names", (name,)), str(certificate), str(key), **options)

    def render(self, *sites, removed=()):
        others = LANGUAGE.read(DiskFiles(), self.layout)
        return LANGUAGE.render(sites, removed, self.settings, self.build, self.layout, others, DiskFiles())

    def write(self, *sites, removed=(), after=lambda: None):
        """Writes what is rendered, one file after the other; ``after`` is called after each."""
        for file in self.render(*sites, removed=removed):
            path = Path(file.path)
            path.unlink(missing_ok=True)
            if file.link:
                path.symlink_to(file.link)
            elif file.text is not None:
                path.write_text(file.text)
            after()

    def test(self) -> None:
        """Has Apache read the configuration; raises with its words."""
        tested = subprocess.run(
            [*LANGUAGE.test_command(self.layout)], check=False, capture_output=True, text=True, timeout=20
        )
        assert tested.returncode == 0, tested.stdout + tested.stderr

    @contextlib.contextmanager
    def running(self):
        self.test()
        started = subprocess.run(
            ["apache2ctl", "-f", str(self.main), "-k", "start"], check=False, capture_output=True, text=True, timeout=20
        )
        assert started.returncode == 0, started.stderr + self.error_log.read_text()
        pid_file = self.folder / "server.pid"
        for _attempt in range(100):
            if pid_file.exists():
                break
            time.sleep(0.05)
        try:
            yield self
        finally:
            pid = int(pid_file.read_text())
            os.kill(pid, signal.SIGTERM)
            for _attempt in range(400):
                if not is_alive(pid):
                    break
                time.sleep(0.05)

    def reload(self) -> bool:
        """Reloads and returns whether Apache has outlived that."""
        pid = int((self.folder / "server.pid").read_text())
        os.kill(pid, signal.SIGUSR1)
        time.sleep(1)
        return is_alive(pid)


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
