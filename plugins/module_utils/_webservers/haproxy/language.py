# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HAProxy as a SiteLanguage: reads its configuration and renders sites in it, from data alone."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Listen, Server
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy import reader
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.block import BEGIN, divide, merge
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import NOBODY, read_context
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.layout import find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.reader import (
    read_binds,
    read_configuration,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.refusals import find_complaints
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render import (
    render_block,
    render_crt_list,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_frontends import UNKNOWN
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.stored_sites import (
    find_crt_list,
    read_sites,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.surroundings import (
    find_surroundings,
    tell_surroundings,
)
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

CRT_LIST = "port443.crt-list"
_OLDEST = (2, 2)  # http-request return and http-after-response


class HaproxyLanguage:
    """A SiteLanguage. All sites are one block at the end of one file, since all sites of a port are one frontend.

    The block is rendered whole from the sites that are told and those that are read back from it: what sites share,
    such as the bind lines, cannot be kept line by line. Its certificates are in a list beside the main file: a bind
    line holds 64 words, and client certificates are asked for by site in such a list alone.
    """

    name = "haproxy"
    title = "HAProxy"
    processes: Tuple[str, ...] = ("haproxy",)
    refusals: Tuple[int, ...] = (421,)
    looked_at: Tuple[str, ...] = ()

    def matches(self, server_name: str, name: str) -> bool:
        """Tells whether a name as the configuration writes it stands for a host name."""
        return reader.matches(server_name, name)

    def find_layout(self, system: HostSystem) -> Optional[SiteLayout]:
        """Returns where a system has it; None where it is not managed on that system."""
        return find_layout(system)

    def look_commands(self, layout: SiteLayout) -> Tuple[Tuple[str, ...], ...]:
        """Returns the command that tells version and build."""
        return ((layout.program, "-vv"),)

    def read_build(self, said: str) -> Optional[Build]:
        """Returns what that command said, None if that is no HAProxy."""
        version = re.search(r"^HA-?Proxy version ([0-9]+(?:\.[0-9]+)*)", said, re.MULTILINE)
        if version is None:
            return None
        running = re.search(r"^Running on OpenSSL version : OpenSSL ([0-9]+(?:\.[0-9]+)*)", said, re.MULTILINE)
        features = {"tls"} if re.search(r"(?:[+]OPENSSL|USE_OPENSSL(?:_AWSLC)?=1)\b", said) else set()
        if re.search(r"[+]QUIC\b", said):
            features.add("quic")
        if "+QUIC_OPENSSL_COMPAT" in said:
            features.add("limited-quic")
        line = next(line for line in said.splitlines() if version.group() in line)
        openssl = running.group(1) if running else ""
        return Build(read_release(version.group(1)), read_release(openssl), frozenset(features), line.strip())

    def complaints(self, sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
        """Returns what no HAProxy can do or hold, one sentence each, with what would work."""
        return find_complaints(sites, settings)

    def limits(self, sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
        """Returns what this very build cannot do, one sentence each, with what would work."""
        found = []
        if build.release < _OLDEST:
            found.append(f"{build.said}: sites need HAProxy 2.2 or newer")
        if "tls" not in build.features:
            found.append(f"{build.said}: it is built without OpenSSL and cannot speak HTTPS; take the distribution's")
        if settings.http3 and "quic" not in build.features:
            found.append(f"{build.said}: it is built without QUIC: take Debian 13 or newer, or leave http3 out")
        if settings.http3 and any(site.client_ca for site in sites):
            found.append("HAProxy's HTTP/3 is not proved with client certificates: leave out http3 or client_ca")
        if settings.proxy_protocol and build.release < (2, 6):
            found.append(f"{build.said}: proxy_protocol needs HAProxy 2.6 or newer; leave it out")
        for site in sites:
            backends = (*site.backends, *(one for location in site.locations for one in location.backends))
            tls = any(backend.startswith("https://") for backend in backends)
            if tls and site.verify_backend and not site.backend_ca and build.release < (2, 6):
                found.append(f"site {site.name!r}: {build.said} does not know the system's CAs: give backend_ca")
        return tuple(found)

    def read(self, files: ConfigurationFiles, layout: SiteLayout) -> SiteConfiguration:
        """Returns what the whole configuration says; sites of ours are servers with their names.

        Raises HostError where our block cannot be understood.
        """
        texts = _read_texts(files, layout)

        def list_folder(path: str) -> List[str]:
            return [posixpath.join(path, name) for name in files.list_folder(path)]

        strangers: List[str] = []
        servers: List[Server] = []
        for path, text in texts:
            divided = divide(text, path)
            strangers.append(divided.before + divided.after)
            if divided.block:
                servers += _read_own(divided.block, files)
        others = read_configuration(strangers, files.texts, list_folder)
        binds = read_binds([text for _path, text in texts])
        holders = [(*socket, f"{one.section} ({one.text})") for one in binds for socket in sorted(one.tcp | one.quic)]
        return SiteConfiguration(
            servers=(*others.servers, *(replace(one, staples=others.staples) for one in servers)),
            listening=frozenset(socket for one in binds for socket in one.tcp),
            quic=frozenset(socket for one in binds for socket in one.quic),
            pid=others.pid,
            holders=tuple(holders),
            around=find_surroundings(_read_before(files, layout)),
        )

    def own_files(self, files: ConfigurationFiles, layout: SiteLayout) -> Dict[str, Tuple[ConfigFile, ...]]:
        """Returns the names of the sites in our block; they share its file, so that none has one of its own."""
        _text, block = _find_block(files, layout)
        return {site.name: () for site in _read_stored(block, files)}

    def conflicts(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns which addresses and ports another section binds as well, one sentence each.

        HAProxy sets SO_REUSEPORT, so that the kernel would give connections to either at random. A socket of one
        address is no conflict: the kernel prefers it to ours for that address.
        """
        everywhere = ("", "::") if settings.ipv6 else ("",)
        ours = {(address, port) for address in everywhere for port in (settings.http_port, settings.port)}
        taken = ours & others.listening
        if settings.http3:
            taken |= {(address, settings.port) for address in everywhere} & others.quic
        said = [_tell_holder(socket, others) for socket in sorted(taken)] if sites else []
        said += tell_surroundings(sites, others.around, settings.profile, fatal=True)
        return tuple(dict.fromkeys(said))

    def refused_sockets(self, rendered: Sequence[ConfigFile], settings: ServerSettings) -> FrozenSet[Tuple[str, int]]:
        """Returns the sockets of HTTPS if no site, and none of a user's lines, answers for those without one."""
        blocks = [divide(file.text, file.path).block for file in rendered if file.text and BEGIN in file.text]
        refuses = any(UNKNOWN not in block and block.count(f"default_backend {NOBODY}\n") == 2 for block in blocks)
        addresses = ("", "::") if settings.ipv6 else ("",)
        return frozenset((address, settings.port) for address in addresses if refuses)

    def overruled(self, sites: Sequence[Site], settings: ServerSettings, others: SiteConfiguration) -> Tuple[str, ...]:
        """Returns what the block inherits of global and defaults that stands against what it is for."""
        return tuple(tell_surroundings(sites, others.around, settings.profile))

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
        """Returns the file with our block in it, and the list of certificates, which goes before what names it.

        Raises HostError where the file is missing, or the block in it is not as it was written.
        """
        text, block = _find_block(files, layout)
        told = {site.name: site for site in sites}
        gone = set(removed)
        kept = [site for site in _read_stored(block, files) if site.name not in told and site.name not in gone]
        if any(site.default_server for site in sites):  # there is one; the last one told is it
            kept = [replace(site, default_server=False) for site in kept]
        every = [*told.values(), *kept]
        _check_names(every)
        path = layout.block_in or layout.main
        crt_list = posixpath.join(posixpath.dirname(layout.main), CRT_LIST)
        if not every:
            listed = (ConfigFile(crt_list),) if files.texts(crt_list) else ()
            return (ConfigFile(path, merge(text, "", path)), *listed)
        before = [one for _path, one in _read_before(files, layout)]
        context = read_context(settings, build, crt_list, before)
        merged = merge(text, render_block(every, context), path)
        return (ConfigFile(crt_list, render_crt_list(every)), ConfigFile(path, merged))


def _read_texts(files: ConfigurationFiles, layout: SiteLayout) -> List[Tuple[str, str]]:
    """Returns paths, or patterns, and texts of what HAProxy reads; RHEL's unit reads a folder beside the main file."""
    folder = posixpath.join(posixpath.dirname(layout.main), "conf.d", "*.cfg")
    patterns = [layout.main, folder]
    block_in = layout.block_in or layout.main
    if block_in not in patterns and posixpath.dirname(block_in) != posixpath.dirname(folder):
        patterns.append(block_in)
    return [(pattern, text) for pattern in patterns for text in files.texts(pattern)]


def _read_before(files: ConfigurationFiles, layout: SiteLayout) -> List[Tuple[str, str]]:
    """Returns path and text of what stands before our block, or would."""
    block_in = layout.block_in or layout.main
    paths = [layout.main] if block_in == layout.main else [layout.main, block_in]
    texts = [(path, text) for path in paths for text in files.texts(path)]
    return [(path, divide(text, path).before if path == block_in else text) for path, text in texts]


def _find_block(files: ConfigurationFiles, layout: SiteLayout) -> Tuple[str, str]:
    path = layout.block_in or layout.main
    texts = files.texts(path)
    if not texts:
        raise HostError(f"{path} is not there: HAProxy's sites are a block in it; install HAProxy, or name its file")
    return texts[0], divide(texts[0], path).block


def _read_stored(block: str, files: ConfigurationFiles) -> Tuple[Site, ...]:
    return read_sites(block, "\n".join(files.texts(find_crt_list(block)))) if block else ()


def _read_own(block: str, files: ConfigurationFiles) -> List[Server]:
    """Returns the sites of our block as servers, each with the sockets of the block."""
    listens: Set[Listen] = set()
    for server in read_configuration([block], lambda path: (), lambda path: ()).servers:
        listens.update(server.listens)
    ordered = tuple(sorted(listens, key=lambda one: (one.port, one.address)))
    return [Server(site.names, ordered, (site.certificate,)) for site in _read_stored(block, files)]


def _tell_holder(socket: Tuple[str, int], others: SiteConfiguration) -> str:
    address, port = socket
    told = ", ".join(what for *held, what in others.holders if tuple(held) == socket) or "another section"
    where = f"{'[::]' if address else '*'}:{port}"
    return (
        f"HAProxy binds {where} already, in {told}, and would give connections to that or to the sites at random: "
        "give that bind another port or one address, or the sites another port"
    )


def _check_names(sites: Sequence[Site]) -> None:
    """One name twice would be the first site's alone; the sites of the block are known here and nowhere else."""
    owner: Dict[str, str] = {}
    for site in sites:
        for name in site.names:
            if owner.setdefault(name, site.name) != site.name:
                raise HostError(
                    f"the name {name} is that of two sites, {owner[name]} and {site.name}: one of them is in HAProxy's "
                    "block already; give it other names, or remove it"
                )
