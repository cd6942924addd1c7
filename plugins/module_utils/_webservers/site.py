# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sites as data: what a site is to be, what the web server and its system are, and which files come of that.

Values are checked before they get here: a language renders them by its server's own quoting.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, Literal, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.configuration import Server

Profile = Literal["intermediate", "modern"]
ClientVerification = Literal["none", "optional", "required"]
UnknownNames = Literal["refuse", "serve"]

# Of the servers on a socket nginx and Apache take the first one in the order of the files for names that none has. The
# prefix keeps ours behind the ones that are there, so that they stay first.
PREFIX = "zz-port443-"

# What ``security_headers`` sends.
SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
)


@dataclass(frozen=True)
class Location:
    """A path of a site, answered by one of ``backends``, ``root``, ``php``, ``redirect_to`` and ``directives``.

    ``path`` begins with a slash, and every request whose path begins with it is meant, the longest such path first.
    ``backends`` are URLs of one scheme, ``root`` is a folder to which the whole path is appended, ``php`` is where
    php-fpm listens, a socket's path or host:port, ``redirect_to`` an absolute URL or path, answered with
    ``redirect_code``.
    """

    path: str
    backends: Tuple[str, ...] = ()
    root: str = ""
    php: str = ""
    redirect_to: str = ""
    redirect_code: int = 301
    directives: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """One site; ``names`` are host names in ASCII and small letters, wildcards such as ``*.example.com``, addresses.

    ``certificate`` and ``key`` are paths; for HAProxy ``certificate`` is one file with both. A site answers from
    ``backends`` (URLs of one scheme; requests are shared among them) or ``root``, a folder, empty for the
    distribution's own; ``locations`` answer before these. ``make_root`` has missing folders of both made.
    ``health_path`` is asked of backends where the server can.
    ``backend_ca`` is a file to verify HTTPS backends with, ``verify_backend`` false takes any certificate.
    ``client_ca`` is a file, for client certificates. ``users_file`` holds users for basic auth (htpasswd's form).
    ``directives`` are lines in the server's own language, for the HTTPS half of the site. ``also_reload`` are mail
    servers that have its certificate as well.
    """

    name: str
    names: Tuple[str, ...]
    certificate: str
    key: str
    root: str = ""
    make_root: bool = False
    backends: Tuple[str, ...] = ()
    health_path: str = ""
    verify_backend: bool = True
    backend_ca: str = ""
    locations: Tuple[Location, ...] = ()
    redirect: bool = True
    hsts_max_age: int = 0
    default_server: bool = False
    directives: Tuple[str, ...] = ()
    client_ca: str = ""
    client_verification: ClientVerification = "none"
    users_file: str = ""
    security_headers: bool = False
    also_reload: Tuple[str, ...] = ()


@dataclass(frozen=True)
class ServerSettings:
    """The settings of all sites of a server; ports are TCP's, that of HTTPS is QUIC's as well with ``http3``.

    ``acme_root`` is where a CA's challenges lie, ``acme_port`` (HAProxy) who answers them on loopback, 0 for nobody.
    ``trusted_proxies`` are networks of balancers whose word on the visitor counts; with ``proxy_protocol`` they send
    it in a PROXY line. ``http_directives`` are lines for nginx' http level, Apache's server level or HAProxy's global
    section.
    """

    port: int = 443
    http_port: int = 80
    ipv6: bool = True
    http2: bool = True
    http3: bool = False
    profile: Profile = "intermediate"
    acme_root: str = "/var/lib/port443/acme"
    acme_port: int = 0
    unknown_names: UnknownNames = "refuse"
    trusted_proxies: Tuple[str, ...] = ()
    proxy_protocol: bool = False
    http_directives: Tuple[str, ...] = ()


@dataclass(frozen=True)
class HostSystem:
    """A host as layouts tell it apart: os_family as Ansible names it, and paths that only some have."""

    family: str
    existing: FrozenSet[str] = frozenset()


@dataclass(frozen=True)
class SiteLayout:
    """The layout of a web server on a system: packages, service, program, files. Paths are absolute.

    ``program`` tells the version and tests the configuration whose main file is ``main``. Site files go to
    ``written_to``, with links in ``linked_from`` where that is not empty; ``include_in`` is a main file that gets a
    line to include them; ``block_in`` is the one file of which ours are a block. ``install`` is a command for systems
    whose packages Ansible's package module does not know, without the packages; ``start`` and ``reload`` are for
    systems without a service manager that is known to Ansible.
    """

    packages: Tuple[str, ...]
    service: str
    program: str
    main: str
    written_to: str = ""
    linked_from: str = ""
    include_in: str = ""
    block_in: str = ""
    root: str = ""
    modules: str = ""
    pid_file: str = ""
    install: Tuple[str, ...] = ()
    start: Tuple[str, ...] = ()
    reload: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Build:
    """An installed web server: its release and its TLS library's as numbers, empty where not known, and what it can.

    ``features`` are words of its language's own, such as ``http3``; ``said`` is what it said of itself, one line.
    """

    release: Tuple[int, ...]
    openssl: Tuple[int, ...] = ()
    features: FrozenSet[str] = frozenset()
    said: str = ""


@dataclass(frozen=True)
class Surrounding:
    """A directive of somebody else's that holds for every site which does not say otherwise.

    ``words`` are the directive's own, ``place`` its file and line. ``within`` is the section around it that tells which
    requests it is for, such as ``location /``, empty where it is for all.
    """

    words: Tuple[str, ...]
    place: str
    within: Tuple[str, ...] = ()


@dataclass(frozen=True)
class SiteConfiguration:
    """A server's whole configuration as read, with our sites or without, depending on the files it was read from.

    Sockets are (address, port), the address empty for all of IPv4 and ``::`` for all of IPv6. ``listening`` are those
    that are opened (Apache's Listen), ``defaults`` those with a server that somebody made the default, ``quic`` those
    of UDP that are set up with reuseport. ``modules`` are those that are loaded (Apache). ``pid`` is the pid file.
    ``protocols`` are the versions of TLS that a default server allows, by its socket, and where that is said: with
    nginx they hold for every server there. ``holders`` are (address, port, what opens it, for messages) of the sockets,
    where the language tells them. ``around`` is what sites inherit and what may stand against what they are for.
    """

    servers: Tuple[Server, ...]
    listening: FrozenSet[Tuple[str, int]] = frozenset()
    defaults: FrozenSet[Tuple[str, int]] = frozenset()
    quic: FrozenSet[Tuple[str, int]] = frozenset()
    modules: FrozenSet[str] = frozenset()
    pid: Optional[str] = None
    holders: Tuple[Tuple[str, int, str], ...] = ()
    protocols: Tuple[Tuple[Tuple[str, int], Tuple[str, ...], str], ...] = ()
    around: Tuple[Surrounding, ...] = ()


@dataclass(frozen=True)
class ConfigFile:
    """A wanted file: its text, None where it is not to be, or the path that a link leads to."""

    path: str
    text: Optional[str] = None
    link: str = ""


def read_release(written: str) -> Tuple[int, ...]:
    """Returns a release such as ``1.22.1`` as numbers, for Build; empty for an empty text."""
    return tuple(int(number) for number in written.split(".") if number)
