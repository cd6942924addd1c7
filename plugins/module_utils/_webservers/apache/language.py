# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apache as a SiteLanguage: reads its configuration and renders sites in it, from data alone."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterator, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.layout import find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.reader import matches
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.refusals import (
    find_complaints,
    find_limits,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render import (
    SHARED,
    find_own,
    read_level,
    render_files,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_shared import NOBODY
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.surroundings import tell_surroundings
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Server
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


class ApacheLanguage:
    """The configuration language of Apache 2.4."""

    name = "apache"
    title = "Apache"
    processes: Tuple[str, ...] = ("apache2", "httpd")
    refusals: Tuple[int, ...] = (421,)
    looked_at: Tuple[str, ...] = ()

    def matches(self, server_name: str, name: str) -> bool:
        """Tells whether a name as the configuration writes it stands for a host name."""
        return matches(server_name, name)

    def find_layout(self, system: HostSystem) -> Optional[SiteLayout]:
        """Returns where a system has Apache; None where it is not managed."""
        return find_layout(system)

    def look_commands(self, layout: SiteLayout) -> Tuple[Tuple[str, ...], ...]:
        """Apache does not say whose TLS library it has; distributions have one for all programs.

        Debian's apache2ctl makes folders below /run, whatever it is asked.
        """
        program = "apache2" if layout.program == "apache2ctl" else layout.program
        return ((program, "-v"), ("openssl", "version"))

    def read_build(self, said: str) -> Optional[Build]:
        """Returns the release, and that of OpenSSL if that is said."""
        found = re.search(r"^Server version: (Apache/([0-9]+(?:\.[0-9]+)*).*)$", said, re.MULTILINE)
        if found is None:
            return None
        library = re.search(
            r"^OpenSSL ([0-9]+(?:\.[0-9]+)*)(?:.*\(Library: OpenSSL ([0-9]+(?:\.[0-9]+)*))?", said, re.M
        )
        openssl = (library.group(2) or library.group(1)) if library else ""
        return Build(read_release(found.group(2)), read_release(openssl), said=found.group(1).strip())

    def complaints(self, sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
        """Returns what no Apache can do or hold, one sentence each."""
        return find_complaints(sites, settings)

    def limits(self, sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
        """Returns what this release cannot do, one sentence each."""
        return find_limits(sites, settings, build)

    def read(self, files: ConfigurationFiles, layout: SiteLayout) -> SiteConfiguration:
        """Returns what the whole configuration says; raises HostError where it cannot be understood."""
        return read_level(files, layout).configuration

    def own_files(self, files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
        """Returns the sites of ours that are there, by their names; the file that all share is not among them."""
        return find_own(files, layout)

    def conflicts(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns names that a virtual host of others has on the same socket, which comes first and wins.

        One of a single address is no conflict: it takes that address alone, which a look at it tells.
        """
        theirs = [server for server in others.servers if NOBODY not in server.names]
        found = [
            problem
            for site in sites
            for port in (settings.port, settings.http_port)
            for server in theirs
            if _shares_socket(server, port, others)
            for problem in _find_shared_names(site, server, port)
        ]
        first = [server for server in theirs if _shares_socket(server, settings.port, others)]
        for site in sites:
            if site.default_server and first:
                found.append(
                    f"site {site.name}: it cannot be the default_server, as Apache takes the first site on "
                    f"*:{settings.port}, which is {_tell_names(first[0])}: leave out default_server, or move that one"
                )
        return tuple(dict.fromkeys(found))

    def refused_sockets(self, rendered: Sequence[ConfigFile], settings: ServerSettings) -> FrozenSet[Tuple[str, int]]:
        """Returns the sockets of HTTPS if the virtual host that is nobody's is on them: ``*`` is of both versions."""
        texts = [file.text for file in rendered if file.path.endswith(f"/{SHARED}") and file.text]
        everywhere = frozenset((address, settings.port) for address in ("", "::"))
        return everywhere if any(f"<VirtualHost *:{settings.port}>\n" in text for text in texts) else frozenset()

    def overruled(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns what virtual hosts of sites inherit that keeps visitors from them, or has TLS otherwise."""
        return tuple(dict.fromkeys(tell_surroundings(sites, others.around)))

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

        What others have said is read from ``files``, whose texts of ours are told by their first lines: a renderer
        needs directives as well that ``others`` does not hold.
        """
        return render_files(sites, removed, settings, build, layout, files)


def _shares_socket(server: Server, port: int, others: SiteConfiguration) -> bool:
    """Whether a virtual host is one of ``*:port``; one that Apache listens for at one address alone counts as well."""
    if ("", port) not in others.defaults:
        return False
    alone = ("", port) not in others.listening
    return any(
        listen.port == port and (not listen.address or (alone and (listen.address, port) in others.listening))
        for listen in server.listens
    )


def _find_shared_names(site: Site, server: Server, port: int) -> Iterator[str]:
    for name in site.names:
        written = [other for other in server.names if matches(other, name)]
        if written:
            yield (
                f"site {site.name}: another virtual host on *:{port} has the name {name} ({_tell_names(server)}), and "
                "Apache takes the first: take the name away from that one, or leave it out here. Apache gives a site "
                "without a ServerName the host's own name"
            )


def _tell_names(server: Server) -> str:
    return ", ".join(server.names) or "one without a ServerName"
