# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs at once wait for each other in the order in which they came, as long as those before get on."""

from __future__ import annotations

import errno
import os
import signal
import time

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import locks
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

RUNS = 12
AT_WORK = 0.5  # seconds; all together work for longer than a wait without progress may last


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", 5.0)
    made = FirewallHost()
    made.lock_path = str(tmp_path / "lock")
    return made


def in_child(work):
    """Starts another process that ends with what ``work`` returns."""
    child = os.fork()
    if child == 0:
        code = 99
        try:
            code = work()
        finally:
            os._exit(code)
    return child


def tickets(folder, number):
    """Waits until so many stand in line."""
    until = time.monotonic() + 20
    while sum(1 for path in folder.iterdir() if path.name.startswith("lock.")) != number:
        assert time.monotonic() < until
        time.sleep(0.005)


def run(host, number, log):
    """One run: it writes down that it begins and that it ends, or fails."""

    def work():
        try:
            with host.lock():
                for word in ("begins", "ends"):
                    os.write(log, f"{number} {word}\n".encode("ascii"))
                    time.sleep(AT_WORK / 2)
        except HostError:
            return 1
        return 0

    return in_child(work)


def test_many_runs_take_turns_in_the_order_in_which_they_came(host, tmp_path):
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    children = []
    with host.lock():
        for number in range(RUNS):
            children.append(run(host, number, log))
            tickets(tmp_path, number + 1)
    codes = [os.WEXITSTATUS(os.waitpid(child, 0)[1]) for child in children]
    os.close(log)
    assert codes == [0] * RUNS
    expected = [f"{number} {word}" for number in range(RUNS) for word in ("begins", "ends")]
    assert (tmp_path / "log").read_text(encoding="ascii").splitlines() == expected
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_who_comes_last_does_not_go_ahead_of_those_in_line(host, tmp_path):
    log = os.open(tmp_path / "log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    with host.lock():
        first = run(host, 1, log)
        tickets(tmp_path, 1)
    second = run(host, 2, log)
    for child in (first, second):
        os.waitpid(child, 0)
    os.close(log)
    assert (tmp_path / "log").read_text(encoding="ascii").split() == [
        "1",
        "begins",
        "1",
        "ends",
        "2",
        "begins",
        "2",
        "ends",
    ]


def test_one_that_was_killed_in_line_is_no_obstacle_and_leaves_nothing(host, tmp_path):
    with host.lock():
        child = run(host, 1, 2)
        tickets(tmp_path, 1)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 1
    with host.lock():
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_killed_at_work_is_no_obstacle(host, tmp_path):
    reader, writer = os.pipe()

    def hold_for_ever():
        with host.lock():
            os.write(writer, b"held")
            signal.pause()

    child = in_child(hold_for_ever)
    os.read(reader, 4)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with host.lock():
        pass
    assert list(tmp_path.iterdir()) == []


def test_where_nothing_moves_the_wait_ends_and_leaves_no_ticket(host, tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "LOCK_TIMEOUT", 0.6)
    with host.lock():
        begun = time.monotonic()
        with pytest.raises(HostError) as problem, host.lock():
            pass
        assert 0.6 <= time.monotonic() - begun < 10
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert problem.value.message == (
        f"another run of this collection has held {host.lock_path} for 1 seconds; run again when it has ended"
    )


def test_a_ticket_that_is_taken_away_before_it_is_locked_is_drawn_again(host, tmp_path, monkeypatch):
    flock, taken = locks.fcntl.flock, []

    def flock_too_late(descriptor, operation):
        for path in tmp_path.iterdir() if not taken else ():
            taken.append(path.name)
            path.unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(locks.fcntl, "flock", flock_too_late)
    ticket, held = locks._draw(host.lock_path)
    assert [path.name for path in tmp_path.iterdir()] == [os.path.basename(ticket)]
    assert len(taken) == 1
    os.close(held)


def test_a_lock_that_cannot_be_made_is_told(host, tmp_path):
    host.lock_path = str(tmp_path / "missing" / "lock")
    with pytest.raises(HostError, match="missing/lock cannot be made: No such file or directory"), host.lock():
        pass


def test_where_rights_are_missing_the_lock_says_what_would_do(host, monkeypatch):
    def refuse(path, *_flags):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(locks.os, "open", refuse)
    monkeypatch.setattr(locks.os, "geteuid", lambda: 1000)
    told = r"cannot be made: Permission denied; if that takes root, use become: true$"
    with pytest.raises(HostError, match=told), host.lock():
        pass
