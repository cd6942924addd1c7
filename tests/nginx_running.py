# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real nginx of its own that serves rendered sites, and visitors who ask it."""

from __future__ import annotations

import dataclasses
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

import nginx_language
import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.site import PREFIX, ServerSettings, SiteLayout
from nginx_language import LANGUAGE, NOBODY
from web_server import find_free_port

MAIN = """user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{}}
http {{
    access_log off;
    include {folder}/enabled/*;
}}
"""


class DiskFiles:
    """The files of this machine, as the engine hands them to a language."""

    def find(self, pattern):
        return [(path, Path(path).read_text()) for path in sorted(glob.glob(pattern)) if Path(path).is_file()]

    def texts(self, pattern):
        return [text for _path, text in self.find(pattern)]

    def list_folder(self, path):
        return sorted(os.listdir(path)) if Path(path).is_dir() else []


@dataclasses.dataclass(frozen=True)
class Ca:
    """A CA of clients: the file that a site has, and a client's pair."""

    path: Path
    client: tuple[Path, Path]


def make_ca(folder, name):
    """Returns a new CA with a client of its own."""
    authority = pki.issue(f"CA {name}", ca=True, number=sum(name.encode()) + 200)
    client = pki.issue("client", issuer=authority, purposes=("client",))
    files = [folder / f"{name}.{ending}" for ending in ("ca.pem", "client.pem", "client.key")]
    for path, content in zip(files, (authority.pem(), client.pem(), client.key_pem())):
        path.write_bytes(content)
    return Ca(files[0], (files[1], files[2]))


class Answer:
    """What a visitor gets; ``status`` is None where the connection ends without an answer."""

    def __init__(self, connection):
        self.status, self.body, self._headers = None, b"", []
        response = http.client.HTTPResponse(connection)
        try:
            response.begin()
        except (http.client.BadStatusLine, ConnectionResetError, ssl.SSLEOFError):
            return
        self.status, self._headers = response.status, response.getheaders()
        self.body = response.fp.read(21) if self.status == 101 else response.read()
        tls = isinstance(connection, ssl.SSLSocket)
        self.session, self.resumed = (connection.session, connection.session_reused) if tls else (None, False)

    def all(self, name):
        return [value for header, value in self._headers if header.lower() == name]

    def json(self):
        assert self.status == 200, (self.status, self.body)
        return json.loads(self.body)


