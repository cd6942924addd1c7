# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real Apache on loopback, with a configuration, a pid file and ports of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from web_server import Web

MAIN = """
ServerRoot {folder}
ServerName localhost
PidFile server.pid
ErrorLog error.log
DefaultRuntimeDir {folder}
Mutex file:{folder} default
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so
LoadModule ssl_module /usr/lib/apache2/modules/mod_ssl.so
LoadModule alias_module /usr/lib/apache2/modules/mod_alias.so
User www-data
Group www-data
Listen 127.0.0.1:{port}
Listen [::1]:{port}
<VirtualHost *:{port}>
    ServerName other.example.com
    SSLEngine on
    SSLCertificateFile {folder}/other.crt
    SSLCertificateKeyFile {folder}/other.key
</VirtualHost>
IncludeOptional sites/*.conf
"""
SITE = """
<VirtualHost *:{port}>
    ServerName {name}
    SSLEngine on
    SSLCertificateFile {store}/{name}/current/fullchain.pem
    SSLCertificateKeyFile {store}/{name}/current/privkey.pem
    Redirect gone /
</VirtualHost>
"""


class Apache(Web):
    """One Apache and one store."""

    service = "apache"
    main = MAIN
    site = SITE
    answer = 410  # gone, which needs no page and no rights

    def start(self):
        Path("/run/lock").mkdir(exist_ok=True)
        subprocess.run(["apache2ctl", "-k", "start", "-f", str(self.config)], check=True, timeout=20)
        for _attempt in range(100):
            if self.pid_file().exists():
                return
            time.sleep(0.05)

    def reload(self):
        os.kill(self.pid(), signal.SIGUSR1)

    def reload_commands(self):
        return [f"apache2ctl -t -f {self.config}", f"kill -USR1 {self.pid()}"]
