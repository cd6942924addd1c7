# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx' quoting, and the directives that every server of ours begins with: sockets, TLS, proxies that are trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers import tls_profile
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import Socket
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, ServerSettings

_BARE = re.compile(r"[\w.:/@%+,=*\[\]-]+\Z", re.ASCII)
_HTTP2_DIRECTIVE = (1, 25, 1)
REJECTS_HANDSHAKES = (1, 19, 4)
INDENT = "    "


@dataclass(frozen=True)
class Rendering:
    """What the rendering of every file needs: settings, build, and what is nobody else's on the sockets.

    ``free_defaults`` are sockets without a default server of somebody else, ``free_quic`` those of UDP that nobody else
    sets up. ``resume`` tells whether TLS sessions may be resumed at all. ``system_ca`` is the system's CA bundle.
    """

    settings: ServerSettings
    build: Build
    root: str
    system_ca: str
    free_defaults: FrozenSet[Socket]
    free_quic: FrozenSet[Socket]
    resume: bool = True


def quote(value: str) -> str:
    """Returns a value as one word of nginx' language that means itself, a dollar sign aside.

    Of a backslash and a letter nginx makes another letter between quotes and outside of them (ngx_conf_read_token).
    """
    if _BARE.match(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def quote_expanded(value: str) -> str:
    """Returns a word of a user's own lines as one word that means the same, its variables among it."""
    return value if re.match(r"[\w.:/@%+,=*$-]+\Z", value, re.ASCII) else quote(value)


def sockets_of(port: int, settings: ServerSettings) -> Tuple[Socket, ...]:
    """Returns the sockets of a port, all of IPv4 and all of IPv6."""
    return (("", port), ("::", port)) if settings.ipv6 else (("", port),)


def write_socket(socket: Socket) -> str:
    """Returns a socket as a listen directive names it."""
    return f"[{socket[0]}]:{socket[1]}" if socket[0] else str(socket[1])


def render_listens(rendering: Rendering, tls: bool, defaults: FrozenSet[Socket]) -> List[str]:
    """Returns the listen directives of TCP, with default_server on the sockets of ``defaults``, and that of HTTP/2."""
    settings = rendering.settings
    as_directive = rendering.build.release >= _HTTP2_DIRECTIVE
    lines = []
    for socket in sockets_of(settings.port if tls else settings.http_port, settings):
        words = ["listen", write_socket(socket)]
        words += ["ssl"] if tls else []
        words += ["http2"] if tls and settings.http2 and not as_directive else []
        words += ["default_server"] if socket in defaults else []
        words += ["proxy_protocol"] if settings.proxy_protocol else []
        lines.append(" ".join(words) + ";")
    if tls and as_directive and settings.http2:
        lines.append("http2 on;")
    return lines


def render_quic(rendering: Rendering, defaults: FrozenSet[Socket], reuseport: FrozenSet[Socket]) -> List[str]:
    """Returns the listen directives of HTTP/3, none without it."""
    if not rendering.settings.http3:
        return []
    lines = []
    for socket in sockets_of(rendering.settings.port, rendering.settings):
        words = ["listen", write_socket(socket), "quic"]
        words += ["default_server"] if socket in defaults else []
        words += ["reuseport"] if socket in reuseport else []
        lines.append(" ".join(words) + ";")
    return lines


def render_tls(rendering: Rendering) -> List[str]:
    """Returns Mozilla's profile; in each server, because the distribution has settings of its own in http{}.

    The DHE ciphers come into play only with an ssl_dhparam.
    """
    profile = rendering.settings.profile
    lines = [f"ssl_protocols {' '.join(tls_profile.PROTOCOLS[profile])};"]
    if profile == "intermediate":
        lines.append(f"ssl_ciphers {':'.join(tls_profile.CIPHERS)};")
    return [
        *lines,
        f"ssl_ecdh_curve {':'.join(tls_profile.groups(rendering.build.openssl))};",
        "ssl_prefer_server_ciphers off;",
        "ssl_session_timeout 1d;",
        f"ssl_session_cache {'shared:port443:10m' if rendering.resume else 'off'};",
        "ssl_session_tickets off;",
    ]


def render_real_address(settings: ServerSettings) -> List[str]:
    """Returns what makes the visitor's address of a balancer's; in each server, so that it holds for ours alone."""
    lines = [f"set_real_ip_from {network};" for network in settings.trusted_proxies]
    if not lines:
        return []
    if settings.proxy_protocol:
        return [*lines, "real_ip_header proxy_protocol;"]
    return [*lines, "real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]


def render_challenges(settings: ServerSettings, open_to_all: bool = False) -> List[str]:
    """Returns the location where a certificate authority looks for the proof that a name is ours."""
    return [
        "location ^~ /.well-known/acme-challenge/ {",
        *indent(["auth_basic off;"] if open_to_all else []),
        f"{INDENT}root {quote(settings.acme_root)};",
        f"{INDENT}default_type text/plain;",
        f"{INDENT}try_files $uri =404;",
        "}",
    ]


def render_server(*parts: Sequence[str]) -> List[str]:
    """Returns a server block of the parts that hold anything, an empty line between them."""
    lines = ["server {"]
    for part in filter(None, parts):
        lines += [*([""] if len(lines) > 1 else []), *indent(part)]
    return [*lines, "}"]


def indent(lines: Sequence[str]) -> List[str]:
    """Returns the lines one step further in."""
    return [INDENT + line if line else "" for line in lines]


def split_backend(url: str) -> Tuple[str, str, str]:
    """Returns scheme, host with port (the scheme's where none is given), and path of a backend's URL."""
    scheme, _separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    has_port = re.search(r":[0-9]+\Z", authority)
    return scheme, authority if has_port else f"{authority}:{443 if scheme == 'https' else 80}", slash + path
