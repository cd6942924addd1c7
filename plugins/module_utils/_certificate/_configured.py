# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a web server's configuration comes down to, whichever it is: servers, their sockets, their certificates."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate._names import is_covered
from ansible_collections.port443.https.plugins.module_utils._certificate._proof import Place
from ansible_collections.port443.https.plugins.module_utils._certificate._service import Wanted

# Takes an include's absolute path or pattern, returns the texts of the files it stands for, in the service's order.
ReadFiles = Callable[[str], Sequence[str]]

# Tells whether a name as the configuration writes it, with the wildcards of that service, stands for a host name.
Matches = Callable[[str, str], bool]


@dataclass(frozen=True)
class Listen:
    """A TCP socket of a server: ``address`` is empty for all; ``tls`` and ``proxy`` as the socket is set up."""

    address: str
    port: int
    tls: bool
    proxy: bool


@dataclass(frozen=True)
class Server:
    """A part of a configuration with names, sockets, and the absolute paths of the certificates it shows."""

    names: Tuple[str, ...]
    listens: Tuple[Listen, ...]
    certificates: Tuple[str, ...]


def shows(server: Server, wanted: Wanted) -> bool:
    """Tells whether a server shows the pair."""
    return any(is_below(path, wanted.folder) for path in server.certificates)


def find_places(servers: Sequence[Server], wanted: Wanted, matches: Matches) -> Tuple[Place, ...]:
    """Returns where servers are to be asked for the pair: their TLS sockets, with a name that leads to them."""
    places: List[Place] = []
    for server in servers:
        name, leads = _choose_name(server, wanted, matches)
        for listen in server.listens:
            address = {"": "127.0.0.1", "::": "::1"}.get(listen.address, listen.address)
            place = Place(address, listen.port, name, listen.proxy, () if leads else server.names)
            if listen.tls and place not in places:
                places.append(place)
    return tuple(places)


def is_below(path: str, folder: str) -> bool:
    """Tells whether a path, as written or with its links followed, leads into a directory."""
    return path.startswith(folder + "/") or os.path.realpath(path).startswith(os.path.realpath(folder) + "/")


def _choose_name(server: Server, wanted: Wanted, matches: Matches) -> Tuple[str, bool]:
    """The wanted name if the server is for it, else another of the pair's, else one of the server's that it covers.

    Where there is none, the wanted name without the promise that it leads to the server.
    """
    names = [name for name in (wanted.server_name, *wanted.names) if name and not name.startswith("*")]
    for name in names:
        if any(matches(server_name, name) for server_name in server.names):
            return name, True
    held = set(wanted.names)
    for server_name in server.names:
        if is_covered(server_name, held) and not server_name.startswith("*"):
            return server_name, True
    return wanted.server_name, False
