# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists who listens on ports of a Linux host, from /proc alone."""

from __future__ import annotations

import os
import re
import socket
import struct
import sys
from dataclasses import dataclass
from typing import Collection, Dict, Iterator, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.files import Files

# TCP_LISTEN in include/net/tcp_states.h; a socket of UDP that waits for anybody is in state 07 (net/ipv4/udp.c).
_WAITS = {"tcp": "0A", "udp": "07"}


@dataclass(frozen=True)
class Listener:
    """A socket that listens: its address, port, and the names of the processes that hold it, as far as seen."""

    address: str
    port: int
    processes: Tuple[str, ...]

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{', '.join(self.processes) or 'a process of another container or user'} on {host}:{self.port}"


def list_listeners(host: Files, ports: Collection[int], protocol: str = "tcp") -> Tuple[Listener, ...]:
    """Returns who listens on one of ``ports``; empty where the system has no /proc/net."""
    sockets: Dict[str, Tuple[str, int]] = {}
    for table in (protocol, protocol + "6"):
        text = (host.read(f"/proc/net/{table}") or b"").decode("ascii", "replace")
        sockets.update(read_table(text, ports, protocol))
    holders = _find_holders(host, set(sockets)) if sockets else {}
    return tuple(
        Listener(address, port, tuple(sorted(holders.get(inode, ())))) for inode, (address, port) in sockets.items()
    )


def read_table(text: str, ports: Collection[int], protocol: str = "tcp") -> Dict[str, Tuple[str, int]]:
    """Returns (address, port) by inode of what listens, from the text of /proc/net/tcp, tcp6, udp or udp6 (proc(5))."""
    found: Dict[str, Tuple[str, int]] = {}
    for line in text.splitlines()[1:]:
        words = line.split()
        if len(words) > 9 and words[3] == _WAITS[protocol]:
            raw, _colon, port = words[1].partition(":")
            if int(port, 16) in ports:
                found[words[9]] = (_read_address(raw), int(port, 16))
    return found


def _read_address(raw: str) -> str:
    """Words of 32 bits in the order of the machine's bytes."""
    order = "<" if sys.byteorder == "little" else ">"
    words = [int(raw[at : at + 8], 16) for at in range(0, len(raw), 8)]
    packed = struct.pack(f"{order}{len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed)


def _find_holders(host: Files, inodes: Set[str]) -> Dict[str, Set[str]]:
    holders: Dict[str, Set[str]] = {}
    for process in host.list_folder("/proc"):
        if process.isdigit():
            for inode in _open_sockets(host, process):
                if inode in inodes:
                    name = (host.read(f"/proc/{process}/comm") or b"").decode("utf-8", "replace").strip()
                    holders.setdefault(inode, set()).add(name)
    return holders


def _open_sockets(host: Files, process: str) -> Iterator[str]:
    folder = f"/proc/{process}/fd"
    for name in host.list_folder(folder):
        try:
            found = re.fullmatch(r"socket:\[([0-9]+)\]", os.readlink(f"{folder}/{name}"))
        except OSError:  # it was closed meanwhile
            continue
        if found:
            yield found.group(1)
