# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Servers, sockets and certificates of a web server's configuration, whichever server it is."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from typing import Callable, Dict, List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_covered
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving, WantedPair

# Takes an include's absolute path or pattern, returns the texts of the files it stands for, in the service's order.
ReadFiles = Callable[[str], Sequence[str]]

# Takes an absolute path or pattern, returns path and text of each file that it stands for, in the service's order.
FindTexts = Callable[[str], Sequence[Tuple[str, str]]]

# Returns the addresses at which a socket answers, of the address that a configuration gives it.
Expand = Callable[[str], Sequence[str]]

# Tells whether a name as the configuration writes it, with the wildcards of that service, stands for a host name.
Matches = Callable[[str, str], bool]


@dataclass(frozen=True)
class Listen:
    """A TCP socket of a server: ``address`` is empty for all; ``tls`` and ``proxy`` as the socket is set up.

    ``balancers`` are the networks whose connections begin with a PROXY line, where those of others do not.
    """

    address: str
    port: int
    tls: bool
    proxy: bool
    balancers: Tuple[str, ...] = ()

    def begins_with_proxy(self, client: str) -> bool:
        """Tells whether a connection from an address has to begin with a PROXY line."""
        if not self.proxy or not self.balancers:
            return self.proxy
        try:
            address = ipaddress.ip_address(client.partition("%")[0])
        except ValueError:  # a host name, which nobody trusts by its network
            return False
        return any(address in ipaddress.ip_network(network, strict=False) for network in self.balancers)


@dataclass(frozen=True)
class Server:
    """A part of a configuration with names, sockets, and the absolute paths of the certificates it shows.

    ``staples`` tells whether it sends the CA's word that they are not revoked along (OCSP stapling).
    """

    names: Tuple[str, ...]
    listens: Tuple[Listen, ...]
    certificates: Tuple[str, ...]
    staples: bool = False


def find_serving(
    servers: Sequence[Server],
    wanted: Sequence[WantedPair],
    matches: Matches,
    stopped: str,
    unnamed: str,
    shared: bool = False,
) -> Tuple[Serving, ...]:
    """Returns how a service stands to each pair, by its servers.

    ``stopped`` says why nothing can have it take up a pair, empty if something can; ``unnamed`` is the reason where no
    server shows a pair; ``shared`` is as for find_unproved.
    """
    running = not stopped
    return tuple(
        Serving(
            True,
            running,
            find_places(showing, one, matches),
            stopped,
            unproved=find_unproved(servers, showing, shared),
            staples=all(server.staples for server in showing),
        )
        if showing
        else Serving(named=False, running=running, reason=unnamed, expected=False, staples=False)
        for one, showing in zip(wanted, find_showing(servers, wanted))
    )


def find_showing(servers: Sequence[Server], wanted: Sequence[WantedPair]) -> List[List[Server]]:
    """Returns for each pair the servers that show it: by paths into its folder, as written or with links followed."""
    leads = {path: (path, os.path.realpath(path)) for server in servers for path in server.certificates}
    found = []
    for one in wanted:
        folders = (f"{one.folder}/", f"{os.path.realpath(one.folder)}/")
        found.append(
            [
                server
                for server in servers
                if any(path.startswith(folders) for written in server.certificates for path in leads[written])
            ]
        )
    return found


def without_names(read: ReadFiles) -> FindTexts:
    """Returns what finds the same texts, each with the pattern in the place of its path."""
    return lambda pattern: [(pattern, text) for text in read(pattern)]


def on_loopback(address: str) -> Tuple[str, ...]:
    """Returns where on this host's loopback a socket of that address answers, the address itself if it is one."""
    return ({"": "127.0.0.1", "::": "::1"}.get(address, address),)


def find_places(
    servers: Sequence[Server], wanted: WantedPair, matches: Matches, expand: Expand = on_loopback
) -> Tuple[Endpoint, ...]:
    """Returns where servers are to be asked for the pair: their TLS sockets, with a name that leads to them.

    ``expand`` tells at which addresses a socket is to be asked.
    """
    places: Dict[Endpoint, None] = {}
    for server in servers:
        name, leads = _choose_name(server, wanted, matches)
        for listen in (listen for listen in server.listens if listen.tls):
            for address in expand(listen.address):
                proxy = listen.begins_with_proxy(address)  # a host asks itself from the address that it asks
                places[Endpoint(address, listen.port, name, proxy, () if leads else server.names)] = None
    return tuple(places)


def find_unproved(servers: Sequence[Server], showing: Sequence[Server], shared: bool = False) -> Tuple[str, ...]:
    """Returns what a look on this host's loopback cannot see of the servers that are ``showing`` a pair.

    That is where another server answers, or none from outside. nginx and Apache give a connection to the servers of
    its very address, if there are any, before those of every address. ``shared`` tells that sockets of one address may
    be several frontends' (HAProxy sets SO_REUSEPORT), and the kernel chooses among them.
    """
    ours = {(one.address, one.port) for server in showing for one in server.listens if one.tls}
    others = [(server, one) for server in servers if server not in showing for one in server.listens]
    told = [_tell_other(server, one, ours, shared) for server, one in others]
    behind_proxy = any(one.proxy for server in showing for one in server.listens if one.tls)
    if ours and all(_is_loopback(address) for address, _port in ours) and not behind_proxy:
        where = ", ".join(str(Endpoint(address, port, "")) for address, port in sorted(ours))
        told.append(f"the service listens at {where} alone for this site, which nobody outside this host reaches")
    return tuple(dict.fromkeys(filter(None, told)))


def _tell_other(server: Server, one: Listen, ours: Set[Tuple[str, int]], shared: bool) -> str:
    """What another server's socket takes from the pair's, empty if nothing."""
    where = Endpoint(one.address or "*", one.port, "")
    whose = "another server of the service" + (f" ({', '.join(server.names)})" if server.names else "")
    same = (one.address, one.port) in ours
    wide = any(_is_everywhere(address) and port == one.port for address, port in ours)
    if shared and (same or (wide and _is_everywhere(one.address))):
        return f"{whose} is bound to {where} too, and the system gives connections to the one or the other at random"
    if wide and not same and not _is_everywhere(one.address):
        return f"{whose} answers at {where}, which it alone is set up for: this site was not looked for there"
    return ""


def _is_everywhere(address: str) -> bool:
    return address in ("", "::")


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address in ("::1", "localhost")


def _choose_name(server: Server, wanted: WantedPair, matches: Matches) -> Tuple[str, bool]:
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
