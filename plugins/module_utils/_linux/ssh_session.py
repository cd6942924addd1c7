# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the ssh connection that this run came by, or the ports that sshd listens on."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from dataclasses import dataclass
from typing import FrozenSet, Iterator, List, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule
from ansible_collections.port443.https.plugins.module_utils._spec.request import Network, PortsRequest

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_ESTABLISHED, _LISTEN = "01", "0A"  # include/net/tcp_states.h
_SOCKET = re.compile(r"socket:\[([0-9]+)\]")
_STAT = re.compile(r"\d+ \((.*)\) \S (\d+) ", re.DOTALL)


@dataclass(frozen=True)
class Session:
    """``port`` of this host that ssh is reached at; ``source`` is where this run came from, None if not known."""

    port: int
    source: Optional[Network]

    def as_request(self) -> PortsRequest:
        """Returns what is asked to learn whether ssh is reached there."""
        source = () if self.source is None else (self.source,)
        return PortsRequest("ssh", (PortRule("tcp", self.port, self.port),), source=source)


def find_sessions(host: FirewallHost) -> Tuple[Session, ...]:
    """Returns how ssh is reached: the connection that this process descends from, else every port that sshd waits on.

    sudo hides SSH_CONNECTION, so the sockets of this process' ancestors are looked at first.
    """
    for pid in _ancestors(host):
        if _name(host, pid).startswith("sshd"):
            found = _sockets_of(host, pid, _ESTABLISHED)
            if found:
                return (found[0],)
    given = os.environ.get("SSH_CONNECTION", "").split()
    if len(given) == 4 and given[3].isdigit():
        return (Session(int(given[3]), _network(ipaddress.ip_address(given[0].partition("%")[0]))),)
    waiting: List[Session] = []
    for pid in host.list_folder("/proc"):
        if pid.isdigit() and _name(host, pid) == "sshd":
            waiting += [Session(one.port, None) for one in _sockets_of(host, pid, _LISTEN)]
    return tuple(dict.fromkeys(waiting))


def find_connection(host: FirewallHost) -> str:
    """Returns what names the ssh connection that this process descends from, empty where it is none, or not known.

    Every command over one connection descends from the same process of sshd.
    """
    for pid in _ancestors(host):
        if _name(host, pid).startswith("sshd"):
            words = (host.read(f"/proc/{pid}/stat") or b"").rpartition(b")")[2].split()
            return f"{pid}-{words[19].decode('ascii')}" if len(words) > 19 else ""  # when it began, proc(5)
    return ""


def _ancestors(host: FirewallHost) -> Iterator[str]:
    """This process' parent, that one's, and so on."""
    pid = str(os.getpid())
    while True:
        parts = _STAT.match((host.read(f"/proc/{pid}/stat") or b"").decode("utf-8", "replace"))
        if parts is None or parts.group(2) in ("0", "1"):
            return
        pid = parts.group(2)
        yield pid


def _name(host: FirewallHost, pid: str) -> str:
    try:
        return (host.read(f"/proc/{pid}/comm") or b"").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _sockets_of(host: FirewallHost, pid: str, state: str) -> List[Session]:
    """The TCP sockets of a process in that state, by their own port and the other end."""
    links = (host.real_path(f"/proc/{pid}/fd/{number}") for number in host.list_folder(f"/proc/{pid}/fd"))
    inodes = frozenset(match.group(1) for match in map(_SOCKET.search, links) if match)
    found: List[Session] = []
    for name in ("tcp", "tcp6"):
        found += parse_sockets((host.read(f"/proc/net/{name}") or b"").decode("ascii", "replace"), inodes, state)
    return found


def parse_sockets(text: str, inodes: FrozenSet[str], state: str) -> List[Session]:
    """Returns the sockets of /proc/net/tcp or tcp6 that have one of the inodes and that state (two hex digits)."""
    found: List[Session] = []
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == state and words[9] in inodes:
            _own, _colon, port = words[1].partition(":")
            found.append(Session(int(port, 16), _network(_address(words[2].partition(":")[0]))))
    return found


def _address(digits: str) -> Address:
    """Addresses are printed as numbers of 32 bits in the machine's own order."""
    words = [int(digits[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(digits), 8)]
    return ipaddress.ip_address(b"".join(words))


def _network(address: Address) -> Optional[Network]:
    """The address as a network of one, IPv4 within IPv6 as IPv4; None for no address at all."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return None if int(address) == 0 else ipaddress.ip_network(address)
