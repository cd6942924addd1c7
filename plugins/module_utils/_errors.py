# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors that end a run with a message: RequestError for the request, HostError for the host."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterator, Union


class UserError(Exception):
    """Something a user has to know; ``message`` says what was found and what would work."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class RequestError(UserError):
    """The request cannot be meant: refused on the controller before the host is touched."""


class HostError(UserError):
    """The host cannot do it: no rights, no tool, a held lock, a broken file; holds the tool's own words."""


class Refused(HostError):
    """A firewall's tool did not take what it was told; nothing is left of it."""


class Overtaken(HostError):
    """Somebody changed what a plan was made from before it was carried out; nothing is left of it."""


@contextlib.contextmanager
def naming(place: str) -> Iterator[None]:
    """Makes an OSError, whose path is a name in an open directory, a HostError that names the place."""
    try:
        yield
    except OSError as problem:
        name = f" ({problem.filename})" if problem.filename else ""
        raise HostError(f"{place}{name}: {describe_os_error(problem)}") from None


def tell_error(problem: Union[UserError, OSError]) -> str:
    """Returns what a user has to know of it."""
    if isinstance(problem, UserError):
        return problem.message
    return (f"{problem.filename}: " if problem.filename else "") + describe_os_error(problem)


def describe_os_error(problem: OSError) -> str:
    """Returns what the system said, and what would work where rights are missing."""
    said = problem.strerror or str(problem)
    lacks_rights = problem.errno in (errno.EACCES, errno.EPERM) and os.geteuid() != 0
    return f"{said}; if that takes root, use become: true" if lacks_rights else said
