# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes the nft files that a distribution loads at boot, and whether their service flushes first."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Dict, Iterator, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import (
    NftSources,
    observe_sources,
)
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot import is_in_memory, starts

_TARGETS = ("sysinit", "multi-user", "basic", "network-pre", "network")
_WANTS = tuple(f"/etc/systemd/system/{target}.target.wants/nftables.service" for target in _TARGETS)
_RUNLEVELS = tuple(f"/etc/runlevels/{level}/nftables" for level in ("boot", "default", "sysinit"))
_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_OVERRIDES = "/etc/systemd/system/nftables.service.d"
# The package nftables of Debian and Arch; of the RHEL family; of Alpine.
_SYSTEMD_FILES = ("/etc/nftables.conf", "/etc/sysconfig/nftables.conf")
_OPENRC_FILES = ("/etc/nftables.nft",)
_FLUSH = re.compile(r"flush\s+ruleset")
_AFTER = re.compile(r"^[ \t]*After[ \t]*=(.*)$", re.MULTILINE)
# All but network-pre.target, before which links are not set up: the network, one link's device, an instance such as
# wg-quick@wg0.service.
_LATE = re.compile(r"network(?!-pre\b)|NetworkManager|\.device\b|@|docker|libvirt", re.IGNORECASE)
_COMMAND = re.compile(r"^[ \t]*(Exec\w+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class BootFile:
    """An nft file that exists, with all that it includes.

    ``loader`` is the service that loads it, ``enabled`` whether that happens at boot; ``flushes`` tells that the
    service takes the old rules away itself before it loads the file again, ``waits`` that it starts after the network.
    ``in_memory`` are the files of it that a reboot takes away.
    """

    path: str
    loader: str
    sources: NftSources
    enabled: bool
    flushes: bool
    waits: bool = False
    in_memory: Tuple[str, ...] = ()


def observe_files(host: FirewallHost) -> Tuple[BootFile, ...]:
    """Returns the files that exist, of every layout; raises HostError for one that cannot be read."""
    commands = _commands(host)
    named = _files_of(commands.get("ExecStart", []))
    reloads = commands.get("ExecReload") or commands.get("ExecStop", [])
    flushes = bool(reloads) and all(_FLUSH.search(command) for command in reloads)
    waits = any(_LATE.search(words) for text in _unit_texts(host) for words in _AFTER.findall(text))
    found: List[BootFile] = []
    by_systemd = starts(host, _WANTS)
    for path in dict.fromkeys((*named, *_SYSTEMD_FILES)):
        if host.is_file(path):
            enabled = by_systemd and (path in named or not commands.get("ExecStart"))
            found.append(_boot_file(host, path, "nftables.service", enabled, flushes, waits))
    by_openrc = any(host.has_link(path) for path in _RUNLEVELS)
    for path in _OPENRC_FILES:
        if host.is_file(path):
            loader = "the OpenRC service nftables"
            found.append(_boot_file(host, path, loader, by_openrc, False, False))
    return tuple(found)


def _boot_file(host: FirewallHost, path: str, loader: str, enabled: bool, flushes: bool, waits: bool) -> BootFile:
    sources = observe_sources(host, path)
    in_memory = tuple(name for name in sorted(sources.contents) if is_in_memory(host, name))
    return BootFile(path, loader, sources, enabled, flushes, waits, in_memory)


def _commands(host: FirewallHost) -> Dict[str, List[str]]:
    """The commands of the unit nftables.service as systemd takes them: an empty one forgets those before."""
    found: Dict[str, List[str]] = {}
    for text in _unit_texts(host):
        for name, command in _COMMAND.findall(text.replace("\\\n", " ")):
            if command:
                found.setdefault(name, []).append(command)
            else:
                found[name] = []
    return found


def _unit_texts(host: FirewallHost) -> Iterator[str]:
    units = (host.read(f"{folder}/nftables.service") for folder in _UNITS)
    unit: Optional[bytes] = next((content for content in units if content), None)
    if unit:
        yield unit.decode("utf-8", "replace")
    for name in host.list_folder(_OVERRIDES):
        content = host.read(f"{_OVERRIDES}/{name}") if name.endswith(".conf") else None
        yield (content or b"").decode("utf-8", "replace")


def _files_of(commands: List[str]) -> List[str]:
    """The files that ``nft -f`` is told to load."""
    found: List[str] = []
    for command in commands:
        try:
            words = shlex.split(command)
        except ValueError:
            continue
        if words and words[0].lstrip("-+!@:").rpartition("/")[2] == "nft":
            pairs = zip(words, words[1:])
            found += [name for option, name in pairs if option in ("-f", "--file") and name.startswith("/")]
    return found
