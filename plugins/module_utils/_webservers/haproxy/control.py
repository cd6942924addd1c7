# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy as a WebServer: its master process takes up the configuration at a signal."""

from __future__ import annotations

import os
from typing import List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    ObservedService,
    ServiceControl,
    WantedPair,
    find_process,
    not_serving,
    read_files,
    send_signal,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import find_serving
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.reader import (
    HaproxyConfiguration,
    matches,
    read_command_line,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog

MAIN = "/etc/haproxy/haproxy.cfg"
PID_FILES = ("/run/haproxy.pid", "/var/run/haproxy.pid")
LOGS = ("/var/log/haproxy.log",)  # Debian's, of rsyslog


class Haproxy:
    """HAProxy of a host; ``config`` is its file or folder where that is not the one that it was started with."""

    def __init__(self, host: Host, config: Optional[str]) -> None:
        self._host = host
        self._config = config
        self._log = ServerLog(host, LOGS, ("haproxy",))

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns where HAProxy's configuration serves each pair, and whether the one of that configuration runs."""
        paths: Sequence[str] = (self._config or MAIN,)
        if self._host.find("haproxy") is None:
            return ObservedService(not_serving("HAProxy is not installed", wanted), self._control(paths, None))
        configuration = self._read(paths)
        process = self._find_process(configuration)
        line = self._command_line(process) if process is not None else ()
        if process is not None and self._config is None and read_command_line(line):
            # What it was started with may be more than the usual file: RHEL has a folder beside it.
            paths = [self._from(process, path) for path in read_command_line(line)]
            configuration = self._read(paths)
        main = ", ".join(paths)
        stopped = "" if process is not None else "HAProxy is not running"
        if process is not None and not configuration.has_master and not {"-W", "-Ws"} & set(line):
            stopped = (
                "HAProxy runs without a master process, so nothing can reload it: start it with -W (where a script of "
                "init starts it on Debian, by EXTRAOPTS=-W in /etc/default/haproxy), or write master-worker into its "
                "section global and restart it"
            )
            process = None
        unnamed = stopped or f"HAProxy's configuration {main} has no bind with a certificate of this site"
        servings = find_serving(configuration.servers, wanted, matches, stopped, unnamed, shared=True)
        return ObservedService(servings, self._control(paths, process))

    def _control(self, paths: Sequence[str], master: Optional[int]) -> ServiceControl:
        """USR2 to the master returns before the reload is done."""
        test = ("haproxy", "-c", *(word for path in paths for word in ("-f", path)))
        reload = () if master is None else ("kill", "-USR2", str(master))
        return ServiceControl(test, reload, lambda: self._host.run(test), lambda: _reload(master), self._log)

    def _read(self, paths: Sequence[str]) -> HaproxyConfiguration:
        texts: List[str] = []
        for path in paths:
            # docs.haproxy.org/2.6/management.html, 3: of a folder, the files *.cfg that do not begin with a dot
            texts += self._read_files(os.path.join(path, "*.cfg") if os.path.isdir(path) else path)
        return read_configuration(texts, self._read_files, self._list_folder)

    def _find_process(self, configuration: HaproxyConfiguration) -> Optional[int]:
        if self._config is not None and configuration.pid is None:
            return self._find_started_with(self._config)
        for path in (configuration.pid,) if configuration.pid else PID_FILES:
            process = find_process(self._host, path, ("haproxy",))
            if process is not None:
                return process
        return None

    def _find_started_with(self, config: str) -> Optional[int]:
        """A pid file is seldom named in the configuration: the usual one counts if that process has this file."""
        for path in PID_FILES:
            process = find_process(self._host, path, ("haproxy",))
            if process is not None and config in read_command_line(self._command_line(process)):
                return process
        return None

    def _command_line(self, process: int) -> Tuple[str, ...]:
        content = self._host.read(f"/proc/{process}/cmdline") or b""
        return tuple(word.decode("utf-8", "surrogateescape") for word in content.rstrip(b"\0").split(b"\0"))

    def _from(self, process: int, path: str) -> str:
        """A relative path is from where the process was started."""
        if os.path.isabs(path):
            return path
        return os.path.join(os.path.realpath(f"/proc/{process}/cwd"), path)

    def _read_files(self, pattern: str) -> Sequence[str]:
        return read_files(self._host, pattern)

    def _list_folder(self, path: str) -> Sequence[str]:
        return [os.path.join(path, name) for name in self._host.list_folder(path)]


def _reload(master: Optional[int]) -> Completed:
    return Completed((), 1, "", "HAProxy has no master process") if master is None else send_signal(master, "USR2")
