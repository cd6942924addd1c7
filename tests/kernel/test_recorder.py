# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A recorder keeps headers alone, ends by itself, and leaves nothing, whatever becomes of it."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.wire import recorder
from ansible_collections.port443.https.plugins.module_utils._witness.collect import begin, end
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import read_door
from ansible_collections.port443.https.plugins.module_utils._witness.headers import read_headers
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch
from lab import HOSTS, ROUTER, SOURCES, tool
from witness_lab import MARK, Witness, attempt_at, find_holders, talkative

MARKER = b"a byte of which must not be written"


def test_no_byte_of_what_a_connection_carries_is_written_down(witness):
    began = witness.begin(ports=(4443,), addresses=tuple(ROUTER.values()))
    with talkative(300, MARKER):
        code = (
            "import socket, time; "
            f"c = socket.create_connection(({HOSTS[4]!r}, 4443), 2); c.sendall({MARKER!r} * 100); "
            f"time.sleep(.2); u = socket.socket(2, 2); u.sendto({MARKER!r}, ({HOSTS[4]!r}, 4443)); time.sleep(.2)"
        )
        tool(*witness.lab._there, sys.executable, "-c", code)
    (name,) = os.listdir(witness.folder)
    path = Path(witness.folder, name)
    content = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    taken = recorder.take(began.token, witness.folder)
    assert len(taken.heard) > 4
    assert max(len(one.headers) for one in taken.heard) <= 60 + 68
    assert not any(MARKER[at : at + 4] in content for at in range(len(MARKER) - 4))


def test_a_recorder_ends_with_its_time_and_leaves_nothing(witness):
    began = begin(FirewallHost(), Watch((443,)), 0.5, witness.folder)
    (name,) = os.listdir(witness.folder)
    assert began.token in name
    held = find_holders(Path(witness.folder, name))
    assert len(held) == 1
    end_at = time.monotonic() + 5
    while os.listdir(witness.folder) and time.monotonic() < end_at:
        time.sleep(0.05)
    assert os.listdir(witness.folder) == []
    time.sleep(0.2)
    with contextlib.suppress(FileNotFoundError):  # where nobody collects processes that ended, it stays listed as one
        assert "\nState:\tZ" in Path(f"/proc/{held[0]}/status").read_text(encoding="ascii")
    (found,) = end(FirewallHost(), began.token, "", [read_door(attempt_at(443))], witness.folder)
    assert found["ends"] == "not known"
    assert "the recorder's file is gone" in found["because"]


def test_a_recorder_that_was_killed_is_no_proof_that_nothing_arrives(witness):
    began = witness.begin()
    path = Path(witness.folder, f"port443-witness-{began.token}")
    (process,) = find_holders(path)
    os.kill(int(process), 9)
    end_at = time.monotonic() + 20  # it is nice, so that on a busy machine it takes its time to end
    while find_holders(path) and time.monotonic() < end_at:
        time.sleep(0.05)
    (found,) = witness.end([attempt_at(443)])
    assert found["ends"] == "not known"
    assert "packets are missing" in found["because"]
    assert os.listdir(witness.folder) == []


def test_what_a_killed_recorder_left_is_removed_by_a_later_one(witness):
    left = Path(witness.folder, "port443-witness-" + "0" * 32)
    other = Path(witness.folder, "port443-witness-other")
    left.touch()
    other.touch()
    os.utime(left, (1, 1))
    os.utime(other, (1, 1))
    began = witness.begin()
    assert sorted(os.listdir(witness.folder)) == sorted([other.name, f"port443-witness-{began.token}"])
    recorder.take(began.token, witness.folder)


def test_two_runs_at_once_do_not_disturb_each_other(witness):
    other = Witness(witness.lab, witness.folder)
    witness.begin()
    other.begin(mark=MARK + 20)
    attempts = witness.look(HOSTS[4])
    (lost,) = other.end([attempt_at(443)])
    (seen,) = witness.end(attempts)
    assert (seen["ends"], lost["ends"]) == ("reached", "before the host")


@pytest.mark.parametrize("folder", ["/proc/port443", "/dev/null/port443"])
def test_where_nothing_can_be_written_rules_and_sockets_tell(witness, folder):
    began = begin(FirewallHost(), Watch((443,)), 5, folder)
    assert (began.token, "cannot be written" in began.blind) == ("", True)
    (found,) = end(FirewallHost(), began.token, began.blind, [read_door(attempt_at(443))], folder)
    assert found["ends"] == "not known"
    assert f"by rules and sockets alone ({began.blind}): the host would let it in" in found["because"]


def test_a_disk_that_is_full_is_told_before_a_look(witness):
    small = Path(witness.folder, "small")
    small.mkdir()
    tool("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small))
    try:
        began = begin(FirewallHost(), Watch((443,)), 5, str(small))
        assert (began.token, "No space left on device" in began.blind) == ("", True)
        assert os.listdir(small) == []
    finally:
        tool("umount", str(small))
        small.rmdir()


STREAM = """
import socket, sys
reading = socket.create_connection((sys.argv[1], 4443), 5, (sys.argv[2], 0))
print("there", flush=True)
while reading.recv(1 << 20):
    pass
"""


def test_what_others_exchange_on_the_port_is_not_kept_and_costs_next_to_nothing(witness):
    began = witness.begin(ports=(443, 4443))
    path = Path(witness.folder, f"port443-witness-{began.token}")
    (process,) = find_holders(path)
    command = (*witness.lab._there, sys.executable, "-c", STREAM, HOSTS[4], SOURCES["friend"][4])
    with talkative(300_000_000), subprocess.Popen(command, stdout=subprocess.PIPE) as reading:
        reading.stdout.readline()
        (found,) = witness.look(HOSTS[4])
        reading.wait()
    spent = [int(number) for number in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:13]]
    kept = [
        read_headers(one.at, one.outgoing, one.interface, one.headers)
        for one in recorder.take(began.token, witness.folder).heard
    ]
    assert found["outcome"] == "ok"
    assert 0 < len(kept) < 30
    assert {address for one in kept for address in (one.source, one.destination)} == {HOSTS[4], ROUTER[4]}
    assert sum(spent) / os.sysconf("SC_CLK_TCK") < 0.5
