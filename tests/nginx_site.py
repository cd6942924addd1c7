# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real nginx on loopback, with a configuration, a pid file and ports of its own, and the module run beside it."""

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
RUN = """
import json, sys
from ansible.module_utils import basic
from ansible_collections.port443.https.plugins.modules import certificate
basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": json.load(sys.stdin)}).encode()
basic._ANSIBLE_PROFILE = "legacy"
certificate.main()
"""
MAIN = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port} ssl default_server;
        listen [::1]:{port} ssl default_server;
        server_name other.example.com;
        ssl_certificate {folder}/other.crt;
        ssl_certificate_key {folder}/other.key;
    }}
    include sites/*.conf;
}}
"""
SITE = """
server {{
    listen 127.0.0.1:{port} ssl;
    listen [::1]:{port} ssl;
    server_name {name};
    ssl_certificate {store}/{name}/current/fullchain.pem;
    ssl_certificate_key {store}/{name}/current/privkey.pem;
}}
"""


class Web:
    """One nginx and one store, both in a folder of their own."""

    def __init__(self, folder, collections_path):
        self.folder = folder
        self.collections_path = collections_path
        self.store = folder / "store"
        self.config = folder / "nginx.conf"
        self.port = find_free_port()
        (folder / "sites").mkdir()
        other = pki.site("other.example.com", number=9)
        (folder / "other.crt").write_bytes(other.pem() + pki.intermediate().pem())
        (folder / "other.key").write_bytes(other.key_pem())
        self.config.write_text(MAIN.format(folder=folder, port=self.port))

    def add_site(self, name=NAME, text=SITE):
        (self.folder / "sites" / f"{name}.conf").write_text(text.format(port=self.port, store=self.store, name=name))

    def remove_site(self, name=NAME):
        (self.folder / "sites" / f"{name}.conf").unlink()

    def start(self):
        subprocess.run(["nginx", "-c", str(self.config)], check=True, timeout=20)

    def reload(self):
        subprocess.run(["nginx", "-s", "reload", "-c", str(self.config)], check=True, timeout=20)

    def pid(self):
        text = self.pid_file().read_text().strip() if self.pid_file().exists() else ""
        return int(text) if text else None

    def pid_file(self):
        return self.folder / "nginx.pid"

    def stop(self):
        pid = self.pid()
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        for _attempt in range(100):
            if not Path(f"/proc/{pid}").exists() or not self.pid_file().exists():
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

    def arguments(self, site, **options):
        given = {
            "name": NAME,
            "certificate": (site.pem() + pki.intermediate().pem()).decode(),
            "key": site.key_pem().decode(),
            "ca": pki.root().pem().decode(),
            "directory": str(self.store),
            "service_config": str(self.config),
            "prove_timeout": 3,
        }
        given.update(options)
        return {option: value for option, value in given.items() if value is not None}

    def install(self, site, check=False, **options):
        """Runs the module itself and returns its result."""
        return self.run(self.arguments(site, **options), check)

    def remove(self, check=False, **options):
        given = {"name": NAME, "state": "absent", "directory": str(self.store), "service_config": str(self.config)}
        return self.run(dict(given, **options), check)

    def run(self, arguments, check=False):
        return self.finish(self.begin(arguments, check))

    def begin(self, arguments, check=False, environment=None):
        started = subprocess.Popen(
            [sys.executable, "-c", RUN],
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
