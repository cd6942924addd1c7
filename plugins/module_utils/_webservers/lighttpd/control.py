# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lighttpd as a WebServer: restarted, as it cannot take up a pair in another way.

At USR1, which is its graceful restart, it reads its configuration again as the user that it became after its start, who
can neither read keys of root's nor open ports below 1024: it ends then (1.4.69). So it is tested, ended and started.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._host.service import find_commands
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Command,
    ObservedService,
    ServiceControl,
    WantedPair,
    find_process,
    not_serving,
    read_files,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    find_serving,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.reader import (
    matches,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog

MAIN = "/etc/lighttpd/lighttpd.conf"
_SERVICE = "lighttpd"
_PID_FILE = "/run/lighttpd.pid"
# What the first argument says is ended, then the others are run. TERM ends it at once; ten seconds are for a busy host.
_RESTART = """
process=$1
shift
kill -TERM "$process"
for _ in $(seq 500); do
    kill -0 "$process" 2>/dev/null || exec "$@"
    sleep 0.02
done
echo "process $process still runs 10 seconds after TERM" >&2
exit 1
"""
LOGS = ("/var/log/lighttpd/error.log",)


class Lighttpd:
    """lighttpd of a host; ``config`` is its main file where that is not the one that its service has."""

    def __init__(self, host: Host, config: Optional[str]) -> None:
        self._host = host
        self._main = config or MAIN
        self._restart_command = self._choose_restart()
        self._log = ServerLog(host, LOGS, ("lighttpd",))

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns where lighttpd's configuration serves each pair, and whether one of that configuration runs."""
        if self._host.find("lighttpd") is None:
            return ObservedService(not_serving("lighttpd is not installed", wanted), self._control(""))
        try:
            configuration = read_configuration(self._main, without_names(self._read_files))
        except HostError as problem:
            if self._find_process(_PID_FILE) is not None:
                raise
            return ObservedService(not_serving(problem.message, wanted), self._control(_PID_FILE))
        pid_file = os.path.join(os.path.dirname(self._main), configuration.pid) if configuration.pid else ""
        stopped = "" if self._find_process(pid_file) is not None else "lighttpd is not running"
        if not pid_file:
            stopped = f"{self._main} has no server.pid-file, so that nobody can tell whether lighttpd is running"
        unnamed = f"lighttpd's configuration {self._main} has no ssl.pemfile of this site"
        servings = find_serving(configuration.servers, wanted, matches, stopped, unnamed)
        return ObservedService(servings, self._control(pid_file))

    def _control(self, pid_file: str) -> ServiceControl:
        """Its test loads every pair of the configuration."""
        test: Command = ("lighttpd", "-tt", "-f", self._main)
        return ServiceControl(
            test, self._restart_command, lambda: self._host.run(test), lambda: self._restart(pid_file), self._log
        )

    def _restart(self, pid_file: str) -> Completed:
        """Restarts it, by its service where it has its usual configuration; connections are cut off."""
        command = self._restart_command
        if command[0] == "systemctl":
            # Several sites, one after the other, are more starts than systemd takes in a short time.
            self._host.run(("systemctl", "reset-failed", _SERVICE))
        process = self._find_process(pid_file) if command[0] == "lighttpd" else None
        if process is None:
            return self._host.run(command)
        # One command for both, so that nothing that ends this process leaves the server ended and not started.
        ended = self._host.run(("sh", "-c", _RESTART, "sh", str(process), *command))
        return replace(ended, argv=command)

    def _choose_restart(self) -> Command:
        commands = find_commands(self._host, _SERVICE) if self._main == MAIN else None
        if commands is None:
            return ("lighttpd", "-f", self._main)
        return tuple(word.replace("start", "restart") for word in commands.start)

    def _find_process(self, pid_file: str) -> Optional[int]:
        return find_process(self._host, pid_file, ("lighttpd",)) if pid_file else None

    def _read_files(self, pattern: str) -> Sequence[str]:
        return read_files(self._host, pattern)
