# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors that end a run with a message: RequestError for the request, HostError for the host."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterator, Union


class UserError(Exception):
    """An error that ends a run; ``message`` tells the user what was found and what would work."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(UserError):
    """An invalid request: refused on the controller before the host is touched."""


class HostError(UserError):
    """A failure of the host: no rights, no tool, a held lock, a broken file; holds the tool's own words."""


class Refused(HostError):
    """A rejection by a firewall's tool of what it was told; nothing is left of it."""


class Overtaken(HostError):
    """A plan that is out of date: somebody changed what it was made from; nothing is left of it."""


@contextlib.contextmanager
def naming(place: str) -> Iterator[None]:
    """Turns an OSError, whose path is a name in an open directory, into a HostError that names the place."""
    try:
        yield
    except OSError as problem:
        name = f" ({problem.filename})" if problem.filename else ""
        raise HostError(f"{place}{name}: {describe_os_error(problem)}") from None


def tell_error(problem: Union[UserError, OSError]) -> str:
    """Returns the message of an error for the user."""
    if isinstance(problem, UserError):
        return problem.message
    return (f"{problem.filename}: " if problem.filename else "") + describe_os_error(problem)


def describe_os_error(problem: OSError) -> str:
    """Returns the system's words for an error, and what would work where rights are missing."""
    said = problem.strerror or str(problem)
    lacks_rights = problem.errno in (errno.EACCES, errno.EPERM) and os.geteuid() != 0
    return f"{said}; if that takes root, use become: true" if lacks_rights else said
