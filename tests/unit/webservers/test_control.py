# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A service is tested and reloaded as it was found, by what was returned then; the service itself remembers nothing."""

from __future__ import annotations

import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers.base import WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import SERVICES, choose_service

WANTED = WantedPair("/etc/port443/www.example.com", "www.example.com", ())
CONFIGURATIONS = {
    "apache": ("/etc/apache2/apache2.conf", "PidFile /run/x.pid\n{}"),
    "haproxy": ("/etc/haproxy/haproxy.cfg", "global\n  master-worker\n{}"),
    "lighttpd": ("/etc/lighttpd/lighttpd.conf", 'server.pid-file = "/run/x.pid"\n{}'),
    "nginx": ("/etc/nginx/nginx.conf", "pid /run/x.pid;\n{}"),
}
PROGRAMS = {"apache": "apache2"}
HOST = "<VirtualHost *:443>\nSSLEngine on\nSSLCertificateFile {}\n</VirtualHost>\n"


class ServingHost(Host):
    """A host whose server of one kind has this process's number, and a configuration that can be exchanged."""

    def __init__(self, kind, more=""):
        path, self.text = CONFIGURATIONS[kind]
        pid = str(os.getpid())
        self.files = {
            path: self.text.format(more),
            "/run/x.pid": pid,
            "/run/haproxy.pid": pid,
            f"/proc/{pid}/comm": PROGRAMS.get(kind, kind),
            f"/proc/{pid}/cmdline": f"{kind}\0-W\0",
        }
        self.ran = []

    def find(self, name):
        return f"/usr/sbin/{name}"

    def run(self, argv, stdin=""):
        self.ran.append(tuple(argv))
        return Completed(tuple(argv), 0, "", "")

    def read(self, path):
        return self.files[path].encode() if path in self.files else None

    def list_folder(self, path):
        return ()


@pytest.fixture
def signals(monkeypatch):
    """The signals that were sent, none of which arrives."""
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)) if number else None)
    return sent


@pytest.mark.parametrize("kind", SERVICES)
def test_a_look_leaves_nothing_in_the_service(kind, signals):
    host = ServingHost(kind)
    service = choose_service(host, kind, None, (), ())
    before = dict(vars(service))
    found = service.observe(WANTED)
    assert [one.running for one in found.servings] == [True]
    found.control.test()
    found.control.reload()
    assert vars(service) == before


@pytest.mark.parametrize("kind", SERVICES)
def test_what_is_told_is_what_is_run(kind, signals):
    found = choose_service(ServingHost(kind), kind, None, (), ()).observe(WANTED)
    assert found.control.commands() == (found.control.test().argv, found.control.reload().argv)


def test_haproxy_is_tested_with_the_files_and_reloaded_by_the_process_of_that_look(signals):
    host, me = ServingHost("haproxy"), os.getpid()
    service = choose_service(host, "haproxy", None, (), ())
    command_line = f"/proc/{me}/cmdline"
    host.files[command_line] = "haproxy\0-W\0-f\0/first.cfg\0"
    first = service.observe(WANTED).control
    host.files[command_line] = "haproxy\0-W\0-f\0/second.cfg\0"
    second = service.observe(WANTED).control
    assert [one.test_command for one in (first, second)] == [
        ("haproxy", "-c", "-f", f"/{name}.cfg") for name in ("first", "second")
    ]
    del host.files["/run/haproxy.pid"]
    assert service.observe(WANTED).control.reload().words() == "HAProxy has no master process"
    assert (first.reload().returncode, [pid for pid, _number in signals]) == (0, [me])


def test_the_pairs_that_apache_shows_are_tested_however_often_it_is_looked_at(signals):
    host = ServingHost("apache", HOST.format("/none/first.pem"))
    service = choose_service(host, "apache", None, (), ())
    first = service.observe(WANTED).control
    host.files["/etc/apache2/apache2.conf"] = host.text.format("")
    second = service.observe(WANTED).control
    assert (first.test().returncode, second.test().returncode) == (1, 0)
    assert "SSLCertificateFile /none/first.pem" in first.test().words()
