# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes which interfaces take nothing of strangers, as the way back to them leads elsewhere (rp_filter)."""

from __future__ import annotations

import contextlib
import ipaddress
import posixpath
import re
from typing import AbstractSet, FrozenSet, Iterator, List, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.wire import rtnetlink
from ansible_collections.port443.https.plugins.module_utils._linux.interface_settings import (
    ALL,
    STRICT,
    find_effective,
    read_setting,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Span

_STRANGER = "198.51.100.1"  # of a network that nobody has (RFC 5737), so that the way to it is that to strangers
# What sets them at boot, the last one first: ufw after the system's own (sysctl.d(5)).
_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d")


def find_one_way(
    host: FirewallHost, names: FrozenSet[str], default: Optional[str], own: Sequence[Span]
) -> Tuple[Tuple[str, str], ...]:
    """Returns interface and reason of those by which no stranger gets in over IPv4.

    ``default`` is the interface of the default route, ``own`` are the host's addresses.
    """
    strict = [name for name in sorted(names - {"lo", default}) if find_effective(host, name, "rp_filter") == STRICT]
    if not strict or default is None:
        return ()
    found: List[Tuple[str, str]] = []
    with contextlib.suppress(OSError):
        for address in (str(ipaddress.IPv4Address(low)) for low, _high in own):
            name = rtnetlink.find_holder(address)
            back = rtnetlink.find_route(_STRANGER, address)[0] if name in strict else ""
            if back not in ("", name) and name not in dict(found):
                found.append((name, _explain(host, name, back)))
    return tuple(found)


def _explain(host: FirewallHost, name: str, back: str) -> str:
    which = name if read_setting(host, name, "rp_filter") == STRICT else ALL
    place = _find_place(host, {which, "default"} if which == name else {which})
    return (
        f"rp_filter of {name} is strict (net.ipv4.conf.{which}.rp_filter{f', from {place}' if place else ''}) and the "
        f"way back to strangers leads to {back}: what they send by {name} is dropped; set it to 2"
    )


def _find_place(host: FirewallHost, names: AbstractSet[str]) -> str:
    """The file and line that says so, of those that nobody comes after; empty where none does."""
    which = "|".join(map(re.escape, sorted(names)))
    key = re.compile(rf"\s*-?net[./]ipv4[./]conf[./](?:{which})[./]rp_filter\s*=\s*1\s*(?:[#;].*)?\Z")
    for path in _files(host):
        text = (host.read(path) or b"").decode("utf-8", "replace")
        for number, line in reversed(list(enumerate(text.splitlines(), 1))):
            if key.match(line):
                return f"{path} line {number}"
    return ""


def _files(host: FirewallHost) -> Iterator[str]:
    yield "/etc/ufw/sysctl.conf"
    yield "/etc/sysctl.conf"
    named: List[Tuple[str, int, str]] = []
    for rank, folder in enumerate(_FOLDERS):
        named += [
            (name, -rank, posixpath.join(folder, name)) for name in host.list_folder(folder) if name.endswith(".conf")
        ]
    for _name, _rank, path in sorted(named, reverse=True):
        yield path
