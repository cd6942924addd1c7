# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Predicts the next boot: which services start, which files are gone by then, which links are made after the rules."""

from __future__ import annotations

from typing import FrozenSet, Iterable

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost

_MASKS = ("/etc/systemd/system", "/run/systemd/system")
_IN_MEMORY = ("/run/", "/var/run/")
_HARDWARE = ("wlan", "wwan")  # what the kernel says of links that it has drivers for; of Ethernet it says nothing


def starts(host: FirewallHost, links: Iterable[str]) -> bool:
    """Tells whether one of the links that start a service is there, and systemd has not masked the service.

    Debian masks services whose package is removed; their links, and those of System V, stay.
    """
    links = tuple(links)
    names = {name for name in (link.rpartition("/")[2] for link in links) if name.endswith(".service")}
    if not any(host.has_link(link) for link in links):
        return False
    return not any(host.real_path(f"{folder}/{name}") == "/dev/null" for folder in _MASKS for name in names)


def is_in_memory(host: FirewallHost, path: str) -> bool:
    """Tells whether a file is gone after a reboot."""
    return host.real_path(path).startswith(_IN_MEMORY) or path.startswith(_IN_MEMORY)


def made_later(host: FirewallHost, links: Iterable[str], there: Iterable[str]) -> FrozenSet[str]:
    """Returns the links that are not there before the network is set up: bridges, tunnels, VLANs; ``there`` are now."""
    there = set(there)
    return frozenset(link for link in links if link not in there or _is_virtual(host, link))


def _is_virtual(host: FirewallHost, link: str) -> bool:
    """Whether a program made the link; a container's own links, of which the kernel says nothing, are no such."""
    said = (host.read(f"/sys/class/net/{link}/uevent") or b"").decode("ascii", "replace").split("\n")
    kinds = [line.partition("=")[2] for line in said if line.startswith("DEVTYPE=")]
    return any(kind not in _HARDWARE for kind in kinds) or host.is_file(f"/sys/class/net/{link}/tun_flags")
