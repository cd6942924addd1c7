# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which service manager is told about a web server is a matter of the system, not of the commands that are found."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._host import service


class Known:
    """A host of a system that has every command."""

    def __init__(self, system):
        self._system = system

    def system(self):
        return self._system

    def find(self, command):
        return f"/sbin/{command}"


@pytest.mark.parametrize(
    ("system", "start", "is_enabled"),
    [
        ("FreeBSD", ("service", "nginx", "onestart"), ("service", "nginx", "enabled")),
        ("OpenBSD", ("rcctl", "-f", "start", "nginx"), ("rcctl", "get", "nginx", "status")),
    ],
)
def test_each_bsd_has_its_own(system, start, is_enabled):
    commands = service.find_commands(Known(system), "nginx")
    assert (commands.start, commands.is_enabled) == (start, is_enabled)


def test_macos_has_none_that_knows_a_service_by_name():
    assert service.find_commands(Known("Darwin"), "nginx") is None


def test_linux_has_systemd_where_that_runs_and_else_openrc_where_that_is(monkeypatch):
    for runs, manager in ((True, "systemctl"), (False, "rc-service")):
        monkeypatch.setattr(service.os.path, "isdir", lambda path, runs=runs: runs and path == "/run/systemd/system")
        assert service.find_commands(Known("Linux"), "nginx").start[0] == manager
