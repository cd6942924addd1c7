# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders all sites of HAProxy: the block of its file, and the list of their certificates."""

from __future__ import annotations

from typing import List, Sequence

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import (
    ACME,
    NOBODY,
    BlockContext,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_backends import render_backends
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_frontends import (
    render_http,
    render_https,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site

# The first line of a block of this form; that of release 0.1.0 begins otherwise.
FORM = "# Sites, form 2. The certificates of the sites are in the list that the bind lines name."


def sort_sites(sites: Sequence[Site]) -> List[Site]:
    """Returns the sites in the order of the block: whoever is told first, the block is the same."""
    return sorted(sites, key=lambda site: (not site.default_server, site.name))


def render_block(sites: Sequence[Site], context: BlockContext) -> str:
    """Returns the lines between the markers; ``sites`` are all sites of ours."""
    ordered = sort_sites(sites)
    sections = [_render_global(ordered, context), render_http(ordered, context), render_https(ordered, context)]
    for site in ordered:
        sections += render_backends(site, context)
    if context.settings.acme_port:
        lines = [f"backend {ACME}", "    mode http", *context.render_timeouts("connect", "server")]
        sections.append([*lines, f"    server acme 127.0.0.1:{context.settings.acme_port}"])
    refusal = ["    http-request return status 421 if { ssl_fc }", "    http-request return status 404"]
    sections.append([f"backend {NOBODY}", "    mode http", *context.render_timeouts("connect", "server"), *refusal])
    return FORM + "\n" + "\n".join("\n".join(section) + "\n" for section in sections if section)


def _render_global(sites: Sequence[Site], context: BlockContext) -> List[str]:
    lines = []
    if context.settings.http3 and "limited-quic" in context.build.features:
        # Without it, QUIC over an OpenSSL that has none for servers is refused.
        lines.append("    limited-quic")
    if any(site.client_ca for site in sites):
        # Sessions know nothing of the site that they were made for, so that one could open a site of another client CA.
        lines.append("    tune.ssl.cachesize 0")
    lines += [f"    {line}" for line in context.settings.http_directives]
    return ["global", *lines] if lines else []


def render_crt_list(sites: Sequence[Site]) -> str:
    """Returns the certificate list: for each site a line that names it, and its certificate, client CA and names.

    The names keep a certificate for more names from answering to those; the first one answers clients without a name.
    """
    lines = ["# Certificates of the sites that port443.https wrote."]
    for site in sort_sites(sites):
        # An address is in no ClientHello.
        names = [name for name in site.names if not is_address(name)]
        client = f" [ca-file {site.client_ca} verify {site.client_verification}]" if site.client_ca else ""
        lines += [f"# {site.name}", f"{site.certificate}{client}{''.join(' ' + name for name in names)}"]
    return "\n".join(lines) + "\n"
