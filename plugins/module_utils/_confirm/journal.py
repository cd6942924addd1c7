# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The journal of a change that is not confirmed yet: its steps, how far it came, and what is saved once it is."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import stat
from dataclasses import dataclass, replace
from typing import Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.atomic import SECRET, replace_file
from ansible_collections.port443.https.plugins.module_utils._host.files import refuse_shared_folder
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, Run, Step

PROGRAM, JOURNAL, WAKE = "take_back.pyz", "journal", "wake"
_VARIES = re.compile(r"^#.*\n| ?\[[0-9]+:[0-9]+\]", re.MULTILINE)  # a time, and counters, of iptables-save
_RESTORE = "-restore"


@dataclass(frozen=True)
class JournalEntry:
    """A step that was begun; ``before`` is what a look at the rules said before it, empty if none was taken."""

    step: Step
    before: str = ""
    done: bool = False


@dataclass(frozen=True)
class ChangeJournal:
    """One change, of the set ``name``: its steps in order, those that wait until it is confirmed, their tool's lock.

    ``connection`` names the ssh connection that it was made by, empty where that is not known. ``complete`` is set
    once all that does not wait was done.
    """

    identity: str
    name: str = ""
    entries: Tuple[JournalEntry, ...] = ()
    saved: Tuple[Step, ...] = ()
    lock: str = ""
    connection: str = ""
    complete: bool = False

    def begun(self, step: Step, before: str) -> ChangeJournal:
        """Returns the journal with one more step, which may be carried out from now on."""
        return replace(self, entries=(*self.entries, JournalEntry(step, before)))

    def ended(self) -> ChangeJournal:
        """Returns the journal with its last step carried out."""
        return replace(self, entries=(*self.entries[:-1], replace(self.entries[-1], done=True)))


def look_at_rules(host: Host, step: Step) -> str:
    """Returns the rules that a step changes, as their tool prints them; empty where none tells, or it fails."""
    argv: Tuple[str, ...] = ()
    if isinstance(step, Run) and step.argv[0].endswith(_RESTORE):
        argv = (step.argv[0][: -len(_RESTORE)] + "-save",)
    elif isinstance(step, Act):
        argv = step.look
    if not argv:
        return ""
    said = host.run(argv)
    return "" if said.returncode else _VARIES.sub("", said.out)


def write_journal(folder: str, journal: ChangeJournal) -> None:
    """Puts a journal in the place of the one before, in one step; raises HostError."""
    put_file(folder, JOURNAL, pickle.dumps(journal))


def read_journal(folder: str) -> Optional[ChangeJournal]:
    """Returns the journal of a folder of root's alone, None where there is none; raises HostError.

    It holds objects of this collection, so that it is read only from where nobody else could have put it.
    """
    try:
        refuse_shared_folder(folder, os.stat(folder))
        with open(os.path.join(folder, JOURNAL), "rb") as stream:
            found = pickle.load(stream)  # noqa: S301  # root alone could have written it
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, pickle.UnpicklingError, EOFError) as problem:
        raise HostError(f"{folder}/{JOURNAL} cannot be read: {problem}") from None
    return found if isinstance(found, ChangeJournal) else None


def make_folder(path: str, mode: int = 0o700) -> None:
    """Makes a folder if it is not there; raises HostError for one that is not root's alone, or a link."""
    try:
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
        status = os.lstat(path)
    except OSError as problem:
        raise HostError(f"{path} cannot be made: {describe_os_error(problem)}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise HostError(f"{path} is no folder, and one of root's is needed there: take it away")
    refuse_shared_folder(path, status)


def put_file(folder: str, name: str, content: bytes, mode: int = SECRET) -> None:
    """Puts a file into a folder, in one step, by default for root alone; raises HostError."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            refuse_shared_folder(folder, os.fstat(descriptor))
            replace_file(descriptor, name, content, lambda new: os.fchmod(new, mode))
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise HostError(f"{folder}/{name} cannot be written: {describe_os_error(problem)}") from None
