# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What servers write down about a start or a reload that came to nothing, told with the failure."""

from __future__ import annotations

import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers import server_log
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog

# As nginx 1.22, Apache 2.4, HAProxy 2.6 (by its journal) and lighttpd 1.4 write them, on Debian 12.
NGINX = "2026/11/29 12:02:03 [emerg] 70#70: bind() to 0.0.0.0:443 failed (98: Address already in use)"
APACHE = (
    "[Sun Nov 29 12:02:03.123456 2026] [core:error] [pid 70] (98)Address already in use: AH00072: make_sock: could not "
    "bind to address [::]:443"
)
HAPROXY = "[ALERT]    (70) : Binding [/etc/haproxy/haproxy.cfg:20] for frontend a: cannot bind socket (Address in use)"
LIGHTTPD = "2026-11-29 12:02:03: (network.c.621) bind() 0.0.0.0:443: Address already in use"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (NGINX, NGINX[20:]),
        (APACHE, APACHE[34:]),
        (HAPROXY, HAPROXY),
        (LIGHTTPD, LIGHTTPD[21:]),
        ("2026/11/29 12:02:03 [notice] 70#70: signal process started", ""),
        (
            '2026/11/29 12:02:03 [error] 70#70: *1 open() "/x" failed (2: None), client: 192.0.2.1, server: a',
            "",
        ),
        ("[Sun Nov 29 12:02:03.1 2026] [core:error] [pid 70] [client 192.0.2.1:5] AH00126: Invalid URI", ""),
        ("2026-11-29 12:02:03: (server.c.1939) server started (lighttpd/1.4.69)", ""),
        ("[emerg] \x1b[2J", "[emerg] \\x1b[2J"),
    ],
)
def test_errors_are_told_as_they_were_written(tmp_path, line, told):
    path = tmp_path / "error.log"
    log = ServerLog(Host(), (str(path),))
    path.write_text("[emerg] of old\n")
    mark = log.begin()
    assert log.tell_since(mark) == ""
    with path.open("a") as stream:
        stream.write(line + "\n")
    assert log.tell_since(mark) == (f"; its own log says: {told}" if told else "")


def test_a_log_that_was_begun_anew_is_read_from_its_beginning(tmp_path):
    path = tmp_path / "error.log"
    path.write_text("[emerg] of old, and long\n")
    log = ServerLog(Host(), (str(path), str(tmp_path / "missing")))
    mark = log.begin()
    (tmp_path / "new").write_text("[emerg] new\n")
    os.replace(tmp_path / "new", path)
    assert log.tell_since(mark) == "; its own log says: [emerg] new"


def test_of_many_lines_the_last_ones_are_told_once(tmp_path):
    path = tmp_path / "error.log"
    log = ServerLog(Host(), (str(path),))
    mark = log.begin()
    path.write_text("".join(f"[emerg] {number} {'x' * 400}\n" for number in (1, 2, 3, 4, 5, 5)))
    lines = log.tell_since(mark).partition(": ")[2].split(" / ")
    assert [line[:9] for line in lines] == [f"[emerg] {number}" for number in (2, 3, 4, 5)]
    assert max(map(len, lines)) == 300


class Journal(Host):
    """A host of systemd."""

    def find(self, name):
        return f"/usr/bin/{name}"

    def run(self, argv, stdin=""):
        self.asked = argv
        return Completed(argv, 0, f"Starting\n{HAPROXY}\n", "")


def test_the_journal_is_asked_for_the_servers_processes(monkeypatch):
    monkeypatch.setattr(server_log.os.path, "isdir", lambda path: path == "/run/systemd/system")
    host = Journal()
    log = ServerLog(host, (), ("apache2", "httpd"))
    mark = log.begin()
    assert log.tell_since(mark) == f"; its own log says: {HAPROXY}"
    assert host.asked[-3:] == ("_COMM=apache2", "+", "_COMM=httpd")
    assert f"--since=@{int(mark.moment)}" in host.asked
