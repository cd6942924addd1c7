# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Each web server that is known, by its program, for as long as a test takes."""

from __future__ import annotations

import contextlib
import shutil

from apache_site import Apache
from haproxy_site import Haproxy
from lighttpd_site import Lighttpd
from nginx_site import Nginx
from safe_folder import make_safe_folder, miss

SERVERS = {"nginx": Nginx, "apache2": Apache, "haproxy": Haproxy, "lighttpd": Lighttpd}
# lighttpd takes up a pair at a restart alone.
RELOADING = [program for program in SERVERS if program != "lighttpd"]


@contextlib.contextmanager
def run_server(program, collections_path):
    if shutil.which(program) is None:
        miss(f"{program} is not installed")
    with make_safe_folder() as folder:
        server = SERVERS[program](folder, collections_path)
        try:
            yield server
        finally:
            server.stop()
