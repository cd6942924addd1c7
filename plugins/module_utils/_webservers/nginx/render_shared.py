# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the two files that all sites share for nginx: the lines for http{}, and the default server.

A site's name begins with a letter, digit or underscore: with a dash these are no site's, and sort before all of them.
"""

from __future__ import annotations

from typing import FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import Socket
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import (
    INDENT,
    Rendering,
    indent,
    quote,
    render_challenges,
    render_listens,
    render_quic,
    render_server,
    render_tls,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import PREFIX, ServerSettings

HTTP_FILE = f"{PREFIX}-http.conf"
NOBODY_FILE = f"{PREFIX}-unknown-names.conf"
HASH_SIZE = "server_names_hash_bucket_size"
HEADER = "# Written by port443.https, which replaces the whole file."
_SMALLEST_BUCKET = 64
_POINTER = 8


def needed_bucket(names: Sequence[str]) -> int:
    """Returns the smallest server_names_hash_bucket_size for server names, as ngx_hash_init reckons it.

    A bucket holds a pointer at its end and elements of a pointer, the length in two bytes and the name, in whole words.
    """
    longest = max(map(len, names), default=0)
    needed = 2 * _POINTER + (longest + 2 + _POINTER - 1) // _POINTER * _POINTER
    size = _SMALLEST_BUCKET
    while size < needed:
        size *= 2
    return size


def render_http(settings: ServerSettings, bucket: int) -> str:
    """Returns the file with the variables of the sites and the lines for http{}; ``bucket`` 0 sets no hash's size.

    The variables are always there, so that a site which another run wrote finds them. Only websocket is upgraded to:
    with h2c a visitor would speak to the application past this server.
    """
    lines = [
        HEADER,
        "map $http_upgrade $port443_upgrade {",
        '    default "";',
        "    ~*^websocket$ websocket;",
        "}",
        "map $port443_upgrade $port443_connection {",
        '    default "";',
        "    websocket upgrade;",
        "}",
        *_render_scheme(settings),
        "map $port443_scheme $port443_https {",
        '    default "";',
        "    https on;",
        "}",
    ]
    lines += [f"{HASH_SIZE} {bucket};"] if bucket else []
    return "\n".join([*lines, *settings.http_directives]) + "\n"


def _render_scheme(settings: ServerSettings) -> List[str]:
    """Whom the visitor spoke TLS to: a balancer says so, whose address is the one that the connection came from."""
    if not settings.trusted_proxies or settings.proxy_protocol:
        return ["map $scheme $port443_scheme {", "    default $scheme;", "}"]
    return [
        "geo $realip_remote_addr $port443_balancer {",
        "    default 0;",
        *(f"{INDENT}{network} 1;" for network in settings.trusted_proxies),
        "}",
        "map $port443_balancer:$http_x_forwarded_proto $port443_scheme {",
        "    default $scheme;",
        "    1:http http;",
        "    1:https https;",
        "}",
    ]


def render_nobody(
    rendering: Rendering,
    defaults: FrozenSet[Socket],
    reuseport: FrozenSet[Socket],
    pair: Tuple[str, str],
) -> str:
    """Returns the file of the servers for names that no site has, empty if there is nothing for it to do.

    ``defaults`` are the sockets of TCP that it is the default server of. ``reuseport`` are those of UDP that it sets up
    for all sites: one socket for each worker, so that the packets of a connection find theirs. ``pair`` are paths of a
    certificate and its key to show before the request is dropped, empty to refuse the handshake.
    """
    settings = rendering.settings
    servers: List[str] = []
    plain = _listens_of(render_listens(rendering, False, defaults), settings.http_port, defaults)
    if plain:
        servers += render_server(
            [*plain, "server_name _;", "server_tokens off;"],
            render_challenges(settings),
            ["location / {", *indent(["return 444;"]), "}"],
        )
    secure = _listens_of(render_listens(rendering, True, defaults), settings.port, defaults)
    quic = [line for line in render_quic(rendering, frozenset(), reuseport) if not line.endswith("quic;")]
    if secure or quic:
        answer = ["ssl_reject_handshake on;"] if not pair[0] else [
            f"ssl_certificate {quote(pair[0])};",
            f"ssl_certificate_key {quote(pair[1])};",
            "return 444;",
        ]  # fmt: skip
        servers += [*([""] if servers else [])]
        servers += render_server([*secure, *quic, "server_name _;", *answer], render_tls(rendering))
    return "\n".join([HEADER, *servers]) + "\n" if servers else ""


def _listens_of(lines: Sequence[str], port: int, defaults: FrozenSet[Socket]) -> List[str]:
    """Without the sockets that it is not the default server of; nothing if there are no others."""
    if not any(socket[1] == port for socket in defaults):
        return []
    return [line for line in lines if not line.startswith("listen ") or " default_server" in line]
