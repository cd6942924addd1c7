# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scripts of a site run in Debian's php-fpm, behind each server that speaks FastCGI."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from served_sites import BLOG, pair, served_sites

SOCKET, FILES = "/run/php-of-a-test.sock", "/run/php-of-a-test"
POOL = f"""
[global]
daemonize = no
error_log = /dev/stderr
[www]
user = www-data
group = www-data
listen = {SOCKET}
listen.owner = www-data
pm = static
pm.max_children = 2
"""
SCRIPT = """<?php
header("Content-Type: application/json");
echo json_encode(["server" => $_SERVER, "get" => $_GET, "body" => file_get_contents("php://input")]);
"""
CONDUCT = """
mkdir -p {0}/app
cp index.php {0}/app/index.php
cp index.php {0}/app/picture.jpg
echo text >{0}/app/text.txt
echo home >{0}/index.html
"""


def find_php():
    """Debian's php-fpm has its release in its name."""
    found = sorted(path for folder in ("/usr/sbin", "/usr/local/sbin") for path in Path(folder).glob("php-fpm*"))
    return str(found[-1]) if found else shutil.which("php-fpm")


@contextlib.contextmanager
def running_php(machine):
    (machine.folder / "pool.conf").write_text(POOL)
    (machine.folder / "index.php").write_text(SCRIPT)
    assert machine.run("sh", "-euc", CONDUCT.format(FILES)).returncode == 0
    php = find_php()
    assert php, "tools/packages php-fpm installs it"
    started = subprocess.Popen([*machine.inside, php, "-F", "-y", str(machine.folder / "pool.conf")])
    try:
        deadline = time.monotonic() + 20
        while machine.run("test", "-S", SOCKET).returncode:
            assert started.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        started.terminate()
        started.wait()


@pytest.mark.parametrize("server", ["nginx", "apache", "lighttpd"])
def test_scripts_that_are_there_are_run_and_nothing_else(server, tmp_path, collections_path):
    site = {"name": BLOG, **pair(BLOG, 2), "root": FILES, "locations": [{"path": "/app/", "php": SOCKET}]}
    with served_sites(server, tmp_path, collections_path) as sites, running_php(sites.machine):
        assert sites.run(site)["sites"][0]["served"] == "yes"
        for path in ("/app/index.php?a=b%20c", "/app/?a=b%20c"):
            status, body, _said = sites.get(BLOG, path, "-H", "Proxy: http://evil", "-d", "posted")
            assert status == 200, body
            told = json.loads(body)
            assert (told["get"], told["body"]) == ({"a": "b c"}, "posted")
            seen = told["server"]
            assert seen["SCRIPT_FILENAME"] == f"{FILES}/app/index.php"
            assert (seen["SCRIPT_NAME"], seen["REQUEST_METHOD"]) == ("/app/index.php", "POST")
            assert (seen["REQUEST_URI"], seen["HTTPS"].lower()) == (path, "on")
            assert (seen["REMOTE_ADDR"], "HTTP_PROXY" in seen) == ("127.0.0.1", False)
        assert sites.get(BLOG, "/app/text.txt")[:2] == (200, "text\n")
        # Of a picture with a script in it no path makes a program.
        for path in ("/app/picture.jpg", "/app/picture.jpg/x.php"):
            status, body, _said = sites.get(BLOG, path)
            assert not body.startswith("{"), (path, body)
        assert sites.get(BLOG, "/app/none.php")[0] == 404
        assert sites.get(BLOG, "/index.html")[:2] == (200, "home\n")
        assert sites.run(site)["changed"] is False


def test_haproxy_refuses_php_and_says_what_would_work(tmp_path, collections_path):
    site = {"name": BLOG, **pair(BLOG, 2), "proxy_pass": ["http://127.0.0.1:8082"]}
    with served_sites("haproxy", tmp_path, collections_path) as sites:
        before = sites.files()
        refused = sites.run({**site, "locations": [{"path": "/app/", "php": SOCKET}]})
        assert refused["failed"], refused
        assert "HAProxy serves no files" in refused["msg"], refused["msg"]
        assert sites.files() == before
