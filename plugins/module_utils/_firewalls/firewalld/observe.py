# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes firewalld: its permanent configuration, and the running daemon if there is one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import (
    POLICY,
    ZONE,
    Daemon,
    Place,
    observe_daemon,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.flushed import find_flushed
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import parse_items
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import is_running
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.service import (
    ServiceDefinition,
    parse_service,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.xml import items_of, parse
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX

ETC, STOCK = "/etc/firewalld", "/usr/lib/firewalld"
FOLDERS = {ZONE: "zones", POLICY: "policies"}
_UNIT = "firewalld.service"
_ENABLED_BY = (
    "/etc/systemd/system/multi-user.target.wants/firewalld.service",
    "/etc/systemd/system/basic.target.wants/firewalld.service",
    "/etc/runlevels/boot/firewalld",
    "/etc/runlevels/default/firewalld",
    "/etc/rc2.d/S01firewalld",
)


@dataclass(frozen=True)
class SettingsFile:
    """The file of a zone or a policy: ``content`` in /etc (None if there is none), ``stock`` as it was installed."""

    path: str
    content: Optional[bytes]
    stock: Optional[bytes]

    @property
    def effective(self) -> bytes:
        """What firewalld loads."""
        return self.content if self.content is not None else self.stock or b""


@dataclass(frozen=True)
class FirewalldState:
    """A host as the backend found it.

    ``services`` are the files that define services of our sets; ``definitions`` what services in use mean by their
    files. ``boot`` is enabled, disabled, masked or missing.
    """

    kernel: Kernel
    files: Dict[Place, SettingsFile]
    services: Dict[str, bytes]
    definitions: Dict[str, ServiceDefinition]
    default_zone: str
    boot: str
    daemon: Optional[Daemon]


def service_path(service: str) -> str:
    """Returns the path of the file that defines a service of ours."""
    return f"{ETC}/services/{service}.xml"


def list_services(host: FirewallHost) -> Tuple[str, ...]:
    """Returns the services of our sets that have a file."""
    names = host.list_folder(ETC + "/services")
    return tuple(name[:-4] for name in names if name.startswith(CHAIN_PREFIX) and name.endswith(".xml"))


def find_known(have: FirewalldState) -> FrozenSet[str]:
    """Returns the services of the sets that are there: those that have a file, and those that are let in now.

    That firewalld knows a service is not enough: it does so until it is reloaded, also if the set was removed.
    """
    settings = have.daemon.runtime.values() if have.daemon else ()
    used = {item.service for one in settings for item in parse_items(one)}
    return frozenset(have.services).union(name for name in used if name.startswith(CHAIN_PREFIX))


def is_enabled(host: FirewallHost) -> bool:
    """Tells whether firewalld starts at boot."""
    return any(host.has_link(path) for path in _ENABLED_BY)


def observe(host: FirewallHost, kernel: Kernel) -> FirewalldState:
    """Reads firewalld's files and asks the daemon; raises HostError for what cannot be read."""
    files = {place: _read_file(host, *place) for place in _find_places(host)}
    services = {name: host.read(service_path(name)) or b"" for name in list_services(host)}
    daemon = observe_daemon(host) if is_running(host) else None
    if daemon and "firewalld" not in find_managers(kernel.ruleset):
        kernel = observe_kernel(host)  # version 0.9 is on the bus, and active for systemd, before its rules are there
    if daemon:
        daemon = replace(daemon, keeps=(*daemon.keeps, *find_flushed(host, kernel, daemon)))
    return FirewalldState(
        kernel,
        files,
        services,
        _read_definitions(host, files),
        _read_default_zone(host),
        _find_boot(host),
        daemon,
    )


def _find_places(host: FirewallHost) -> List[Place]:
    """Zones that are made of several files in a folder of their own stay out."""
    return [
        (kind, name[:-4])
        for kind, folder in FOLDERS.items()
        for name in sorted({*host.list_folder(f"{ETC}/{folder}"), *host.list_folder(f"{STOCK}/{folder}")})
        if name.endswith(".xml") and not host.list_folder(f"{ETC}/{folder}/{name[:-4]}")
    ]


def _read_file(host: FirewallHost, kind: str, name: str) -> SettingsFile:
    path = f"{ETC}/{FOLDERS[kind]}/{name}.xml"
    return SettingsFile(path, host.read(path), host.read(f"{STOCK}/{FOLDERS[kind]}/{name}.xml"))


def _read_definitions(host: FirewallHost, files: Dict[Place, SettingsFile]) -> Dict[str, ServiceDefinition]:
    definitions = {}
    for name in sorted({name for file in files.values() for name in _services_in(file)}):
        content = host.read(f"{ETC}/services/{name}.xml") or host.read(f"{STOCK}/services/{name}.xml")
        try:
            definitions[name] = parse_service(content or b"")
        except ValueError:
            continue  # firewalld does not load it either
    return definitions


def _services_in(file: SettingsFile) -> List[str]:
    try:
        return [item.service for item in items_of(parse(file.effective)) if item.service and "/" not in item.service]
    except ValueError:
        return []


def _read_default_zone(host: FirewallHost) -> str:
    content = host.read(ETC + "/firewalld.conf") or b""
    for line in content.decode("utf-8", "surrogateescape").splitlines():
        key, _equals, value = line.partition("=")
        if key.strip() == "DefaultZone":
            return value.strip()
    return "public"


def _find_boot(host: FirewallHost) -> str:
    if host.find("firewalld") is None:
        return "missing"
    if host.real_path(f"/etc/systemd/system/{_UNIT}") == "/dev/null":
        return "masked"
    return "enabled" if is_enabled(host) else "disabled"


def refuse_missing(have: FirewalldState) -> None:
    """Raises HostError where there is no firewalld to manage."""
    if have.daemon is None and have.boot == "missing":
        raise HostError("firewalld is not installed on this host: install it, or use backend: auto")
    if have.daemon is None and have.boot == "masked":
        raise HostError(
            "firewalld is masked on this host, so that it neither runs nor starts at boot: run systemctl unmask "
            "firewalld first, or use backend: auto"
        )
