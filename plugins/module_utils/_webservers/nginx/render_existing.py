# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the existing configuration of nginx for rendering: sites of ours that stay, and what others set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Optional, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Server
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import (
    Directive,
    Socket,
    find_sockets,
    load_directives,
    parse_directives,
    read_servers,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_shared import (
    HASH_SIZE,
    HTTP_FILE,
    needed_bucket,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_site import write_name
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import (
    REJECTS_HANDSHAKES,
    Rendering,
    sockets_of,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    Build,
    ServerSettings,
    Site,
    SiteConfiguration,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site_language import ConfigurationFiles

# Debian, Alpine and Arch; RHEL; SUSE; the BSDs and macOS.
SYSTEM_CAS = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_SESSIONS_APART = ((1, 26, 3), (1, 27, 0), (1, 27, 4))

ENDING = ".conf"

# What only one file may have: a word and a socket.
Claim = Tuple[str, Socket]


@dataclass(frozen=True)
class KeptSites:
    """The sites of ours that a run leaves alone: names, what their files say, and what they claim for themselves."""

    names: Tuple[str, ...]
    directives: Tuple[Tuple[Directive, ...], ...]
    servers: Tuple[Server, ...]
    claims: FrozenSet[Claim]


def read_kept(names: Sequence[str], files: ConfigurationFiles, layout: SiteLayout) -> KeptSites:
    """Returns the sites of ours with these names as their files have them; raises HostError where one is torn."""
    directives, claims = [], set()
    for name in names:
        text = read_text(files, f"{layout.written_to}/{PREFIX}{name}{ENDING}")
        directives.append(parse_directives(text))
        claims |= claims_of(directives[-1])
    servers = tuple(server for one in directives for server in read_servers(one))
    return KeptSites(tuple(names), tuple(directives), servers, frozenset(claims))


def claims_of(directives: Sequence[Directive]) -> Set[Claim]:
    """Returns what a file's directives claim for that file alone."""
    return {
        *(("default", socket) for socket in find_sockets(directives, "default_server")),
        *(("quic default", socket) for socket in find_sockets(directives, "default_server", quic=True)),
        *(("reuseport", socket) for socket in find_sockets(directives, "reuseport", quic=True)),
    }


def check_kept(sites: Sequence[Site], kept: KeptSites) -> None:
    """Raises HostError where sites that are to be cannot stand beside those that stay."""
    names = {write_name(name): site.name for site in sites for name in site.names}
    for server in kept.servers:
        for name in server.names:
            if name in names:
                raise HostError(
                    f"site '{names[name]}' has the name {name}, which a site of ours that is not among those given "
                    f"has (one of {', '.join(kept.names)}). Give that one as well, or remove it"
                )
    first = next((site.name for site in sites if site.default_server), None)
    if first and any(word == "default" for word, _socket in kept.claims):
        raise HostError(
            f"site '{first}' is to be the default server, and a site of ours that is not among those given is: "
            f"one of {', '.join(kept.names)}. Give that one as well, without default_server, or remove it"
        )


def prepare(
    sites: Sequence[Site],
    settings: ServerSettings,
    build: Build,
    layout: SiteLayout,
    others: SiteConfiguration,
    files: ConfigurationFiles,
    kept: KeptSites,
) -> Rendering:
    """Returns what the rendering of every file needs; raises HostError where the host lacks something for it."""
    secure = set(sockets_of(settings.port, settings))
    taken = set(others.defaults) | {socket for word, socket in kept.claims if word == "default"}
    free = (secure | set(sockets_of(settings.http_port, settings))) - taken
    quic = secure - set(others.quic) - {socket for word, socket in kept.claims if word == "reuseport"}
    wants_ca = any(_wants_system_ca(site) for site in sites)
    return Rendering(
        settings=settings,
        build=build,
        root=layout.root,
        system_ca=_find_system_ca(files) if wants_ca else "",
        free_defaults=frozenset(free),
        free_quic=frozenset(quic),
        resume=_may_resume(sites, settings, build, others, kept, secure - free),
    )


def _may_resume(
    sites: Sequence[Site],
    settings: ServerSettings,
    build: Build,
    others: SiteConfiguration,
    kept: KeptSites,
    foreign: Set[Socket],
) -> bool:
    """Tells whether TLS sessions may be resumed; raises HostError where nothing that we write could prevent it.

    OpenSSL looks for a session of TLS 1.3 before it knows the name, in the cache of the socket's default server, and
    nginx before 1.26.3 and 1.27.4 then takes the client certificate of site A for site B (CVE-2025-23419). A cache of a
    site's own, or none, does not help: only the default server's counts. (TLS 1.2: nginx answers 421.)
    """
    apart, mainline, mainline_apart = _SESSIONS_APART
    if build.release >= mainline_apart or apart <= build.release < mainline:
        return True
    cas = {site.client_ca for site in sites if site.client_verification != "none"}
    cas |= {_client_ca(directives) for directives in kept.directives} - {""}
    secure = set(sockets_of(settings.port, settings))
    if settings.unknown_names == "serve" and not any(site.default_server for site in sites):
        foreign = foreign | {
            (one.address, one.port) for server in (*others.servers, *kept.servers) for one in server.listens
        }
    if len(cas) > 1 and foreign & secure:
        raise HostError(
            f"nginx {'.'.join(map(str, build.release))} lets a client certificate of one site open another "
            "(CVE-2025-23419) where the default server of the port is not among the sites given, and these have "
            f"several client CAs: {', '.join(sorted(cas))}. Take one client CA, make one of these sites the default "
            "server, or upgrade to nginx 1.26.3"
        )
    return not cas


def _client_ca(directives: Sequence[Directive]) -> str:
    blocks = [part for server in directives for part in server.block or ()]
    return next((part.words[1] for part in blocks if part.words[0] == "ssl_client_certificate"), "")


def _wants_system_ca(site: Site) -> bool:
    backends = [*site.backends, *(url for location in site.locations for url in location.backends)]
    return site.verify_backend and not site.backend_ca and any(url.startswith("https:") for url in backends)


def _find_system_ca(files: ConfigurationFiles) -> str:
    for path in SYSTEM_CAS:
        if files.texts(path):
            return path
    raise HostError(
        f"nothing to verify HTTPS backends with: none of {', '.join(SYSTEM_CAS)} is there. Install ca-certificates, or "
        "give backend_ca"
    )


def choose_pair(sites: Sequence[Site], kept: KeptSites, build: Build) -> Tuple[str, str]:
    """Returns the pair to show to clients that say no name of ours, empty where their handshake is to be refused.

    A client of an address says none: where a site has one, it is that site's pair. Else the pair of the first site by
    name, so that it stays the same whichever sites a run is given.
    """
    pairs = {site.name: (_has_address(site.names), site.certificate, site.key) for site in sites}
    for name, directives in zip(kept.names, kept.directives):
        parts = [part for server in directives for part in server.block or ()]
        words = {part.words[0]: part.words[-1] for part in parts}
        addressed = any(_has_address(part.words[1:]) for part in parts if part.words[0] == "server_name")
        pairs[name] = (addressed, words.get("ssl_certificate", ""), words.get("ssl_certificate_key", ""))
    whole = [(not addressed, name, (certificate, key)) for name, (addressed, certificate, key) in pairs.items() if key]
    not_addressed, _name, pair = min(whole, default=(True, "", ("", "")))
    return ("", "") if not_addressed and build.release >= REJECTS_HANDSHAKES else pair


def _has_address(names: Sequence[str]) -> bool:
    return any(is_address(name) for name in names)


def choose_bucket(
    sites: Sequence[Site], settings: ServerSettings, layout: SiteLayout, files: ConfigurationFiles, kept: KeptSites
) -> int:
    """Returns the hash's size for our file, 0 for none; raises HostError where others set one that is too small."""
    names = [write_name(name) for site in sites for name in site.names]
    needed = needed_bucket([*names, *(name for server in kept.servers for name in server.names)])
    given = find_value(parse_directives("\n".join(settings.http_directives)), HASH_SIZE)
    ours = read_text(files, f"{layout.written_to}/{HTTP_FILE}")
    read = load_directives(
        layout.main, lambda pattern: [text for text in files.texts(pattern) if not ours or text != ours]
    )
    for context in read:
        if context.words[0] == "http":
            given = find_value(context.block or (), HASH_SIZE) or given
    if given is None:
        return needed if needed > needed_bucket(()) else 0
    if given.isdigit() and int(given) < needed:
        raise HostError(
            f"{HASH_SIZE} is {given} in nginx' configuration, and the longest name of the sites needs "
            f"{needed}: raise it there"
        )
    return 0


def find_value(directives: Sequence[Directive], name: str) -> Optional[str]:
    """Returns the first value of a directive, None where it is not among these."""
    return next((one.words[1] for one in directives if one.words[0] == name and len(one.words) > 1), None)


def read_text(files: ConfigurationFiles, path: str) -> str:
    """Returns a file's text, empty where it is not there."""
    return next(iter(files.texts(path)), "")
