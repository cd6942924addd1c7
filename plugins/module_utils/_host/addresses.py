# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lists the IP addresses of this machine, by getifaddrs of the C library, which every Unix has."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from typing import Iterator, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError

IFF_UP = 1  # net/if.h of each system
_HAS_LENGTH = not sys.platform.startswith("linux")  # sockaddr of the BSDs begins with its length, in one byte
_PORT_AND_FAMILY = 4  # bytes before the address of IPv4; IPv6 has its flow label, four more


class _Link(ctypes.Structure):
    """``struct ifaddrs``, as far as every system has it alike."""


_Link._fields_ = [
    ("next", ctypes.POINTER(_Link)),
    ("name", ctypes.c_char_p),
    ("flags", ctypes.c_uint),
    ("address", ctypes.c_void_p),
]


def list_addresses() -> Tuple[str, ...]:
    """Returns the addresses of all links that are up, IPv4 first; raises HostError.

    Those of IPv6 that hold on one link alone (fe80::/10) are left out: nobody reaches them without naming the link.
    """
    library = ctypes.CDLL(None, use_errno=True)
    first = ctypes.POINTER(_Link)()
    if library.getifaddrs(ctypes.byref(first)) != 0:
        raise HostError(f"the addresses of this host cannot be listed: {os.strerror(ctypes.get_errno())}")
    try:
        found = list(_read(first))
    finally:
        library.freeifaddrs(first)
    plain = [address for address in found if ":" not in address]
    return tuple(dict.fromkeys(plain + [address for address in found if ":" in address]))


def _read(first: ctypes._Pointer[_Link]) -> Iterator[str]:
    links: List[_Link] = []
    current = first
    while current:
        links.append(current.contents)
        current = current.contents.next
    for link in links:
        if not link.address or not link.flags & IFF_UP:
            continue
        head = ctypes.string_at(link.address, 2)
        family = head[1] if _HAS_LENGTH else int.from_bytes(head, sys.byteorder)
        if family == socket.AF_INET:
            yield socket.inet_ntop(family, ctypes.string_at(link.address + _PORT_AND_FAMILY, 4))
        elif family == socket.AF_INET6:
            address = socket.inet_ntop(family, ctypes.string_at(link.address + 2 * _PORT_AND_FAMILY, 16))
            if not address.lower().startswith(("fe8", "fe9", "fea", "feb")):
                yield address
