# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx as a SiteLanguage: reads its configuration and renders sites in it, from data alone."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Iterator, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx import reader
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.layout import LOOKED_AT, find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import (
    Socket,
    find_sockets,
    parse_directives,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.refusals import check_sites
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render import find_own, render_files
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_shared import NOBODY_FILE
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_site import write_name
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import (
    sockets_of,
    write_socket,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.surroundings import tell_surroundings
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
from ansible_collections.port443.https.plugins.module_utils._webservers.tls_profile import PROTOCOLS

_FEATURES = {"v2": "http2", "v3": "http3"}


class NginxLanguage:
    """nginx' configuration language, from 1.14 on."""

    name = "nginx"
    title = "nginx"
    processes: Tuple[str, ...] = ("nginx",)
    refusals: Tuple[int, ...] = ()
    looked_at: Tuple[str, ...] = LOOKED_AT

    def matches(self, server_name: str, name: str) -> bool:
        """Tells whether a name as the configuration writes it stands for a host name."""
        return reader.matches(server_name, name)

    def find_layout(self, system: HostSystem) -> Optional[SiteLayout]:
        """Returns where a system has nginx; layout.LOOKED_AT are the paths that tell systems apart."""
        return find_layout(system)

    def look_commands(self, layout: SiteLayout) -> Tuple[Tuple[str, ...], ...]:
        """Returns ``nginx -V``, which reads no configuration."""
        return ((layout.program, "-V"),)

    def read_build(self, said: str) -> Optional[Build]:
        """Returns release, OpenSSL's release (the one it runs with; none of another library), and built-in modules."""
        release = re.search(r"^nginx version: (\S+?)/([0-9.]+)", said, re.MULTILINE)
        if release is None:
            return None
        openssl = re.search(r"running with OpenSSL ([0-9.]+)", said) or re.search(r"built with OpenSSL ([0-9.]+)", said)
        modules = re.findall(r"--with-http_(\w+)_module(?![\w=])", said)
        return Build(
            release=read_release(release.group(2)),
            openssl=read_release(openssl.group(1)) if openssl else (),
            features=frozenset(_FEATURES.get(module, module) for module in modules),
            said=said[release.start() :].splitlines()[0].strip(),
        )

    def complaints(self, sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
        """Returns which values nginx' language cannot hold, or not together."""
        return check_sites(sites, settings)

    def limits(self, sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
        """Returns which modules this nginx was built without that the settings need."""
        needs = (
            ("ssl", "TLS", True, "install a package of nginx with it"),
            ("http2", "HTTP/2", settings.http2, "set http2 to false"),
            ("http3", "HTTP/3", settings.http3, "take one that has it, such as Debian 13's, or leave out http3"),
            ("realip", "trusted_proxies", bool(settings.trusted_proxies), "install a package of nginx with it"),
        )
        modules = {name: module for module, name in _FEATURES.items()}
        return tuple(
            f"the nginx of this host was built without {title} ({build.said}): 'nginx -V' does not say "
            f"--with-http_{modules.get(feature, feature)}_module; {remedy}"
            for feature, title, needed, remedy in needs
            if needed and feature not in build.features
        )

    def read(self, files: ConfigurationFiles, layout: SiteLayout) -> SiteConfiguration:
        """Returns what the main file and all that it includes say."""
        return read_configuration(layout.main, files.find)

    def own_files(self, files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
        """Returns each site's file, and its link on systems that have links."""
        return find_own(files, layout)

    def conflicts(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns which names others have on our sockets, and sockets that they set up in another way.

        A server of one address of the host answers there alone, and is no conflict: what is served there is looked at.
        """
        secure = frozenset(sockets_of(settings.port, settings))
        sockets = {socket: socket in secure for socket in (*secure, *sockets_of(settings.http_port, settings))}
        told = [one for server in others.servers for one in _tell_names(sites, server, frozenset(sockets))]
        for server in others.servers:
            for listen in server.listens:
                tls = sockets.get((listen.address, listen.port))
                told += [] if tls is None else _tell_socket(server, listen, tls, settings)
        first = next((site.name for site in sites if site.default_server), None)
        for socket in sorted(others.defaults & secure) if first else ():
            told.append(
                f"site '{first}' is to be the default server of {write_socket(socket)}, and somebody else's server "
                "is: leave out default_server, or take it from the listen directive there"
            )
        told += tell_surroundings(sites, others.around, fatal=True)
        return tuple(dict.fromkeys(told))

    def refused_sockets(self, rendered: Sequence[ConfigFile], settings: ServerSettings) -> FrozenSet[Socket]:
        """Returns the sockets of HTTPS whose default server is the one that is nobody's."""
        texts = [file.text for file in rendered if file.path.endswith(f"/{NOBODY_FILE}") and file.text]
        found = {socket for text in texts for socket in find_sockets(parse_directives(text), "default_server")}
        return frozenset(found & set(sockets_of(settings.port, settings)))

    def overruled(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns what sites inherit of the http level, and what a default server of others has of TLS.

        nginx takes the versions of TLS from a socket's default server, as OpenSSL settles them before it knows the
        name.
        """
        ours = PROTOCOLS[settings.profile]
        sockets = set(sockets_of(settings.port, settings))
        told = [
            f"another server of nginx is the default one of port {settings.port}, so that what it allows "
            f"({' '.join(said)}, {place}), holds for the sites there too, and not {' '.join(ours)}: give it the same, "
            "or another port"
            for socket, said, place in others.protocols
            if socket in sockets and set(said) != set(ours)
        ]
        return tuple(dict.fromkeys([*told, *tell_surroundings(sites, others.around)]))

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
        """Returns the files, those that all sites share among them; raises HostError where others stand against it."""
        return render_files(sites, removed, settings, build, layout, others, files)


def _tell_names(sites: Sequence[Site], server: Server, ours: FrozenSet[Socket]) -> Iterator[str]:
    """Of two servers with one name nginx takes that which it reads first; a name wins over patterns that fit it."""
    shared = [(one.address, one.port) for one in server.listens if (one.address, one.port) in ours]
    if not shared:
        return
    theirs = {spelled for name in server.names for spelled in _spellings(name)}
    for site in sites:
        for name in site.names:
            if write_name(name) in theirs:
                yield (
                    f"site '{site.name}': the name {name} is that of another server of nginx' configuration "
                    f"({', '.join(server.names)}) on {write_socket(shared[0])}, and one of them would not be served: "
                    "take it away there, or from names"
                )


def _spellings(name: str) -> Tuple[str, ...]:
    return (name[1:], f"*{name}") if name.startswith(".") else (name,)


def _tell_socket(server: Server, listen: Listen, tls: bool, settings: ServerSettings) -> Iterator[str]:
    where = write_socket((listen.address, listen.port))
    whose = f"another server of nginx' configuration ({', '.join(server.names) or 'without a name'})"
    if listen.tls != tls:
        yield (
            f"{whose} has {where} {'with' if listen.tls else 'without'} TLS, and a socket is the same for all servers "
            f"on it: take another {'port' if tls else 'http_port'}, or change it there"
        )
    if listen.proxy != settings.proxy_protocol:
        yield (
            f"{whose} has {where} {'with' if listen.proxy else 'without'} proxy_protocol, and a socket is the same for "
            f"all servers on it: set proxy_protocol to {str(listen.proxy).lower()}, or change it there"
        )
