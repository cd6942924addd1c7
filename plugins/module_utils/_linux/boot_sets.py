# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the ipsets that something on disk makes at boot before rules that name them are loaded.

A file for iptables-restore with a set that is not there is not loaded at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, List, Tuple

from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot import starts
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import WANTS, units

_UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
_RESTORES = re.compile(r"^Exec\w+=.*\bipset\b.*\brestore\b.*$", re.MULTILINE)
_FILE = re.compile(r"(?:-f|-file|<)\s*[\"']?(/[^\s\"';]+)")
_BEFORE = re.compile(r"^Before=(.*)$", re.MULTILINE)
_UFW_SCRIPT = "/etc/ufw/before.init"


@dataclass(frozen=True)
class _Maker:
    """Files for ``ipset restore``, or folders of them, and the links one of which means that they are loaded."""

    files: Tuple[str, ...]
    enabled_by: Tuple[str, ...]
    advice: str


_RUNLEVELS = tuple(f"/etc/runlevels/{level}/ipset" for level in ("boot", "default", "sysinit"))
# By who loads the rules: Debian's package ipset-persistent, whose plugin runs before those of iptables; ipset-service
# of the RHEL family; the OpenRC services of Alpine and of Gentoo; Arch's ipset. All are ordered before the rules.
_MAKERS: Dict[str, _Maker] = {
    "netfilter-persistent": _Maker(
        ("/etc/iptables/ipsets",),
        ("/usr/share/netfilter-persistent/plugins.d/10-ipset",),
        "the package ipset-persistent and 'netfilter-persistent save' keep the sets",
    ),
    "iptables-services": _Maker(
        ("/etc/sysconfig/ipset", "/etc/sysconfig/ipset.d/"),
        units("ipset"),
        "the package ipset-service keeps the sets (systemctl enable ipset, service ipset save)",
    ),
    "the OpenRC service iptables": _Maker(
        ("/etc/ipset.d/", "/var/lib/ipset/rules-save"),
        _RUNLEVELS,
        "the service ipset keeps the sets (rc-update add ipset boot)",
    ),
    "iptables.service": _Maker(
        ("/etc/ipset.conf",),
        units("ipset"),
        "the service ipset keeps the sets (ipset save > /etc/ipset.conf, systemctl enable ipset)",
    ),
    "ufw": _Maker((), (), f"{_UFW_SCRIPT} may make the sets"),
}
_SERVICES = {
    "netfilter-persistent": ("netfilter-persistent",),
    "iptables-services": ("iptables", "ip6tables"),
    "iptables.service": ("iptables", "ip6tables"),
    "ufw": ("ufw",),
}


def observe_boot_sets(host: FirewallHost, loader: str, live: str) -> Tuple[str, ...]:
    """Returns the texts for ``ipset restore`` that are loaded before ``loader`` loads its rules.

    ``live`` is what ``ipset save`` prints now: of a script that makes sets by name, those that there are.
    """
    maker = _MAKERS[loader]
    paths = list(_files(host, maker.files)) if starts(host, maker.enabled_by) else []
    for text in _unit_texts(host):
        if _is_before(text, loader):
            paths += [name for command in _RESTORES.findall(text) for name in _FILE.findall(command)]
    script = host.read(_UFW_SCRIPT) if loader == "ufw" and host.find(_UFW_SCRIPT) else None
    made = (script or b"").decode("utf-8", "replace")
    paths += [name for line in made.split("\n") if "ipset" in line for name in _FILE.findall(line)]
    texts = [(host.read(path) or b"").decode("utf-8", "surrogateescape") for path in dict.fromkeys(paths)]
    return tuple(text for text in (*texts, _named(live, made)) if text.strip())


def advice_for(loader: str) -> str:
    """Returns what makes sets at boot before that loader's rules."""
    return _MAKERS[loader].advice


def _files(host: FirewallHost, paths: Tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        if path.endswith("/"):
            yield from (path + name for name in host.list_folder(path) if not name.startswith("."))
        else:
            yield path


def _unit_texts(host: FirewallHost) -> Iterator[str]:
    """The units that the boot starts and that mention ipset."""
    names = [name for folder in WANTS for name in host.list_folder(folder) if name.endswith(".service")]
    for name in dict.fromkeys(names):
        if not starts(host, units(name[: -len(".service")])):
            continue
        units_there = (host.read(f"{folder}/{name}") for folder in _UNITS if host.is_file(f"{folder}/{name}"))
        text = (next(units_there, None) or b"").decode("utf-8", "replace")
        if "ipset" in text:
            yield text.replace("\\\n", " ")


def _is_before(unit: str, loader: str) -> bool:
    before = [word for line in _BEFORE.findall(unit) for word in line.split()]
    return any(f"{service}.service" in before for service in _SERVICES.get(loader, ()))


def _named(live: str, script: str) -> str:
    """The sets of ``live`` that a script names."""
    words = set(re.findall(r"[\w.:-]+", script))
    lines: List[str] = [line for line in live.split("\n") if line.split(" ", 2)[1:2] and line.split(" ", 2)[1] in words]
    return "".join(line + "\n" for line in lines)
