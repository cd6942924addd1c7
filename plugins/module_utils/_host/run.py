# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the host's programs: found in the system's folders alone, in the C locale, with a time limit."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import Any, Callable, List, Mapping, NamedTuple, Sequence, TypeVar

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.search_path import search_path_of

SEARCH_PATH = search_path_of(os.uname().sysname)
COMMAND_ENVIRONMENT = {"PATH": SEARCH_PATH, "LC_ALL": "C", "LANG": "C"}
COMMAND_TIMEOUT = 60.0  # seconds

_Answer = TypeVar("_Answer")


class Ended(NamedTuple):
    """How a program ended, and what it said, as bytes."""

    returncode: int
    stdout: bytes
    stderr: bytes


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
