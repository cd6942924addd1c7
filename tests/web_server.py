# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real web server on loopback, with a configuration and a port of its own, and the module run beside it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pki

NAME = "www.example.com"
RUN = Path(__file__).with_name("run_certificate.py")


class Web:
    """One server and one store, both in a folder of their own; what differs between servers is in the classes below."""

    service: str
    main: str
    answer = 200
    site: str

    def __init__(self, folder, collections_path):
        self.folder = folder
        self.collections_path = collections_path
        self.store = folder / "store"
        self.port = find_free_port()
        self.sites = folder / "sites"
        self.sites.mkdir()
        other = pki.site("other.example.com", number=9)
        (folder / "other.crt").write_bytes(other.pem() + pki.intermediate().pem())
        (folder / "other.key").write_bytes(other.key_pem())
        self.config = folder / f"{self.service}.conf"
        self.config.write_text(self.main.format(folder=folder, port=self.port))

    def add_site(self, name=NAME, text=None):
        values = {"port": self.port, "store": self.store, "name": name, "folder": self.folder}
        (self.sites / f"{name}.conf").write_text((text or self.site).format(**values))

    def remove_site(self, name=NAME):
        (self.sites / f"{name}.conf").unlink()

    def spoil(self):
        """Makes a configuration that does not pass its test."""
        (self.sites / "broken.conf").write_text("no_such_directive on;\n")

    def start(self):
        raise NotImplementedError

    def reload(self):
        raise NotImplementedError

    def reload_commands(self):
        """What the module says it ran, or would run."""
        raise NotImplementedError

    def pid(self):
        text = self.pid_file().read_text().strip() if self.pid_file().exists() else ""
        return int(text) if text else None

    def pid_file(self):
        return self.folder / "server.pid"

    def stop(self):
        pid = self.pid()
        if pid is None or not Path(f"/proc/{pid}").exists():
            return
        os.kill(pid, signal.SIGTERM)
        for _attempt in range(100):
            if not Path(f"/proc/{pid}").exists():
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)

    def served(self, address="127.0.0.1", name=NAME):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection((address, self.port), timeout=5) as connection, context.wrap_socket(
            connection, server_hostname=name
        ) as session:
            return hashlib.sha256(session.getpeercert(binary_form=True)).hexdigest()

    def ask(self, name=NAME):
        """Requests a page over a connection of its own, as a visitor does, and returns the answer's status."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection, context.wrap_socket(
            connection, server_hostname=name
        ) as session:
            session.sendall(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
            said = b""
            while b"\r\n" not in said:
                part = session.recv(4096)
                if not part:
                    raise ConnectionError(f"the answer ended with {said!r}")
                said += part
            return int(said.split()[1])

    def arguments(self, site, **options):
        given = {
            "name": NAME,
            "certificate": (site.pem() + pki.intermediate().pem()).decode(),
            "key": site.key_pem().decode(),
            "ca": pki.root().pem().decode(),
            "directory": str(self.store),
            "service": self.service,
            "service_config": str(self.config),
            "prove_timeout": 3,
        }
        given.update(options)
        return {option: value for option, value in given.items() if value is not None}

    def install(self, site, check=False, **options):
        """Runs the module itself and returns its result."""
        return self.run(self.arguments(site, **options), check)

    def remove(self, check=False, **options):
        given = {"name": NAME, "state": "absent", "directory": str(self.store)}
        given.update(service=self.service, service_config=str(self.config))
        return self.run(dict(given, **options), check)

    def tell(self, **options):
        """Runs the module certificate_info and returns its sites."""
        given = {"directory": str(self.store), "service": self.service, "service_config": str(self.config)}
        return self.finish(self.begin(dict(given, **options), module="certificate_info"))

    def run(self, arguments, check=False):
        return self.finish(self.begin(arguments, check))

    def begin(self, arguments, check=False, environment=None, module="certificate"):
        started = subprocess.Popen(
            [sys.executable, str(RUN), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=dict(os.environ, PYTHONPATH=str(self.collections_path), **(environment or {})),
        )
        given = dict(arguments, _ansible_check_mode=check, _ansible_diff=True, _ansible_selinux_special_fs=[])
        started.stdin.write(json.dumps(given).encode())
        started.stdin.close()
        started.stdin = None
        return started

    def finish(self, started):
        said = started.communicate(timeout=120)[0].decode().strip()
        assert said.startswith("{"), said
        result = json.loads(said)
        # Warnings are objects since ansible-core 2.19; their words are what matters here.
        result["warnings"] = [
            one if isinstance(one, str) else one["event"]["msg"] for one in result.get("warnings", [])
        ]
        return result

    def contents(self):
        """Everything in the store: paths with the targets of links and the modes and content of files."""
        found = {}
        for path in sorted(self.store.rglob("*")) if self.store.exists() else []:
            name = str(path.relative_to(self.store))
            if path.is_symlink():
                found[name] = os.readlink(path)
            elif path.is_file():
                found[name] = (path.stat().st_mode & 0o7777, path.read_bytes())
            else:
                found[name] = path.stat().st_mode & 0o7777
        return found


def find_free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
