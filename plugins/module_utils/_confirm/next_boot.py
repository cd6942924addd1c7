# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way back for a host that boots before a change of its files is confirmed.

What is in the kernel alone is gone by itself then. What a firewall loads from files would be there again, so that these
lie where a reboot leaves them as they were, with a unit that puts them back before any firewall starts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from typing import Dict, List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._confirm.journal import (
    PROGRAM,
    ChangeJournal,
    JournalEntry,
    make_folder,
    put_file,
    write_journal,
)
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, describe_os_error
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, BusCall, Step, Write

BOOT = "boot"
TOP = "/var/lib/port443"
FOLDER = f"{TOP}/unconfirmed"
UNITS = "/etc/systemd/system"
UNIT = "port443-unconfirmed.service"
WANTS = f"{UNITS}/sysinit.target.wants"
_TEXT = """[Unit]
Description=Take back a change of the firewall that was not confirmed before this boot
Documentation=https://github.com/port443/https
DefaultDependencies=no
RequiresMountsFor={program}
After=local-fs.target
Before=sysinit.target network-pre.target shutdown.target
Before=ufw.service firewalld.service nftables.service netfilter-persistent.service iptables.service
Conflicts=shutdown.target
ConditionPathExists={program}

[Service]
Type=oneshot
ExecStart={interpreter} -I {program} {verb}
"""


def can_provide() -> bool:
    """Tells whether the host boots with systemd, which is what the way back is started by."""
    return os.path.isdir("/run/systemd/system") and os.path.isdir(UNITS)


def provide(journal: ChangeJournal, steps: Sequence[Step], program: bytes, interpreter: str) -> None:
    """Has the next boot put back the files that these steps change; raises HostError where that cannot be written."""
    for folder, mode in ((TOP, 0o755), (FOLDER, 0o700), (WANTS, 0o755)):
        make_folder(folder, mode)
    put_file(FOLDER, PROGRAM, program)
    write_journal(FOLDER, ChangeJournal(journal.identity, journal.name, tuple(map(JournalEntry, steps))))
    text = _TEXT.format(program=os.path.join(FOLDER, PROGRAM), interpreter=interpreter, verb=BOOT)
    put_file(UNITS, UNIT, text.encode("ascii"), 0o644)
    try:
        with contextlib.suppress(FileExistsError):
            os.symlink(f"../{UNIT}", os.path.join(WANTS, UNIT))
    except OSError as problem:
        raise HostError(f"{WANTS}/{UNIT} cannot be made: {describe_os_error(problem)}") from None


def withdraw() -> None:
    """Leaves the next boot alone, and nothing behind that was not there before."""
    for path in (os.path.join(WANTS, UNIT), os.path.join(UNITS, UNIT)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
    shutil.rmtree(FOLDER, ignore_errors=True)
    for folder in (WANTS, TOP):
        with contextlib.suppress(OSError):  # something else is in it
            os.rmdir(folder)


def put_files_back(host: FirewallHost, journal: ChangeJournal) -> List[str]:
    """Makes the files that its steps change what they were before; returns what could not be."""
    problems: List[str] = []
    for entry in reversed(journal.entries):
        for path, before in files_before(entry.step).items():
            try:
                put_back(host, path, before)
            except HostError as problem:
                problems.append(problem.message)
    return problems


def put_back(host: FirewallHost, path: str, before: Optional[bytes]) -> None:
    """Makes one file what it was; raises HostError."""
    now = host.read(path)
    if now != before:
        host.write(path, now, before)


def files_before(step: Step) -> Dict[str, Optional[bytes]]:
    """Returns what the files that a step changes hold before it, by their paths."""
    if isinstance(step, Write):
        return {step.path: step.before}
    if isinstance(step, BusCall):
        return {file.path: file.before for file in step.files}
    return step.files_before() if isinstance(step, Act) else {}
