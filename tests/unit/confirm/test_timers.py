# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process that waits where systemd does not run: proved to wait, on time, and woken without doing anything."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from ansible_collections.port443.https.plugins.module_utils._confirm import timers
from ansible_collections.port443.https.plugins.module_utils._confirm.timers import arm, disarm
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed, Runner

WAITING = """import sys
from {module} import sleep
folder = sys.argv[1]
sys.exit(sleep(folder, int(sys.argv[3]), lambda: open(folder + "/done", "w").close()))
"""


class Host(Runner):
    """Runs the program with this process's paths to import from."""

    def run(self, argv, stdin=""):
        ended = subprocess.run(
            argv, capture_output=True, text=True, check=False, env={"PYTHONPATH": os.pathsep.join(sys.path)}
        )
        return Completed(tuple(argv), ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program whose timer is a process, whatever this machine runs."""
    monkeypatch.setattr(timers.os.path, "isdir", lambda path: False)
    path = tmp_path / "program.py"
    path.write_text(WAITING.format(module=timers.__name__))
    return (sys.executable, str(path), str(tmp_path))


def wait_for(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_is_called_once_the_time_is_over_and_not_before(tmp_path, program):
    began = time.monotonic()
    arm(Host(), program, str(tmp_path), "0f", 1)
    assert not (tmp_path / "done").exists()
    wait_for((tmp_path / "done").exists)
    assert time.monotonic() - began >= 1


def test_a_timer_that_is_disarmed_calls_nothing_and_is_gone(tmp_path, program):
    arm(Host(), program, str(tmp_path), "0f", 1)
    disarm(Host(), str(tmp_path), "0f")
    wait_for(lambda: not timers._wake(str(tmp_path), b""))
    time.sleep(1.2)
    assert not (tmp_path / "done").exists()


def test_what_cannot_wait_is_told_before_anything_is_changed(tmp_path, program):
    with pytest.raises(HostError, match="nothing was changed, as no timer could be started"):
        arm(Host(), (sys.executable, "-c", "raise SystemExit('broken')"), str(tmp_path), "0f", 1)
