# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the file that all of our sites share for Apache: what answers unknown names, and what the server has once.

It sorts before the sites: Apache gives the first virtual host of a socket the names that none has.
"""

from __future__ import annotations

from typing import List, Optional, Sequence, Set

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import escape_pattern
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.reader import ServerLevel
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_places import ACME
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_site import (
    ServerContext,
    assemble,
    render_challenges,
    render_host,
    render_start,
    render_tls,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

NOBODY = "unknown-names.port443.invalid"
_SEPARATE_SESSIONS_SINCE = (2, 4, 64)  # before that a session of one site opened another (CVE-2025-23048)


def render_shared(
    first: Optional[Site], around: ServerContext, others: ServerLevel, default: bool, client_cas: bool
) -> Optional[str]:
    """Returns the text of the shared file, None where there is nothing to say.

    ``first`` is the site whose certificate unknown names get, None if no site is left. ``default`` tells that one of
    ours is default_server, ``client_cas`` that one of ours asks for client certificates.
    """
    if first is None:
        return None
    settings = around.settings
    modules: List[str] = []
    server = _render_server(around, others, client_cas, modules)
    hosts: List[List[str]] = []
    if settings.unknown_names == "refuse" and not default:
        taken = find_taken(others)
        modules += ["rewrite", "alias"]
        if settings.http_port not in taken:
            hosts.append(_render_nobody(settings.http_port, render_challenges(settings)))
        if settings.port not in taken:
            modules += ["ssl", "http2"] if settings.http2 else ["ssl"]
            hosts.append(_render_nobody(settings.port, render_tls(first, settings, around.build)))
    if not server and not hosts:
        return None
    return assemble(render_start(modules, around), server, *hosts)


def find_taken(others: ServerLevel) -> Set[int]:
    """Returns the ports on which somebody else has a virtual host for all addresses: its first one stays first."""
    return {port for address, port in others.configuration.defaults if not address}


def _render_nobody(port: int, lines: Sequence[str]) -> List[str]:
    return render_host(
        port,
        [
            "# Names that no site has, and bare addresses.",
            f"ServerName {NOBODY}",
            "ServerSignature Off",
            *lines,
            "RewriteEngine On",
            f'RewriteCond %{{REQUEST_URI}} "!^{escape_pattern(ACME)}"',
            "RewriteRule ^ - [R=421,L]",
        ],
    )


def _render_server(around: ServerContext, others: ServerLevel, client_cas: bool, modules: List[str]) -> List[str]:
    """What stands outside of virtual hosts, unless somebody else has said it; ``modules`` gets what it needs."""
    lines = [] if "servertokens" in others.said else ["ServerTokens Prod"]
    release = around.build.release
    separate = not client_cas or release >= _SEPARATE_SESSIONS_SINCE
    if "sslsessioncache" not in others.said and separate:
        modules += ["ssl", "socache_shmcb"]
        lines.append("SSLSessionCache shmcb:port443_sessions(512000)")
    return [*lines, *around.settings.http_directives]
