# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is begun follows, tells its own time, and ends with the script; this machine is never entered."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[3] / "tools"
BEGUN = f"""
. {TOOLS}/steps.sh
begin first sh -c 'sleep 1; echo one | tee done'
begin second following first sh -c 'cat done; echo two; exit 3'
step second outcome_of second
step first outcome_of first
finish both
"""
LONG = f"""
. {TOOLS}/steps.sh
begin first true
begin second following first sh -c 'sleep 300 & echo $! >sleeper; wait'
step second outcome_of second
"""


def test_what_follows_begins_afterwards_and_each_tells_its_own_time(tmp_path):
    ended = subprocess.run(["bash", "-euc", BEGUN], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (1, "")
    assert re.search(
        r"=== second\none\ntwo\n--- FAILED: second 0 s\n\n=== first\none\n--- passed: first [12] s", ended.stdout
    )


def test_what_was_begun_ends_with_the_script(tmp_path):
    script = subprocess.Popen(["bash", "-euc", LONG], cwd=tmp_path, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not (tmp_path / "sleeper").exists() or not (tmp_path / "sleeper").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    sleeper = int((tmp_path / "sleeper").read_text())
    script.send_signal(signal.SIGTERM)
    script.wait(timeout=20)
    while is_running(sleeper):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process):
    """A process that nobody waited for stays as a zombie where no init does."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_of_this_machine_is_not_entered(tmp_path):
    (tmp_path / "web.pid").write_text(f"{os.getpid()}\n")
    entered = subprocess.run(
        [TOOLS / "enter", tmp_path / "web", "touch", tmp_path / "touched"], capture_output=True, text=True, check=False
    )
    assert (entered.returncode, entered.stderr) == (1, f"tools/enter: {tmp_path}/web does not run (any more)\n")
    assert not (tmp_path / "touched").exists()
