# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The service that serves a pair: where it does, whether its configuration passes its test, and its reload."""

from __future__ import annotations

import glob
import os
import re
from dataclasses import dataclass
from typing import Dict, List, Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate._names import is_covered
from ansible_collections.port443.https.plugins.module_utils._certificate._nginx import (
    Configuration,
    Server,
    matches,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._certificate._proof import Place
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import Completed, Host

Command = Tuple[str, ...]


@dataclass(frozen=True)
class Wanted:
    """What to look for in a service's configuration: the directory of the site, and the names its pair is for."""

    folder: str
    server_name: str
    names: Tuple[str, ...]


@dataclass(frozen=True)
class Serving:
    """Whether a service is set up to serve the pair (``named``), runs, and at which places; else ``reason`` says why.

    ``expected`` tells whether what answers at a place may be meant to be this pair.
    """

    named: bool
    running: bool
    places: Tuple[Place, ...] = ()
    reason: str = ""
    expected: bool = True


class Service(Protocol):
    """What a kind of service has to be able to do; a new one is a class here and a line in choose_service."""

    test_command: Command
    reload_command: Command

    def observe(self, wanted: Wanted) -> Serving:
        """Returns how the service stands to the pair; changes nothing; raises HostError."""

    def test(self) -> Completed:
        """Runs the test of the configuration and returns what it said."""

    def reload(self) -> Completed:
        """Asks the service to take up its configuration and returns what it said."""


class NoService:
    """Nothing to test and nothing to reload: somebody else takes care of that."""

    test_command: Command = ()
    reload_command: Command = ()

    def observe(self, wanted: Wanted) -> Serving:
        """Returns that no service is known."""
        return Serving(named=False, running=False, reason="service is none")

    def test(self) -> Completed:
        """Returns success."""
        return Completed((), 0, "", "")

    def reload(self) -> Completed:
        """Returns success."""
        return Completed((), 0, "", "")


class Nginx:
    """nginx, by its own program: reloaded by signal, so that it works under any init system and in containers."""

    def __init__(self, host: Host, config: Optional[str]) -> None:
        self._host = host
        self._config = config
        chosen = ("-c", config) if config else ()
        self.test_command: Command = ("nginx", "-t", *chosen)
        self.reload_command: Command = ("nginx", "-s", "reload", *chosen)

    def observe(self, wanted: Wanted) -> Serving:
        """Returns where nginx's configuration serves the pair, and whether the nginx of that configuration runs."""
        if self._host.find("nginx") is None:
            return Serving(named=False, running=False, reason="nginx is not installed", expected=False)
        built = self._built_with()
        main = self._config or built.get("conf-path", "/etc/nginx/nginx.conf")
        try:
            configuration = read_configuration(main, self._read_files)
        except HostError as problem:
            if self._is_running(Configuration((), None), built):
                raise
            return Serving(named=False, running=False, reason=problem.message, expected=False)
        showing = [
            server
            for server in configuration.servers
            if any(is_below(path, wanted.folder) for path in server.certificates)
        ]
        running = self._is_running(configuration, built)
        if not showing:
            reason = f"nginx's configuration {main} has no ssl_certificate of this site"
            return Serving(named=False, running=running, reason=reason, expected=False)
        reason = "" if running else "nginx is not running"
        return Serving(True, running, find_places(showing, wanted), reason)

    def test(self) -> Completed:
        """Runs ``nginx -t``."""
        return self._host.run(self.test_command)

    def reload(self) -> Completed:
        """Runs ``nginx -s reload``, which returns before the reload is done."""
        return self._host.run(self.reload_command)

    def _built_with(self) -> Dict[str, str]:
        said = self._host.run(("nginx", "-V"))
        return dict(re.findall(r"--(conf-path|pid-path|prefix)=([^\s']+)", said.err + said.out))

    def _read_files(self, pattern: str) -> Sequence[str]:
        paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        contents = [self._host.read(path) for path in paths]
        return [content.decode("utf-8", "surrogateescape") for content in contents if content is not None]

    def _is_running(self, configuration: Configuration, built: Dict[str, str]) -> bool:
        path = configuration.pid or built.get("pid-path", "/run/nginx.pid")
        content = self._host.read(os.path.join(built.get("prefix", "/"), path))
        number = (content or b"").strip()
        return number.isdigit() and self._is_nginx(int(number))

    def _is_nginx(self, pid: int) -> bool:
        """A pid file outlives a crash, and its number may have become another's."""
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        name = self._host.read(f"/proc/{pid}/comm")
        return name is None or name.startswith(b"nginx")


def choose_service(kind: str, host: Host, config: Optional[str]) -> Service:
    """Returns the service of a kind: ``nginx`` or ``none``."""
    return Nginx(host, config) if kind == "nginx" else NoService()


def find_places(servers: Sequence[Server], wanted: Wanted) -> Tuple[Place, ...]:
    """Returns where servers are to be asked for the pair: their TLS sockets, with a name that leads to them."""
    places: List[Place] = []
    for server in servers:
        name = _choose_name(server, wanted)
        for listen in server.listens:
            address = {"": "127.0.0.1", "::": "::1"}.get(listen.address, listen.address)
            place = Place(address, listen.port, name, listen.proxy)
            if listen.tls and place not in places:
                places.append(place)
    return tuple(places)


def is_below(path: str, folder: str) -> bool:
    """Tells whether a path, as written or with its links followed, leads into a directory."""
    return path.startswith(folder + "/") or os.path.realpath(path).startswith(folder + "/")


def tell_failure(completed: Completed) -> str:
    """Returns a failed command with its own words."""
    return f"'{' '.join(completed.argv)}' failed: {completed.words()}"


def _choose_name(server: Server, wanted: Wanted) -> str:
    """The wanted name if the server is for it, else another of the pair's, else one of the server's own."""
    names = [name for name in (wanted.server_name, *wanted.names) if name and not name.startswith("*")]
    for name in names:
        if any(matches(server_name, name) for server_name in server.names):
            return name
    held = set(wanted.names)
    for server_name in server.names:
        if is_covered(server_name, held) and not server_name.startswith("*"):
            return server_name
    return wanted.server_name
