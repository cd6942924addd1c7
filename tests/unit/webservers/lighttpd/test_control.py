# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How lighttpd is restarted: by the manager that has its service, or by hand where it has a file of its own."""

from __future__ import annotations

import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._host import service
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers.base import WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.control import MAIN, Lighttpd

WANTED = WantedPair("/etc/port443/www.example.com", "www.example.com", ())


class ManagedHost:
    """A host with these commands on it, whose lighttpd has the number of this process."""

    def __init__(self, *commands, name="lighttpd", text='server.pid-file = "/run/x.pid"\n'):
        self.commands, self.name, self.text = ("lighttpd", *commands), name, text
        self.ran = []

    def system(self):
        return "Linux"

    def find(self, name):
        return f"/usr/sbin/{name}" if name in self.commands else None

    def run(self, argv, stdin=""):
        self.ran.append(tuple(argv))
        return Completed(tuple(argv), 0, "", "")

    def read(self, path):
        known = {"/run/x.pid": f"{os.getpid()}\n", MAIN: self.text, "/srv/own.conf": self.text}
        known[f"/proc/{os.getpid()}/comm"] = self.name
        return known[path].encode() if path in known else None


@pytest.mark.parametrize(
    ("commands", "systemd", "ran"),
    [
        ((), True, [("systemctl", "reset-failed", "lighttpd"), ("systemctl", "restart", "lighttpd")]),
        (("rc-service", "service"), False, [("rc-service", "lighttpd", "restart")]),
        (("service",), False, [("service", "lighttpd", "restart")]),
    ],
)
def test_its_service_is_restarted(monkeypatch, commands, systemd, ran):
    monkeypatch.setattr(service.os.path, "isdir", lambda path: systemd and path == "/run/systemd/system")
    host = ManagedHost(*commands)
    found = Lighttpd(host, None).observe(WANTED)
    control = found.control
    assert found.servings[0].running is True
    assert control.reload().returncode == 0
    assert (host.ran, control.reload_command) == (ran, ran[-1])


def test_with_a_file_of_its_own_it_is_ended_and_started_in_one_command():
    host = ManagedHost("service")
    control = Lighttpd(host, "/srv/own.conf").observe(WANTED).control
    assert control.reload().argv == control.reload_command == ("lighttpd", "-f", "/srv/own.conf")
    ((shell, _flag, _script, *arguments),) = host.ran
    assert (shell, arguments) == ("sh", ["sh", str(os.getpid()), "lighttpd", "-f", "/srv/own.conf"])
    assert control.test().argv == ("lighttpd", "-tt", "-f", "/srv/own.conf")


def test_one_that_a_reload_ended_is_started():
    host = ManagedHost(name="another")
    found = Lighttpd(host, "/srv/own.conf").observe(WANTED)
    assert found.servings[0].running is False
    found.control.reload()
    assert host.ran == [("lighttpd", "-f", "/srv/own.conf")]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "lighttpd's configuration /etc/lighttpd/lighttpd.conf has no ssl.pemfile of this site"),
        (
            'ssl.engine = "enable"\nssl.pemfile = "/etc/port443/www.example.com/current/x"',
            "/etc/lighttpd/lighttpd.conf has no server.pid-file, so that nobody can tell whether lighttpd is running",
        ),
        ("}", "lighttpd's configuration /etc/lighttpd/lighttpd.conf cannot be read, line 1: "),
    ],
)
def test_why_it_does_not_serve_a_pair_is_told(text, reason):
    told = Lighttpd(ManagedHost(text=text), None).observe(WANTED).servings[0].reason
    assert told.startswith(reason)
