# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The protocol of a web server: observe what it serves, test its configuration, reload it."""

from __future__ import annotations

import glob
import os
import signal
from dataclasses import dataclass
from typing import Optional, Protocol, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed, Runner
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint

Command = Tuple[str, ...]


@dataclass(frozen=True)
class WantedPair:
    """What to look for in a service's configuration: the directory of the site, and the names its pair is for."""

    folder: str
    server_name: str
    names: Tuple[str, ...]


@dataclass(frozen=True)
class Serving:
    """Whether a service is set up to serve the pair (``named``), runs, and at which places; else ``reason`` says why.

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


class WebServer(Protocol):
    """What a kind of service has to be able to do; a new one is a folder and a line in the registry."""

    test_command: Command
    reload_command: Command

    def observe(self, *wanted: WantedPair) -> Tuple[Serving, ...]:
        """Returns how the service stands to each pair, by one look at it; changes nothing; raises HostError."""

    def test(self) -> Completed:
        """Tests the configuration, with the service's own command first, and returns what was said against it."""

    def reload(self) -> Completed:
        """Asks the service to take up its configuration and returns what it said."""


class NoService:
    """Nothing to test and nothing to reload: somebody else takes care of that."""

    test_command: Command = ()
    reload_command: Command = ()

    def observe(self, *wanted: WantedPair) -> Tuple[Serving, ...]:
        """Returns that no service is known."""
        return (Serving(named=False, running=False, reason="service is none"),) * len(wanted)

    def test(self) -> Completed:
        """Returns success."""
        return Completed((), 0, "", "")

    def reload(self) -> Completed:
        """Returns success."""
        return Completed((), 0, "", "")


class OwnCommands:
    """A service that only the user knows: its commands for the test, if there is one, and for the reload."""

    def __init__(self, host: Runner, test_command: Command, reload_command: Command) -> None:
        self._host = host
        self.test_command = test_command
        self.reload_command = reload_command

    def observe(self, *wanted: WantedPair) -> Tuple[Serving, ...]:
        """Returns that the service serves every pair; whether it runs, a look tells."""
        return (Serving(named=True, running=True, shown=True),) * len(wanted)

    def test(self) -> Completed:
        """Runs the user's command, and succeeds where there is none."""
        return self._host.run(self.test_command) if self.test_command else Completed((), 0, "", "")

    def reload(self) -> Completed:
        """Runs the user's command."""
        return self._host.run(self.reload_command)


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


def send_signal(pid: int, name: str) -> Completed:
    """Sends a signal, ``USR1`` or ``USR2``, to a process and returns the outcome as that of the command kill."""
    argv = ("kill", f"-{name}", str(pid))
    try:
        os.kill(pid, getattr(signal, f"SIG{name}"))
    except OSError as problem:
        return Completed(argv, 1, "", str(problem.strerror))
    return Completed(argv, 0, "", "")


def load_again(service: WebServer) -> str:
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
