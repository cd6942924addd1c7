# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real lighttpd with a main file of its own that serves what LighttpdLanguage renders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.language import LighttpdLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ServerSettings,
    Site,
    SiteLayout,
)
from visiting import DiskFiles, is_alive

PROGRAM = os.environ.get("PORT443_LIGHTTPD", "lighttpd")  # another release than the distribution's, to try it
MODULES = os.environ.get("PORT443_LIGHTTPD_MODULES", "/usr/lib/lighttpd")
LANGUAGE = LighttpdLanguage()
# What a visitor may say of himself; the last one is for the application.
SPOOFED = [f"{name}: 198.51.100.1" for name in ("X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded")]
SPOOFED += ["X-Forwarded-Proto: ftp", "X-Forwarded-Port: 1", "X-Own: kept"]
MAIN = """
server.modules = ("mod_indexfile", "mod_access", "mod_alias", "mod_redirect")
server.document-root = "{folder}/default"
server.errorlog = "{folder}/error.log"
server.pid-file = "{folder}/server.pid"
server.username = "www-data"
server.groupname = "www-data"
server.port = 8000
index-file.names = ("index.html")
{more}
include "sites/*.conf"
server.modules += ("mod_staticfile")
"""


@contextlib.contextmanager
def site_server():
    """One in a folder where www-data gets in."""
    folder = Path(tempfile.mkdtemp(dir="/run"))
    folder.chmod(0o755)
    try:
        yield SiteServer(folder)
    finally:
        shutil.rmtree(folder)


class SiteServer:
    """One lighttpd in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.main = folder / "main.conf"
        self.error_log = folder / "error.log"
        self.layout = SiteLayout((), "", PROGRAM, str(self.main), str(folder / "sites"), root=str(folder / "www"))
        for name in ("sites", "www", "acme", "default"):
            (folder / name).mkdir()
        self.error_log.touch()
        shutil.chown(self.error_log, "www-data")
        self.administer("")
        self.settings = ServerSettings(acme_root=str(folder / "acme"))
        said = subprocess.run([PROGRAM, "-V"], check=True, capture_output=True, text=True).stdout
        self.build = LANGUAGE.read_build(said) or Build(())

    def administer(self, more: str) -> None:
        """Writes the main file with lines of its administrator's in it."""
        self.main.write_text(MAIN.format(folder=self.folder, more=more))

    def site(self, name: str, number: int = 1, **options) -> Site:
        """A site whose certificate is there, and its key for root alone."""
        pair = options.pop("pair", None) or pki.site(name, number)
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        certificate.write_bytes(pair.pem() + pki.intermediate().pem())
        key.touch(0o600)
        key.write_bytes(pair.key_pem())
        return Site(name, options.pop("names", (name,)), str(certificate), str(key), **options)

    def set(self, **settings) -> None:
        self.settings = replace(self.settings, **settings)

    def render(self, *sites, removed=()):
        assert LANGUAGE.complaints(sites, self.settings) == ()
        others = LANGUAGE.read(DiskFiles(), self.layout)
        return LANGUAGE.render(sites, removed, self.settings, self.build, self.layout, others, DiskFiles())

    def write(self, *sites, removed=(), after=lambda: None):
        """Writes what is rendered, one file after the other; ``after`` is called after each."""
        for file in self.render(*sites, removed=removed):
            path = Path(file.path)
            path.unlink(missing_ok=True)
            if file.text is not None:
                path.write_text(file.text)
            after()

    def test(self) -> str:
        """Has lighttpd read the configuration and set itself up with it; returns what it warned of."""
        tested = self._run("-tt")
        assert tested.returncode == 0, tested.stdout + tested.stderr
        return tested.stderr

    def _run(self, *flags):
        argv = [PROGRAM, *flags, "-f", str(self.main), "-m", MODULES]
        return subprocess.run(argv, check=False, capture_output=True, text=True, timeout=20)

    @contextlib.contextmanager
    def running(self):
        self.test()
        started = self._run()
        assert started.returncode == 0, started.stderr + self.error_log.read_text()
        try:
            yield self
        finally:
            pid = int((self.folder / "server.pid").read_text())
            os.kill(pid, signal.SIGTERM)
            for _attempt in range(400):
                if not is_alive(pid):
                    break
                time.sleep(0.05)
