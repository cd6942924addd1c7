# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the host's programs: found in the system's folders alone, in the C locale, with a time limit."""

from __future__ import annotations

import os
import subprocess
import threading
from dataclasses import dataclass
from typing import Any, Callable, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error

_EVERYWHERE = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
_HOMEBREW = "/opt/homebrew/sbin:/opt/homebrew/bin"  # on Apple silicon; on Intel it has /usr/local (docs.brew.sh)


def search_path_of(system: str) -> str:
    """Returns the folders of commands on a system, named as uname(1) does, with colons between them.

    What the user's environment says does not count.
    """
    return f"{_EVERYWHERE}:{_HOMEBREW}" if system == "Darwin" else _EVERYWHERE


SEARCH_PATH = search_path_of(os.uname().sysname)
COMMAND_ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C", "LANG": "C"}
COMMAND_TIMEOUT = 60.0  # seconds

_Answer = TypeVar("_Answer")


class Ended(NamedTuple):
    """The exit code and output of a program, as bytes."""

    returncode: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Completed:
    """The result of a command; ``out`` and ``err`` are text with undecodable bytes kept as surrogates."""

    argv: Tuple[str, ...]
    returncode: int
    out: str
    err: str

    def words(self) -> str:
        """Returns the tool's own words, for a message."""
        return (self.err.strip() or self.out.strip() or "no output")[-2000:]


class Runner:
    """Runs programs of the machine this runs on, and tells of which system they are."""

    def run(self, argv: Sequence[str], stdin: str = "") -> Completed:
        """Runs a command in the C locale and in /, as services do, and returns what it said.

        Raises HostError only if it cannot start.
        """
        path = self.find(argv[0])
        if path is None:
            raise HostError(f"{argv[0]} is not installed on this host")
        given = stdin.encode("utf-8", "surrogateescape")
        ended = execute((path, *argv[1:]), COMMAND_ENVIRONMENT, COMMAND_TIMEOUT, input=given, cwd="/")
        decoded = [stream.decode("utf-8", "surrogateescape") for stream in (ended.stdout, ended.stderr)]
        return Completed(tuple(argv), ended.returncode, decoded[0], decoded[1])

    def find(self, name: str) -> Optional[str]:
        """Returns the path of a command, or None; only the system's own folders are searched."""
        for folder in SEARCH_PATH.split(":"):
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK):
                return path
        return None

    def system(self) -> str:
        """Returns the name of the kernel: Linux, FreeBSD, OpenBSD, Darwin or another."""
        return os.uname().sysname


def execute(argv: Sequence[str], environment: Mapping[str, str], timeout: float, **streams: Any) -> Ended:
    """Runs a program by its path and returns what it said, as bytes; ``streams`` are further options of subprocess.run.

    Raises HostError for one that cannot be started, or does not end within ``timeout`` seconds.
    """
    name = os.path.basename(argv[0])
    try:
        # AnsibleModule.run_command is out of reach: tests, and commands of a child process, have no module; and it has
        # neither a time-out nor a way to hand a descriptor over.
        ended = subprocess.run(  # pylint: disable=ansible-bad-function
            argv, capture_output=True, env=environment, timeout=timeout, check=False, **streams
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)
    except subprocess.TimeoutExpired:
        raise HostError(f"{name} did not end within {timeout:.0f} seconds") from None
    except OSError as problem:
        raise HostError(f"{argv[0]} could not be started: {describe_os_error(problem)}") from None


def beside(work: Callable[[], _Answer]) -> Callable[[], _Answer]:
    """Begins work that mostly waits for a program; what it returns waits for it, and returns or raises what it did."""
    answers: List[_Answer] = []
    problems: List[Exception] = []

    def begin() -> None:
        try:
            answers.append(work())
        except Exception as problem:  # pylint: disable=broad-except
            problems.append(problem)

    def end() -> _Answer:
        thread.join()
        if problems:
            raise problems[0]
        return answers[0]

    thread = threading.Thread(target=begin)
    thread.start()
    return end
