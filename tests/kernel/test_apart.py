# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Laboratories can run beside each other."""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

import pytest
from apart import LOCK, own_network
from rooted import rules

DROP = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"


@pytest.fixture
def other_laboratory():
    """Another process with a network of its own; it holds the lock of iptables until the test is over."""
    ready, over = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(over[1])
        with own_network(), open(LOCK, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.write(ready[1], b"x")
            os.read(over[0], 1)
        os._exit(0)
    os.close(ready[1])
    os.close(over[0])
    assert os.read(ready[0], 1) == b"x"
    yield
    os.close(over[1])
    os.close(ready[0])
    os.waitpid(child, 0)


def test_the_lock_of_iptables_is_not_that_of_another_laboratory(host, other_laboratory):
    subprocess.run(["iptables-legacy-restore"], input=DROP, text=True, timeout=30, check=True)  # some wait for ever
    assert ":INPUT DROP" in rules("iptables-legacy")
    assert Path(LOCK).exists()


def test_what_a_laboratory_mounts_is_seen_nowhere_else(host):
    """/proc/1 is the first process of the machine, or of the namespace that the tests run in."""
    mine = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    others = [line.split()[1] for line in Path("/proc/1/mounts").read_text().splitlines()]
    assert mine.count("/run") > others.count("/run")
