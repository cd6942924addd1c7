# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real lighttpd on loopback, with a configuration, a pid file and ports of its own."""

from __future__ import annotations

import subprocess

from web_server import Web

MAIN = """
server.modules = ("mod_openssl", "mod_redirect")
server.document-root = "{folder}"
server.pid-file = "{folder}/server.pid"
server.username = "www-data"
server.groupname = "www-data"
server.bind = "127.0.0.1"
server.port = {port}
ssl.pemfile = "{folder}/other.crt"
ssl.privkey = "{folder}/other.key"
ssl.engine = "enable"
$SERVER["socket"] == "[::1]:{port}" {{ ssl.engine = "enable" }}
include "sites/*.conf"
"""
SITE = """
$HTTP["host"] == "{name}" {{
    ssl.pemfile = "{store}/{name}/current/fullchain.pem"
    ssl.privkey = "{store}/{name}/current/privkey.pem"
    url.redirect = ("" => "/")
    url.redirect-code = 410
}}
"""


class Lighttpd(Web):
    """One lighttpd and one store; it drops its rights after the start, as distributions have it."""

    service = "lighttpd"
    main = MAIN
    site = SITE
    answer = 410  # gone, which needs no page and no rights

    def spoil(self):
        (self.sites / "broken.conf").write_text('server.modules += ("no_such_directive")\n')

    def start(self):
        subprocess.run(["lighttpd", "-f", str(self.config)], check=True, timeout=20)

    def reload(self):
        self.stop()
        self.start()

    def reload_commands(self):
        return [f"lighttpd -tt -f {self.config}", f"lighttpd -f {self.config}"]
