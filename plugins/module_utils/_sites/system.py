# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells which system a host is, as far as web servers have their files at other places on it."""

from __future__ import annotations

import re
from typing import Iterable

from ansible_collections.port443.https.plugins.module_utils._host.files import Files
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._webservers.site import HostSystem

_OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")  # man 5 os-release
_DEBIAN = {"debian", "ubuntu"}


def observe_system(host: Host, looked_at: Iterable[str]) -> HostSystem:
    """Returns the family of the host's system as Ansible names it, and which of ``looked_at`` paths it has.

    Of Linux, only Debian's family is told apart by name; the others are ``Linux``.
    """
    existing = frozenset(path for path in looked_at if host.has_link(path))
    family = host.system()
    if family == "Linux" and _DEBIAN & set(_read_identifiers(host)):
        family = "Debian"
    return HostSystem(family, existing)


def _read_identifiers(host: Files) -> Iterable[str]:
    for path in _OS_RELEASE:
        content = host.read(path)
        if content is not None:
            text = content.decode("utf-8", "replace")
            return [word for line in re.findall(r'(?m)^ID(?:_LIKE)?="?([^"\n]*)"?$', text) for word in line.split()]
    return ()
