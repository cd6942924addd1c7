# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How ssh is reached, from /proc as Linux 6.1 prints it, but for blanks, zeros and the last columns."""

from __future__ import annotations

import ipaddress
import os

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import (
    Session,
    find_sessions,
    parse_sockets,
)

TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0016 00000000:0000 0A 0:0 00:0 0 0 0 4011
   1: 020200C0:08AE 076433C6:C350 01 0:0 02:000A7F1D 0 0 0 4022
"""
TCP6 = """  sl  local_address remote_address st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 4012
   1: B80D0120000000000000000002000000:08AE B80D012000000F000000000009000000:D431 01 0:0 02:000A7F1D 0 0 0 4033
   2: 0000000000000000FFFF0000020200C0:0016 0000000000000000FFFF0000076433C6:C350 01 0:0 02:000A7F1D 0 0 0 4044
"""
FRIEND = ipaddress.ip_network("198.51.100.7/32")


@pytest.mark.parametrize(
    ("text", "inode", "state", "sessions"),
    [
        (TCP, "4011", "0A", [Session(22, None)]),
        (TCP, "4022", "01", [Session(2222, FRIEND)]),
        (TCP, "4022", "0A", []),
        (TCP, "9999", "01", []),
        (TCP6, "4033", "01", [Session(2222, ipaddress.ip_network("2001:db8:f::9/128"))]),
        (TCP6, "4044", "01", [Session(22, FRIEND)]),
    ],
)
def test_sockets_are_read(text, inode, state, sessions):
    assert parse_sockets(text, frozenset((inode,)), state) == sessions


class Proc:
    """A host whose processes are ``{pid: (name, parent, inodes)}``."""

    def __init__(self, processes):
        self.processes = processes

    def read(self, path):
        part, name = path.split("/")[2:4]
        if part == "net":
            return {"tcp": TCP, "tcp6": TCP6}[name].encode("ascii")
        if part not in self.processes:
            return None
        process, parent, _inodes = self.processes[part]
        return {"comm": f"{process}\n", "stat": f"{part} ({process}) S {parent} 1 1 0"}[name].encode("ascii")

    def list_folder(self, path):
        if path == "/proc":
            return (*self.processes, "net", "self")
        return tuple(str(number) for number in range(len(self.processes[path.split("/")[2]][2])))

    def real_path(self, path):
        _empty, _proc, pid, _fd, number = path.split("/")
        return f"/proc/{pid}/fd/socket:[{self.processes[pid][2][int(number)]}]"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    monkeypatch.delenv("SSH_CONNECTION", raising=False)


ME = str(os.getpid())


def test_the_connection_of_an_ancestor_is_found_behind_sudo():
    host = Proc(
        {
            ME: ("python3", "40", ()),
            "40": ("a (strange) name", "30", ()),
            "30": ("sshd-session", "20", ("1", "4022")),
            "20": ("sshd", "1", ("4011",)),
        }
    )
    assert find_sessions(host) == (Session(2222, FRIEND),)


def test_the_environment_tells_where_no_ancestor_does(monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "198.51.100.7 50000 192.0.2.2 2022")
    assert find_sessions(Proc({ME: ("python3", "1", ())})) == (Session(2022, FRIEND),)


def test_what_sshd_waits_on_is_told_where_nobody_came_by_ssh():
    host = Proc({ME: ("python3", "1", ()), "7": ("sshd", "1", ("4011", "4012")), "8": ("nginx", "1", ("5000",))})
    assert find_sessions(host) == (Session(22, None),)
    assert find_sessions(Proc({ME: ("python3", "1", ())})) == ()


def test_a_process_that_ends_while_it_is_looked_at_is_none(monkeypatch):
    def open_of_an_ended_one(path, mode):
        assert (path, mode) == ("/proc/4711/comm", "rb")
        raise ProcessLookupError(3, "No such process")

    monkeypatch.setattr("builtins.open", open_of_an_ended_one)
    assert FirewallHost().read("/proc/4711/comm") is None
