# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a host does not let planned files be tested there is no answer; and whatever happens, nothing is left."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from foresee_machine import RUN

# Runs a command beside a folder that is mounted when somebody looks into it; fails if somebody did. Who is asked to
# mount it is the process that holds the pipe, and others of its group do not count.
AUTOMATIC = """
import ctypes, os, select, subprocess, sys
os.setsid()
asked, pipe = os.pipe()
options = f"fd={pipe},pgrp={os.getpgrp()},minproto=5,maxproto=5,direct"
folder = os.fsencode(sys.argv[1])
if ctypes.CDLL(None).mount(b"automatic", folder, b"autofs", ctypes.c_ulong(0), options.encode()):
    sys.exit("no autofs")
ended = subprocess.run(sys.argv[2:], start_new_session=True)
if select.select([asked], [], [], 0)[0]:
    sys.exit("somebody looked")
sys.exit(ended.returncode)
"""


def test_what_the_view_cannot_hold_is_no_verdict(machine):
    """Neither a file beyond the memory there is, nor one in a place that is only shown."""
    assert machine.test({}, ["sh", "-c", "head -c 100M /dev/zero > /srv/large"]) is None
    assert machine.test({}, ["touch", "/srv/file"], refused="overlay") is None
    assert machine.test({}, ["touch", "/srv/file"])["returncode"] == 0
    machine.shell("head -c 2M /dev/zero > /etc/large")
    planned = {"/etc/large": {"content": "small"}}
    assert machine.test(planned, ["cat", "/etc/large"], refused="overlay") is None
    assert machine.test(planned, ["cat", "/etc/large"])["out"] == "small"


@pytest.mark.parametrize("what", ["unshare", "mount", "privacy", "protection"])
def test_a_host_that_does_not_let_it_gives_no_answer(machine, what):
    assert machine.test({"/etc/planned": {"content": "x"}}, ["touch", "/run/done"], refused=what) is None


def test_root_without_the_right_to_mount_gets_no_answer(machine):
    """As in a container."""
    user = ("setpriv", "--inh-caps=-sys_admin", "--bounding-set=-sys_admin")
    assert machine.test({}, ["touch", "/run/done"], user=user) is None


def test_a_folder_that_is_mounted_on_demand_is_not_looked_at(machine, way):
    """It would be mounted for the whole host."""
    folder = machine.private.folder / "automatic"
    folder.mkdir()
    user = (sys.executable, "-c", AUTOMATIC, str(folder))
    assert machine.test({}, ["echo", "passed"], user=user, **way)["out"] == "passed\n"


def test_a_command_that_does_not_exist_is_told(machine):
    assert machine.test({}, ["no-such-server", "-t"]) == "no-such-server is not installed on this host"


def test_a_command_that_does_not_end_is_ended(machine):
    assert machine.test({}, ["sleep", "4321"], timeout=1) == "sleep did not end within 1 seconds"
    assert not processes("sleep\x004321")


def test_what_a_command_leaves_running_ends_with_it(machine):
    ended = machine.test({}, ["sh", "-c", "setsid sleep 5432 >/dev/null 2>&1 </dev/null & echo started"])
    assert ended["out"] == "started\n"
    assert not processes("sleep\x005432")


def test_a_run_that_is_killed_in_the_middle_leaves_nothing(machine):
    before = machine.shell("cat /proc/self/mountinfo; ls -lR /etc /run")
    started = machine.begin({"/etc/planned": {"content": "x"}}, ["sh", "-c", "touch /etc/touched; sleep 6543; true"])
    await_that(lambda: processes("sleep\x006543"))
    (run,) = [pid for pid in processes(str(RUN)) if parent(pid) == started.pid]
    os.kill(run, signal.SIGKILL)
    started.wait(timeout=20)
    await_that(lambda: not processes("sleep\x006543") and not processes(str(RUN)))
    assert machine.shell("cat /proc/self/mountinfo; ls -lR /etc /run") == before


def processes(words):
    """The processes with these words in their command line; those that have ended and wait for a parent have none."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if words in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def await_that(condition):
    for _attempt in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("waited for 10 seconds")
