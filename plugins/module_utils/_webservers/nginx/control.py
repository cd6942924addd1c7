# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx as a WebServer: reloaded by signal, so that it works under any init system and in containers."""

from __future__ import annotations

import os
import re
from typing import Dict, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._webservers.base import (
    Command,
    ObservedService,
    ServiceControl,
    Serving,
    WantedPair,
    find_process,
    list_workers,
    not_serving,
    read_files,
    wait_for_workers,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import (
    find_serving,
    without_names,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import (
    matches,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteConfiguration

LOGS = (
    "/var/log/nginx/error.log",
    "/usr/local/var/log/nginx/error.log",
    "/opt/homebrew/var/log/nginx/error.log",
)  # Linux and the BSDs; Homebrew


class Nginx:
    """nginx of a host; ``config`` is its main file where that is not the one it is built with."""

    def __init__(self, host: Host, config: Optional[str]) -> None:
        self._host = host
        self._config = config
        self._log = ServerLog(host, LOGS, ("nginx",))

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns where nginx's configuration serves each pair, and whether the nginx of that configuration runs."""
        servings, master = self._find_serving(wanted)
        return ObservedService(servings, self._control(master))

    def _control(self, master: Optional[int]) -> ServiceControl:
        chosen = ("-c", self._config) if self._config else ()
        test, reload = ("nginx", "-t", *chosen), ("nginx", "-s", "reload", *chosen)
        return ServiceControl(
            test, reload, lambda: self._host.run(test), lambda: self._reload(reload, master), self._log
        )

    def _reload(self, command: Command, master: Optional[int]) -> Completed:
        """``nginx -s reload`` finds the process itself, and returns before the reload is done."""
        before = list_workers(self._host, master)
        ended = self._host.run(command)
        if ended.returncode == 0:
            wait_for_workers(self._host, master, before)
        return ended

    def _find_serving(self, wanted: Sequence[WantedPair]) -> Tuple[Tuple[Serving, ...], Optional[int]]:
        """Returns how nginx stands to each pair, and its master process, None if it does not run."""
        if self._host.find("nginx") is None:
            return not_serving("nginx is not installed", wanted), None
        built = self._built_with()
        main = self._config or built.get("conf-path", "/etc/nginx/nginx.conf")
        try:
            configuration = read_configuration(main, without_names(self._read_files))
        except HostError as problem:
            if self._find_master(SiteConfiguration(()), built) is not None:
                raise
            return not_serving(problem.message, wanted), None
        master = self._find_master(configuration, built)
        stopped = "" if master is not None else "nginx is not running"
        unnamed = f"nginx's configuration {main} has no ssl_certificate of this site"
        return find_serving(configuration.servers, wanted, matches, stopped, unnamed), master

    def _built_with(self) -> Dict[str, str]:
        said = self._host.run(("nginx", "-V"))
        return dict(re.findall(r"--(conf-path|pid-path|prefix)=([^\s']+)", said.err + said.out))

    def _read_files(self, pattern: str) -> Sequence[str]:
        return read_files(self._host, pattern)

    def _find_master(self, configuration: SiteConfiguration, built: Dict[str, str]) -> Optional[int]:
        path = configuration.pid or built.get("pid-path", "/run/nginx.pid")
        return find_process(self._host, os.path.join(built.get("prefix", "/"), path), ("nginx",))