class Nginx:
    """One nginx with a folder, sites and ports of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port, self.plain_port = find_free_port(), find_free_port()
        self.web, self.users, self.root_ca = folder / "web", folder / "users", folder / "root.pem"
        challenges = folder / "acme" / ".well-known" / "acme-challenge"
        for path in (self.web, challenges, folder / "available", folder / "enabled"):
            path.mkdir(parents=True)
        (challenges / "token").write_text("proof")
        for name in ("html", "php"):
            (self.web / f"index.{name}").write_text("index")
        self.users.write_text("u:{PLAIN}p\n")
        self.root_ca.write_bytes(pki.root().pem())
        self.config = folder / "nginx.conf"
        self.config.write_text(MAIN.format(folder=folder))
        shutil.copy("/etc/nginx/fastcgi_params", folder)
        self.said = subprocess.run(["nginx", "-V"], capture_output=True, text=True, check=True).stderr
        self.build = LANGUAGE.read_build(self.said)
        places = {"written_to": f"{folder}/available", "linked_from": f"{folder}/enabled", "root": str(self.web)}
        self.layout = SiteLayout((), "nginx", "nginx", str(self.config), **places)

    def speaks(self, feature):
        return feature in self.build.features

    def pair(self, name):
        """Returns the paths of a certificate and its key for a name."""
        stored = self.folder / "store" / name
        if not stored.exists():
            stored.mkdir(parents=True)
            issued = pki.site(name)
            (stored / "fullchain.pem").write_bytes(issued.pem() + pki.intermediate().pem())
            (stored / "privkey.pem").write_bytes(issued.key_pem())
        return str(stored / "fullchain.pem"), str(stored / "privkey.pem")

    def site(self, name, **more):
        certificate, key = self.pair(name if len(name) < 60 else "long.test")
        return dataclasses.replace(nginx_language.make_site(name, **more), certificate=certificate, key=key)

    def closed_url(self):
        return f"http://127.0.0.1:{find_free_port()}"

    def render(self, sites, settings, build=None, removed=()):
        assert LANGUAGE.complaints(sites, settings) == ()
        return LANGUAGE.render(sites, removed, settings, build or self.build, self.layout, NOBODY, DiskFiles())

    def write(self, changes):
        for one in changes:
            path = Path(one.path)
            if one.link:
                path.unlink(missing_ok=True)
                path.symlink_to(one.link)
            elif one.text is None:
                path.unlink(missing_ok=True)
            else:
                path.write_text(one.text)

    def serve(self, sites, build=None, **settings):
        """Has exactly these sites served, by an nginx that is started anew."""
        self.stop()
        known = {"port": self.port, "http_port": self.plain_port, "acme_root": f"{self.folder}/acme"}
        gone = set(LANGUAGE.own_files(DiskFiles(), self.layout)) - {site.name for site in sites}
        self.write(self.render(sites, ServerSettings(**known, **settings), build, sorted(gone)))
        ended = subprocess.run(
            ["nginx", "-c", str(self.config)], capture_output=True, text=True, check=False, timeout=20
        )
        assert ended.returncode == 0, ended.stderr

    def test(self, config=None):
        command = ["nginx", "-t", "-c", str(config or self.config)]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)

    def test_text(self, text, sites):
        """Tests a text in http{}, with pairs and files of this machine in the places of those that it names."""
        for site in sites:
            for path, stored in zip((site.certificate, site.key), self.pair(site.name)):
                text = text.replace(path, stored)
        for path in ("/etc/nginx/clients.pem", "/etc/ssl/certs/ca-certificates.crt"):
            text = text.replace(path, str(self.root_ca))
        config = self.folder / "golden.conf"
        config.write_text(f"pid {self.folder}/golden.pid; events {{}}\nhttp {{\n{text}\n}}\n")
        return self.test(config)

    def held(self):
        """Returns what is there of ours."""
        return sorted(path.name for path in self.folder.glob(f"*/{PREFIX}*"))

    def forget(self):
        self.stop()
        for path in self.folder.glob(f"*/{PREFIX}*"):
            path.unlink()

    def stop(self):
        pid_file = self.folder / "nginx.pid"
        text = pid_file.read_text().strip() if pid_file.exists() else ""
        if not text:
            return
        os.kill(int(text), signal.SIGTERM)
        for _attempt in range(200):
            if not pid_file.exists():
                return
            time.sleep(0.02)
        raise AssertionError("nginx does not stop")

    def client(self, version=None, authority=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version:
            context.minimum_version = context.maximum_version = version
        if authority:
            context.load_cert_chain(*authority.client)
        return context

    def connect(self, name, client, session=None, first=b""):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        connection.sendall(first)
        return client.wrap_socket(connection, server_hostname=name, session=session)

    def ask(self, name, path="/", headers=(), client=None, session=None, first=b""):
        """Asks over HTTPS, over a connection of its own; ``first`` goes ahead of the handshake."""
        with self.connect(name, client or self.client(), session, first) as connection:
            return _ask(connection, name or "127.0.0.1", self.port, path, headers)

    def ask_plain(self, name, path="/", headers=()):
        with socket.create_connection(("127.0.0.1", self.plain_port), timeout=10) as connection:
            return _ask(connection, name, self.plain_port, path, headers)


def _ask(connection, name, port, path, headers):
    told = {"Host": f"{name}:{port}", "Connection": "close", **dict(headers)}
    lines = "".join(f"{header}: {value}\r\n" for header, value in told.items())
    connection.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
    return Answer(connection)
