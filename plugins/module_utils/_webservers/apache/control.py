# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apache as a WebServer: reloaded by signal, after a stricter test than its own, as a bad pair ends it.

``apache2 -t`` looks neither whether a key is its certificate's nor whether it can be read; the reload then ends the
parent, and every site with it (Apache 2.4.62 and 2.4.68).
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass
from typing import Dict, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.reader import (
    CertificatePaths,
    matches,
    read_configuration,
    read_environment,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Command,
    ObservedService,
    ServiceControl,
    WantedPair,
    find_process,
    list_workers,
    not_serving,
    read_files,
    send_signal,
    wait_for_workers,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import find_serving
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog

PROGRAMS = ("apache2", "httpd")


@dataclass(frozen=True)
class _Layout:
    """Where a distribution has its Apache: the command that tests it, files, and the unit that starts it."""

    command: str
    root: str
    main: str
    pid: str
    variables: Dict[str, str]
    unit: str


class _PassphraseAskedError(Exception):
    """A key is encrypted; Apache has a way of its own to open it."""


LOGS = ("/var/log/apache2/error.log", "/var/log/httpd/error_log", "/var/log/httpd-error.log")  # Debian; RHEL; FreeBSD


class Apache:
    """Apache of a host; ``config`` is its main file where that is not the distribution's."""

    def __init__(self, host: Host, config: Optional[str]) -> None:
        self._host = host
        self._config = config
        self._layout = _find_layout(host)
        chosen = ("-f", config) if config else ()
        self._test_command: Command = (self._layout.command if self._layout else "apache2ctl", "-t", *chosen)
        self._log = ServerLog(host, LOGS, ("apache2", "httpd"))

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns where Apache's configuration serves each pair, and whether the Apache of that configuration runs."""
        layout = self._layout
        if layout is None:
            return ObservedService(not_serving("Apache is not installed", wanted), self._control((), ""))
        main = self._config or layout.main
        try:
            configuration = read_configuration(main, layout.root, layout.variables, self._read_files)
        except HostError as problem:
            if self._find_parent(layout.pid) is not None:
                raise
            return ObservedService(not_serving(problem.message, wanted), self._control((), layout.pid))
        pid_file = configuration.pid or layout.pid
        parent = self._find_parent(pid_file)
        stopped = "" if parent is not None else "Apache is not running"
        unnamed = f"Apache's configuration {main} has no SSLCertificateFile of this site"
        servings = find_serving(configuration.servers, wanted, matches, stopped, unnamed)
        return ObservedService(servings, self._control(tuple(dict.fromkeys(configuration.pairs)), pid_file, parent))

    def _control(
        self, pairs: Sequence[CertificatePaths], pid_file: str, parent: Optional[int] = None
    ) -> ServiceControl:
        reload_command = () if parent is None else ("kill", "-USR1", str(parent))
        return ServiceControl(
            self._test_command, reload_command, lambda: self._test(pairs), lambda: self._reload(pid_file), self._log
        )

    def _test(self, pairs: Sequence[CertificatePaths]) -> Completed:
        """Runs Apache's test, then loads every pair of the configuration, of whichever site."""
        tested = self._host.run(self._test_command)
        if tested.returncode != 0:
            return tested
        problems = [problem for problem in map(_find_problem, pairs) if problem]
        return Completed(self._test_command, 1, "", "; ".join(problems)) if problems else tested

    def _reload(self, pid_file: str) -> Completed:
        """Sends USR1, which Apache calls graceful, and returns when new workers are there."""
        parent = self._find_parent(pid_file)
        if parent is None:
            return self._start()
        before = list_workers(self._host, parent)
        ended = send_signal(parent, "USR1")
        if ended.returncode == 0:
            wait_for_workers(self._host, parent, before)
        return ended

    def _start(self) -> Completed:
        """Apache ran when it was observed: a reload ended it, and what was taken back has to be served again."""
        if self._layout is not None and os.path.isdir("/run/systemd/system") and not self._config:
            return self._host.run(("systemctl", "start", self._layout.unit))
        return self._host.run((*self._test_command[:1], "-k", "start", *self._test_command[2:]))

    def _find_parent(self, pid_file: str) -> Optional[int]:
        return find_process(self._host, pid_file, PROGRAMS)

    def _read_files(self, pattern: str) -> Sequence[str]:
        return read_files(self._host, os.path.join(pattern, "*") if os.path.isdir(pattern) else pattern)


def _find_layout(host: Host) -> Optional[_Layout]:
    """Debian's program wants variables that its apache2ctl sets; elsewhere the program itself knows its files."""
    if host.find("apache2ctl") and host.find("apache2"):
        variables = read_environment((host.read("/etc/apache2/envvars") or b"").decode("utf-8", "replace"))
        pid = variables.get("APACHE_PID_FILE", "/run/apache2/apache2.pid")
        return _Layout("apache2ctl", "/etc/apache2", "/etc/apache2/apache2.conf", pid, variables, "apache2")
    if host.find("httpd") is None:
        return None
    said = host.run(("httpd", "-V"))
    built = dict(re.findall(r'-D (HTTPD_ROOT|SERVER_CONFIG_FILE|DEFAULT_PIDLOG)="([^"]*)"', said.out + said.err))
    root = built.get("HTTPD_ROOT", "/etc/httpd")
    main = os.path.join(root, built.get("SERVER_CONFIG_FILE", "conf/httpd.conf"))
    return _Layout("httpd", root, main, os.path.join(root, built.get("DEFAULT_PIDLOG", "run/httpd.pid")), {}, "httpd")


def _find_problem(pair: CertificatePaths) -> str:
    """What Apache would end for, empty if nothing; what is no file (an engine's key, a variable) is left to Apache."""
    if not (os.path.isabs(pair.certificate) and os.path.isabs(pair.key)) or ":" in pair.key:
        return ""
    what = f"SSLCertificateFile {pair.certificate} with the key {pair.key}"
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(pair.certificate, pair.key, password=_refuse_passphrase)
    except _PassphraseAskedError:
        return ""
    except ssl.SSLError as problem:
        return f"{what} would end Apache at a reload: {problem.reason or problem}"
    except OSError as problem:
        return f"{what} would end Apache at a reload: {problem.strerror}"
    return ""


def _refuse_passphrase() -> str:
    raise _PassphraseAskedError
