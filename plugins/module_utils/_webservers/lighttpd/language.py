# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""lighttpd as a SiteLanguage: reads its configuration and renders sites in it, from data alone."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd import reader
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.layout import find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.reader import (
    read_configuration,
    sockets_of,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.refusals import (
    find_complaints,
    find_limits,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render import SHARED, render_files
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_existing import find_own
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_shared import (
    refuses_on,
    write_socket,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.surroundings import tell_surroundings
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    ConfigFile,
    HostSystem,
    ServerSettings,
    Site,
    SiteConfiguration,
    SiteLayout,
    read_release,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

Socket = Tuple[str, int]


class LighttpdLanguage:
    """The configuration language of lighttpd 1.4, from 1.4.59 on."""

    name = "lighttpd"
    title = "lighttpd"
    processes: Tuple[str, ...] = ("lighttpd",)
    refusals: Tuple[int, ...] = (403,)
    looked_at: Tuple[str, ...] = ()

    def matches(self, server_name: str, name: str) -> bool:
        """Tells whether a name as the configuration writes it stands for a host name."""
        return reader.matches(server_name, name)

    def find_layout(self, system: HostSystem) -> Optional[SiteLayout]:
        """Returns where a system has lighttpd; None where it is not managed."""
        return find_layout(system)

    def look_commands(self, layout: SiteLayout) -> Tuple[Tuple[str, ...], ...]:
        """Its modules come in packages of their own, and it does not say which are there, nor whose TLS it has."""
        return (
            (layout.program, "-V"),
            ("ls", "/usr/lib/lighttpd", "/usr/lib64/lighttpd"),
            ("openssl", "version"),
        )

    def read_build(self, said: str) -> Optional[Build]:
        """Returns the release, that of OpenSSL if it is said, and the modules that are there, as features."""
        found = re.search(r"^lighttpd/([0-9]+(?:\.[0-9]+)*).*$", said, re.MULTILINE)
        if found is None:
            return None
        library = re.search(
            r"^OpenSSL ([0-9]+(?:\.[0-9]+)*)(?:.*\(Library: OpenSSL ([0-9.]+[0-9]))?", said, re.MULTILINE
        )
        openssl = (library.group(2) or library.group(1)) if library else ""
        modules = frozenset(re.findall(r"^(mod_\w+)\.so$", said, re.MULTILINE))
        return Build(read_release(found.group(1)), read_release(openssl), modules, found.group().strip())

    def complaints(self, sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
        """Returns what no lighttpd can do or hold, one sentence each."""
        return find_complaints(sites, settings)

    def limits(self, sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
        """Returns what this build cannot do, one sentence each."""
        return find_limits(sites, settings, build)

    def read(self, files: ConfigurationFiles, layout: SiteLayout) -> SiteConfiguration:
        """Returns what the whole configuration says; raises HostError where it cannot be understood."""
        return read_configuration(layout.main, files.find)

    def own_files(self, files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
        """Returns the sites of ours that are there, by their names; the file that all share is not among them."""
        return find_own(files, layout)

    def conflicts(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns names that a condition of others is for, and sockets that they have in another way.

        lighttpd applies the settings of all conditions that hold, so that both would be mixed.
        """
        secure = sockets_of(settings.port, settings.ipv6)
        sockets = {socket: socket in secure for socket in (*secure, *sockets_of(settings.http_port, settings.ipv6))}
        found = list(_tell_names(sites, set(sockets), others)) if sites else []
        for server in others.servers:
            for listen in server.listens:
                where = (listen.address, listen.port)
                if where in sockets:
                    found += _tell_socket(where, listen.tls, sockets[where], listen.proxy, settings)
        if sites:
            found += _tell_addresses(sockets, others)
        first = next((site.name for site in sites if site.default_server), None)
        for socket in sorted(others.listening & secure) if first else ():
            found.append(
                f"site '{first}' is to be the default server of {write_socket(socket)}, which lighttpd's configuration "
                "opens for somebody else: leave out default_server, or take the socket away there"
            )
        return tuple(dict.fromkeys(found))

    def refused_sockets(self, rendered: Sequence[ConfigFile], settings: ServerSettings) -> FrozenSet[Socket]:
        """Returns the sockets of HTTPS that the shared file opens, and on which it refuses all that no site takes."""
        texts = [file.text for file in rendered if file.path.endswith(f"/{SHARED}") and file.text]
        wanted = sockets_of(settings.port, settings.ipv6)
        return frozenset(socket for socket in wanted if any(refuses_on(socket, text) for text in texts))

    def overruled(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns what holds for every name that keeps visitors from sites, or asks them for what these do not want."""
        return tuple(tell_surroundings(sites, others.around))

    def render(
        self,
        sites: Sequence[Site],
        removed: Sequence[str],
        settings: ServerSettings,
        build: Build,
        layout: SiteLayout,
        others: SiteConfiguration,
        files: ConfigurationFiles,
    ) -> Tuple[ConfigFile, ...]:
        """Returns every file that is to be or to go, in an order of which each prefix loads.

        What others have said is read from ``files``, whose texts of ours are told by their first lines: the renderer
        needs settings as well that ``others`` does not hold.
        """
        return render_files(sites, removed, settings, build, layout, files)


def _tell_names(sites: Sequence[Site], ours: Set[Socket], others: SiteConfiguration) -> Iterator[str]:
    """A condition on the Host alone holds on sockets that we add as well: it is there on all that others have."""
    reached: Dict[Tuple[str, ...], Set[Socket]] = {}
    for server in others.servers:
        reached.setdefault(server.names, set()).update((one.address, one.port) for one in server.listens)
    for names, sockets in reached.items():
        if not sockets & ours and not sockets >= others.listening:
            continue
        for site in sites:
            for name in site.names:
                if any(_stands_for(written, name) for written in names):
                    yield (
                        f"site {site.name}: the name {name} is that of another condition of lighttpd's configuration "
                        f"({', '.join(names)}), and both would hold: take it away there, or from names"
                    )


def _stands_for(written: str, name: str) -> bool:
    """Whether a name or wildcard of theirs is, or is for, one of ours, or the other way round."""
    if name.startswith("*."):
        return written == name or reader.matches(name, written)
    return not reader.is_open(written) and reader.matches(written, name)


def _tell_socket(
    where: Socket, has_tls: bool, wants_tls: bool, has_proxy: bool, settings: ServerSettings
) -> Iterator[str]:
    whose = f"lighttpd's configuration opens {write_socket(where)}"
    if has_tls != wants_tls:
        yield (
            f"{whose} {'with' if has_tls else 'without'} TLS: take another {'port' if wants_tls else 'http_port'}, or "
            "change it there"
        )
    if has_proxy != settings.proxy_protocol:
        yield (
            f"{whose} {'with' if has_proxy else 'without'} the PROXY protocol (extforward.hap-PROXY), which holds for "
            f"all sites there: set proxy_protocol to {str(has_proxy).lower()}, take another port, or change it there"
        )


def _tell_addresses(sockets: Dict[Socket, bool], others: SiteConfiguration) -> List[str]:
    """Nobody can open a port at all addresses where it is opened at one."""
    told = []
    for address, port in sorted(others.listening):
        wide = ("::" if ":" in address else "", port)
        if address not in ("", "::") and wide in sockets and wide not in others.listening:
            told.append(
                f"lighttpd's configuration opens port {port} at {address} alone, and it could not be opened at all "
                f"addresses beside that: take another {'port' if sockets[wide] else 'http_port'}, or change it there"
            )
    return told
