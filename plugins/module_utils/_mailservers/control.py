# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes a mail server of a host: where it listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._host.listeners import list_listeners
from ansible_collections.port443.https.plugins.module_utils._mailservers.kinds import KINDS, MailServer
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a table of the kernel says


@dataclass(frozen=True)
class MailService:
    """A mail server as it was found: ``places`` are those where it speaks TLS, without a name to send."""

    kind: MailServer
    places: Tuple[Endpoint, ...]


def observe(host: Host, name: str) -> MailService:
    """Returns how a mail server is; changes nothing; raises HostError where it does not run."""
    kind = KINDS[name]
    if host.system() != "Linux":
        raise HostError(
            f"also_reload: who listens is known on Linux alone, and where {kind.title} does is not known here"
        )
    protocols = dict(kind.ports)
    places = [
        Endpoint(_EVERYWHERE.get(one.address, one.address), one.port, "", starttls=protocols[one.port])
        for one in list_listeners(host, tuple(protocols))
        if set(one.processes) & set(kind.processes)
    ]
    if not places:
        raise HostError(
            f"also_reload: {kind.title} listens at none of the ports {', '.join(map(str, protocols))}: start it first, "
            "or leave it out"
        )
    return MailService(kind, tuple(sorted(set(places), key=str)))
