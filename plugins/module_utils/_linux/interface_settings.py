# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the settings of IPv4 that network interfaces have (Documentation/networking/ip-sysctl.rst)."""

from __future__ import annotations

import contextlib

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.files import Files

ALL = "all"
STRICT = 1
"""Of rp_filter: takes only what the interface's own route leads back to."""


def read_number(host: Files, path: str) -> int:
    """Returns the number that a file of the kernel holds, -1 where there is none."""
    with contextlib.suppress(HostError, ValueError):
        return int(host.read(path) or b"")
    return -1


def read_setting(host: Files, interface: str, name: str) -> int:
    """Returns a setting of an interface, or that of ALL; -1 where there is none."""
    return read_number(host, f"/proc/sys/net/ipv4/conf/{interface}/{name}")


def find_effective(host: Files, interface: str, name: str) -> int:
    """Returns the larger of an interface's setting and that of all, which counts for rp_filter and what ARP answers."""
    return max(read_setting(host, one, name) for one in (ALL, interface))
