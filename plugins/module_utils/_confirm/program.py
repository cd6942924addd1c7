# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program that is left on a host with a change that is not confirmed: it confirms it, or takes it back."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from typing import Any, Dict, Iterator, List, Optional

from ansible_collections.port443.https.plugins.module_utils._confirm.journal import (
    ChangeJournal,
    look_at_rules,
    make_folder,
    put_file,
    read_journal,
    write_journal,
)
from ansible_collections.port443.https.plugins.module_utils._confirm.next_boot import BOOT, put_files_back, withdraw
from ansible_collections.port443.https.plugins.module_utils._confirm.take_back import take_all_back
from ansible_collections.port443.https.plugins.module_utils._confirm.timers import SLEEP, TAKE_BACK, disarm, sleep
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import find_connection
from ansible_collections.port443.https.plugins.module_utils._plan.apply import apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Step
from ansible_collections.port443.https.plugins.module_utils._ports.unconfirmed import (
    RECORD,
    TOLD,
    Unconfirmed,
    describe,
    folder_of,
    read_record,
)

CONFIRM = "confirm"
CONFIRMED, TAKEN_BACK, GONE = "confirmed", "taken back", "gone"
SAME, UNKNOWN = "same connection", "unknown"


def main() -> int:
    """Does what its first argument says to the change in whose folder the program lies; returns an exit code."""
    folder, verb = os.path.dirname(os.path.abspath(sys.argv[0])), sys.argv[1]
    host = FirewallHost()
    try:
        if verb == SLEEP:
            return sleep(folder, int(sys.argv[2]), lambda: take_back_now(host, folder))
        if verb == TAKE_BACK:
            take_back_now(host, folder)
            return 0
        if verb == BOOT:
            take_back_at_boot(host, folder)
            return 0
        said = confirm(host, folder)
    except UserError as problem:
        said = {"state": UNKNOWN, "message": problem.message}
    sys.stdout.write(json.dumps(said) + "\n")
    return 0 if said["state"] == CONFIRMED else 1


def take_back_now(host: FirewallHost, folder: str) -> None:
    """Takes the change back that a folder holds, if it is still there, and leaves word of it for the next run."""
    with _locked(host):
        record, journal = read_record(host), read_journal(folder)
        if record is not None and journal is not None and record.identity == journal.identity:
            problems = take_all_back(host, journal)
            disarm(host, folder, record.identity)
            _end(host, folder, record, problems)


def take_back_at_boot(host: FirewallHost, folder: str) -> None:
    """Puts the files back of a change that was not confirmed before this boot, and leaves word of it."""
    journal = read_journal(folder)
    if journal is not None:
        record = Unconfirmed(journal.identity, journal.name, host.now(), ())
        problems = put_files_back(host, journal)
        with contextlib.suppress(HostError):
            make_folder(folder_of(host))
        _end(host, folder, record, problems)


@contextlib.contextmanager
def _locked(host: FirewallHost) -> Iterator[None]:
    """Holds the lock of all runs if it can be had: a host that cannot be reached is worse than two at once."""
    with contextlib.ExitStack() as held:
        with contextlib.suppress(HostError):
            held.enter_context(host.lock())
        yield


def confirm(host: FirewallHost, folder: str) -> Dict[str, Any]:
    """Saves what was left for now, and ends the timer; returns what became of the change.

    Nothing is confirmed by a command that came by the connection that the change was made by: that one may work where
    no new one does.
    """
    with host.lock():
        record, journal = read_record(host), read_journal(folder)
        if record is None or journal is None or record.identity != journal.identity:
            return _tell_end(host, os.path.basename(folder))
        if journal.connection and journal.connection == find_connection(host):
            return {"state": SAME}
        if not journal.complete:
            return {"state": UNKNOWN, "message": "the run that made the change did not end"}
        problem = _save(host, folder, journal)
        if problem:
            return {"state": TAKEN_BACK, "message": f"{problem}; {_take_back_saved(host, folder, record)}"}
        disarm(host, folder, journal.identity)
        forget_change(host, folder)
    return {"state": CONFIRMED}


def _save(host: FirewallHost, folder: str, journal: ChangeJournal) -> str:
    """Carries out what was left for now; returns why that failed, or an empty string."""
    noted = Noted(host, folder, journal)
    try:
        with host.hold(journal.lock):
            apply(host, journal.saved, noted)
    except HostError as problem:
        write_journal(folder, journal)
        return problem.message
    return ""


def _take_back_saved(host: FirewallHost, folder: str, record: Unconfirmed) -> str:
    journal = read_journal(folder)
    problems = take_all_back(host, journal) if journal is not None else ["its journal is gone"]
    disarm(host, folder, record.identity)
    return _end(host, folder, record, problems)


class Noted:
    """Writes each step into the journal of a change before it is carried out, and that it was."""

    def __init__(self, host: FirewallHost, folder: str, journal: ChangeJournal) -> None:
        self._host, self._folder, self.journal = host, folder, journal

    def __call__(self, step: Step, done: bool) -> None:
        """Is what ``apply`` calls."""
        self.journal = self.journal.ended() if done else self.journal.begun(step, look_at_rules(self._host, step))
        write_journal(self._folder, self.journal)


def _end(host: FirewallHost, folder: str, record: Unconfirmed, problems: List[str]) -> str:
    """Leaves word of what was taken back, and nothing else; returns it as a sentence."""
    told = {"identity": record.identity, "name": record.name, "at": host.now(), "problems": problems}
    told["message"] = describe(told)
    with contextlib.suppress(HostError):
        put_file(folder_of(host), TOLD, json.dumps(told).encode("ascii"))
    forget_change(host, folder)
    return str(told["message"])


def forget_change(host: FirewallHost, folder: str) -> None:
    """Removes what a change that waits consists of; what the next boot would do goes first, or it might do it late."""
    withdraw()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(folder_of(host), RECORD))
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # it holds word of what was taken back
        os.rmdir(folder_of(host))


def _tell_end(host: FirewallHost, identity: str) -> Dict[str, Any]:
    """Returns what became of a change that is not there any more, as far as there is word of it."""
    found: Optional[bytes] = host.read(os.path.join(folder_of(host), TOLD))
    told = json.loads(found.decode("utf-8")) if found else {}
    if told.get("identity") != identity:
        return {"state": GONE}
    return {"state": TAKEN_BACK, "message": describe(told)}
