# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A real nginx on loopback, with a configuration, a pid file and ports of its own."""

from __future__ import annotations

import subprocess

from web_server import Web

MAIN = """
pid {folder}/server.pid;
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
    location / {{ return 200 hello; }}
}}
"""


class Nginx(Web):
    """One nginx and one store."""

    service = "nginx"
    main = MAIN
    site = SITE

    def start(self):
        subprocess.run(["nginx", "-c", str(self.config)], check=True, timeout=20)

    def reload(self):
        subprocess.run(["nginx", "-s", "reload", "-c", str(self.config)], check=True, timeout=20)

    def reload_commands(self):
        return [f"nginx -t -c {self.config}", f"nginx -s reload -c {self.config}"]
