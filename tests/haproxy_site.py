# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real HAProxy on loopback, with a configuration, a pid file and ports of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from web_server import NAME, Web

GLOBAL = """
global
    pidfile {folder}/server.pid
    master-worker
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
"""
FRONTEND = """
frontend sites
    bind 127.0.0.1:{port},[::1]:{port} ssl crt {folder}/other.pem{certificates}
    http-request return status 200 content-type text/plain string hello
"""


class Haproxy(Web):
    """One HAProxy and one store; its sites are certificates of one frontend, the configuration a folder."""

    service = "haproxy"
    main = GLOBAL

    def __init__(self, folder, collections_path):
        super().__init__(folder, collections_path)
        (folder / "other.pem").write_bytes((folder / "other.crt").read_bytes() + (folder / "other.key").read_bytes())
        self.config.rename(self.sites / "0.cfg")
        self.config = self.sites
        self.names = []
        self._write()

    def add_site(self, name=NAME, text=None):
        self.names.append(name)
        self._write()

    def remove_site(self, name=NAME):
        self.names.remove(name)
        self._write()

    def _write(self):
        certificates = "".join(f" crt {self.store}/{name}/current/haproxy.pem" for name in self.names)
        text = FRONTEND.format(folder=self.folder, port=self.port, certificates=certificates)
        (self.sites / "1.cfg").write_text(text)

    def spoil(self):
        (self.sites / "2.cfg").write_text("no_such_directive on\n")

    def start(self):
        subprocess.run(["haproxy", "-D", "-f", str(self.config)], check=True, timeout=20)
        for _attempt in range(100):
            if self.pid():
                return
            time.sleep(0.05)

    def reload(self):
        os.kill(self.pid(), signal.SIGUSR2)

    def reload_commands(self):
        return [f"haproxy -c -f {self.config}", f"kill -USR2 {self.pid()}"]
