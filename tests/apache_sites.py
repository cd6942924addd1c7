# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Apache with a ServerRoot of its own that serves what ApacheLanguage renders."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pki
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.language import ApacheLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ServerSettings,
    Site,
    SiteLayout,
)
from visiting import DiskFiles, is_alive

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
            [self.layout.program, "-t", "-f", self.layout.main],
            check=False,
            capture_output=True,
            text=True,
            timeout=20,
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
