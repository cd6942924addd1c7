# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The protocol of a web server: observes what it serves, together with what tests its configuration and reloads it."""

from __future__ import annotations

import glob
import os
import signal
import time
from dataclasses import dataclass, field
from typing import Callable, FrozenSet, Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed, Runner
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog

Command = Tuple[str, ...]

_RELOADING = 5.0  # seconds that a server may take until its new workers are there; what is served is proved after it
_GLANCE = 0.05  # seconds


@dataclass(frozen=True)
class WantedPair:
    """A pair to look for in a service's configuration: the directory of its site, and the names that it is for."""

    folder: str
    server_name: str
    names: Tuple[str, ...]


@dataclass(frozen=True)
class Serving:
    """How a service stands to a pair: set up to serve it (``named``), running, where; else ``reason`` says why.

    ``expected`` tells whether what answers at a place may be meant to be this pair. ``shown`` tells that only a look
    can tell whether the service runs. ``unproved`` says where clients may meet another server, which no look here sees.
    ``staples`` tells whether OCSP responses are stapled for the pair, None where nobody can know.
    """

    named: bool
    running: bool
    places: Tuple[Endpoint, ...] = ()
    reason: str = ""
    expected: bool = True
    shown: bool = False
    unproved: Tuple[str, ...] = ()
    staples: Optional[bool] = None


@dataclass(frozen=True)
class ServiceControl:
    """Acts on a service as it was found: on that configuration and that process.

    ``test`` tests the configuration, with the service's own command first, and returns what was said against it.
    ``reload`` asks the service to take up its configuration and returns what it said. Both raise HostError.
    ``test_command`` and ``reload_command`` are how they are told to users, empty for what is not run.
    ``log`` is where it writes down what a test or a reload does not say.
    """

    test_command: Command
    reload_command: Command
    test: Callable[[], Completed]
    reload: Callable[[], Completed]
    log: ServerLog = field(default_factory=ServerLog)

    def commands(self) -> Tuple[Command, ...]:
        """Returns the commands of a test and a reload."""
        return tuple(command for command in (self.test_command, self.reload_command) if command)


@dataclass(frozen=True)
class ObservedService:
    """How a service stands to each pair that was asked for, in that order, and what acts on it."""

    servings: Tuple[Serving, ...]
    control: ServiceControl


class WebServer(Protocol):
    """A kind of service on a host; a new one is a folder and a line in the registry."""

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns how the service stands to each pair, by one look at it; changes nothing; raises HostError.

        Nothing of that is remembered here: whoever wants to test or reload what was found has its control.
        """


class NoService:
    """Nothing to test and nothing to reload: somebody else takes care of that."""

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns that no service is known, and a control that does nothing and succeeds."""
        serving = Serving(named=False, running=False, reason="service is none")
        return ObservedService((serving,) * len(wanted), ServiceControl((), (), _succeed, _succeed))


class OwnCommands:
    """A service that only the user knows: its commands for the test, if there is one, and for the reload."""

    def __init__(self, host: Runner, test_command: Command, reload_command: Command) -> None:
        self._host = host
        self._test_command = test_command
        self._reload_command = reload_command

    def observe(self, *wanted: WantedPair) -> ObservedService:
        """Returns that the service serves every pair; whether it runs, a look tells."""
        control = ServiceControl(
            self._test_command,
            self._reload_command,
            lambda: self._host.run(self._test_command) if self._test_command else _succeed(),
            lambda: self._host.run(self._reload_command),
        )
        return ObservedService((Serving(named=True, running=True, shown=True),) * len(wanted), control)


def not_serving(reason: str, wanted: Sequence[WantedPair]) -> Tuple[Serving, ...]:
    """Returns of each pair that a service, which does not run, is not set up to serve it."""
    return (Serving(named=False, running=False, reason=reason, expected=False),) * len(wanted)


def read_files(host: Files, pattern: str) -> Sequence[str]:
    """Returns the texts of the files a path or pattern stands for, sorted; what is not there is left out."""
    paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
    contents = [host.read(path) for path in paths if not os.path.isdir(path)]
    return [content.decode("utf-8", "surrogateescape") for content in contents if content is not None]


def find_process(host: Files, pid_file: str, programs: Sequence[str]) -> Optional[int]:
    """Returns the number in a pid file if a process of one of the programs has it.

    A pid file outlives a crash, and its number may have become another's. Where the system has no /proc, any process
    that has the number counts.
    """
    number = (host.read(pid_file) or b"").split(b"\n")[0].strip()
    if not number.isdigit():
        return None
    pid = int(number)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except PermissionError:
        pass
    name = host.read(f"/proc/{pid}/comm")
    if name is None or name.decode("utf-8", "replace").strip().startswith(tuple(programs)):
        return pid
    return None


def list_workers(host: Files, pid: Optional[int]) -> FrozenSet[str]:
    """Returns the numbers of a process' children, empty where there is none, or where the system does not list them."""
    listed = host.read(f"/proc/{pid}/task/{pid}/children") if pid is not None else None
    return frozenset((listed or b"").decode("ascii", "replace").split())


def wait_for_workers(host: Files, pid: Optional[int], before: FrozenSet[str]) -> None:
    """Waits a few seconds until a server's process has a child that it had not before a reload.

    A server answers a reload before it has done it, and until then its old workers serve as they were told before: with
    the same certificates, where something else has changed.
    """
    end = time.monotonic() + _RELOADING
    while before and time.monotonic() < end:
        now = list_workers(host, pid)
        if now - before or not now:
            return
        time.sleep(_GLANCE)


def send_signal(pid: int, name: str) -> Completed:
    """Sends a signal, ``USR1`` or ``USR2``, to a process and returns the outcome as that of the command kill."""
    argv = ("kill", f"-{name}", str(pid))
    try:
        os.kill(pid, getattr(signal, f"SIG{name}"))
    except OSError as problem:
        return Completed(argv, 1, "", str(problem.strerror))
    return Completed(argv, 0, "", "")


def load_again(service: ServiceControl) -> str:
    """Tests and reloads a service once what it had before is back; returns what was against that, empty if nothing."""
    try:
        tested = service.test()
        ended = service.reload() if tested.returncode == 0 else tested
    except (HostError, OSError) as problem:
        return str(problem)
    return tell_failure(ended) if ended.returncode != 0 else ""


def tell_failure(completed: Completed) -> str:
    """Returns a failed command with its own words."""
    return f"'{' '.join(completed.argv)}' failed: {completed.words()}"


def _succeed() -> Completed:
    return Completed((), 0, "", "")
