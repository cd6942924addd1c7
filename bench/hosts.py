# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The throw-away hosts: how they are made, wired to this process's network namespace, set back, and looked at."""

from __future__ import annotations

import contextlib
import errno
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Collection, Iterator, Sequence

from rules import default_drop, default_drop_nft, with_blocklists

BENCH = Path(__file__).resolve().parent
SINGLE, LARGE = "web", "large"
NFTABLES, FIREWALLD, UFW = "nftables", "firewalld", "ufw"
FLEET = tuple(f"fleet{number:02}" for number in range(1, 21))
SERVERS = tuple(f"server{number:02}" for number in range(1, 51))  # apart, as the cases of a part share its hosts
NAMES = (SINGLE, LARGE, *FLEET, NFTABLES, FIREWALLD, UFW, *SERVERS)
RULES = {4: 8000, 6: 2000}
_START = 60.0  # seconds until sshd has to answer; 10,000 rules are loaded before
_PATIENCE = 0.3  # seconds until a dropped packet counts as dropped; the next hop is a function call away

_SSHD_CONFIG = """\
HostKey /etc/bench/host_key
AuthorizedKeysFile /etc/bench/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
UsePAM no
PidFile none
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class Host:
    """A running host; ``process`` is its sshd, in whose namespaces the host is."""

    name: str
    number: int
    process: subprocess.Popen[str]

    @property
    def addresses(self) -> tuple[str, str]:
        """Its IPv4 and IPv6 address, as seen from here."""
        return f"10.43.{self.number}.2", f"fd43:0:0:{self.number}::2"

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command on the host, not over ssh."""
        pid = self.process.pid
        inside = (
            "nsenter",
            f"--target={pid}",
            "--net",
            "--mount",
            f"--root=/proc/{pid}/root",
            f"--wd=/proc/{pid}/root",
        )
        return subprocess.run((*inside, *argv), check=check, capture_output=True, text=True)

    def reset(self) -> None:
        """Sets the firewall back, live and saved."""
        self.run("/etc/bench/firewall", "reset")

    def lets_in(self, port: int) -> bool:
        """Tells whether TCP packets to that port get past the firewall, over both IP versions alike."""
        answers = {_answers(address, port) for address in self.addresses}
        if len(answers) > 1:
            raise AssertionError(f"{self.name} lets port {port} in over one IP version only")
        return answers.pop()


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), _PATIENCE).close()
    except ConnectionRefusedError:
        return True  # nobody listens there, and the host was free to say so
    except OSError as error:
        if isinstance(error, socket.timeout) or error.errno in (errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.EACCES):
            return False  # dropped, or rejected as firewalld does: prohibited by an administrator
        raise
    return True


@contextlib.contextmanager
def running(disk: Path, wanted: Collection[str]) -> Iterator[dict[str, Host]]:
    """Yields the hosts ``wanted`` by name, answering on ssh; keys are at ``disk``/key. Ends them, by id, afterwards."""
    _write_keys(disk)
    hosts: dict[str, Host] = {}
    try:
        subprocess.run(("ip", "link", "set", "lo", "up"), check=True)
        for number, name in enumerate(NAMES, start=1):
            if name in wanted:
                hosts[name] = _start(disk, name, number)
        for host in hosts.values():
            for address in host.addresses:  # IPv6 may be later by a second
                _wait_for_ssh(host, address)
        yield hosts
    finally:
        for host in hosts.values():
            host.process.kill()
        for host in hosts.values():
            host.process.wait()


def reset(hosts: Sequence[Host]) -> None:
    """Sets several hosts back."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(Host.reset, hosts))


def _write_keys(disk: Path) -> None:
    folder = disk / "sshd"
    folder.mkdir(exist_ok=True)
    for path in (disk / "hosts" / "key", folder / "host_key"):
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bench", "-f", str(path)), check=True)
    (folder / "authorized_keys").write_bytes((disk / "hosts" / "key.pub").read_bytes())
    (folder / "sshd_config").write_text(_SSHD_CONFIG, encoding="ascii")


def _start(disk: Path, name: str, number: int) -> Host:
    folder = disk / "hosts" / name
    folder.mkdir()
    for version in (4, 6):
        rules = with_blocklists(version, RULES[version]) if name == LARGE else default_drop(version)
        (folder / f"rules.v{version}").write_text(rules, encoding="ascii")
    (folder / "rules.nft").write_text(default_drop_nft(), encoding="ascii")
    firewall = BENCH / "firewalls" / (name if name in (NFTABLES, FIREWALLD, UFW) else "iptables")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ("unshare", "--net", "--mount", str(BENCH / "host"), str(folder), str(number), str(firewall)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    if process.stdout is None or process.stdin is None or process.stdout.readline() != "ready\n":
        raise RuntimeError(f"the host {name} could not be made: {(folder / 'log').read_text(encoding='utf-8')}")
    near = f"to{number}"
    for argv in (
        ("ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", str(process.pid)),
        ("ip", "address", "add", f"10.43.{number}.1/24", "dev", near),
        ("ip", "-6", "address", "add", f"fd43:0:0:{number}::1/64", "dev", near, "nodad"),
        ("ip", "link", "set", near, "up"),
    ):
        subprocess.run(argv, check=True)
    process.stdin.write("\n")
    process.stdin.close()
    return Host(name, number, process)


def _wait_for_ssh(host: Host, address: str) -> None:
    deadline = time.monotonic() + _START
    while host.process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((address, 22), 0.1) as stream:
            if stream.recv(4) == b"SSH-":
                return
        time.sleep(0.05)
    raise RuntimeError(f"sshd of the host {host.name} does not answer at {address}")
