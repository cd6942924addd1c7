# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the backends of a site: one for itself, one for each of its locations."""

from __future__ import annotations

import re
from typing import Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import (
    BlockContext,
    chunks,
    frame_lines,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import quote, quote_format
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SECURITY_HEADERS, Location, Site

SYSTEM_CA = "@system-ca"
_URL = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?/?\Z")
# Takes back what default-server lines of others may have said.
_UNDO = " enabled no-backup no-check no-ssl no-send-proxy no-send-proxy-v2"


def render_backends(site: Site, context: BlockContext) -> List[List[str]]:
    """Returns the backends of a site, a list of lines each."""
    sections = [[*_begin(site, "", context), *_render_answer(site, site.backends, context)]]
    for number, location in enumerate(site.locations, 1):
        sections.append([*_begin(site, f":{number}", context), *_render_location(site, location, context)])
    return sections


def _begin(site: Site, number: str, context: BlockContext) -> List[str]:
    lines = [f"backend port443-{site.name}{number}", "    mode http"]
    lines += [*context.render_timeouts("connect", "server", "tunnel"), *context.render_own_forwarded_for()]
    return [*lines, *_render_client_rules(site), *_render_headers(site)]


def _render_client_rules(site: Site) -> Iterator[str]:
    """Yields what keeps a connection to another site, which asked for no certificate of this CA, out of this one."""
    if not site.client_ca:
        return
    required = site.client_verification == "required"
    exact = [name for name in site.names if not name.startswith("*")]
    for names in chunks(exact):
        yield f"    acl port443-sni ssl_fc_sni,lower -m str -- {names}"
    for name in site.names:
        if name.startswith("*"):
            yield f"    acl port443-sni ssl_fc_sni,lower -m end -- {name[1:]}"
    yield f"    http-request return status 421 if {'' if required else '{ ssl_fc } '}!port443-sni"
    if required:
        yield "    http-request return status 403 if !{ ssl_c_used }"


def _render_headers(site: Site) -> Iterator[str]:
    if site.hsts_max_age:
        by_https = "{ var(txn.port443_proto) -m str https }"
        value = f"max-age={site.hsts_max_age}"
        yield f"    http-after-response set-header Strict-Transport-Security {value} if {by_https}"
    if site.security_headers:
        for name, value in SECURITY_HEADERS:
            yield f"    http-after-response set-header {name} {value} if !{{ res.hdr({name}) -m found }}"


def _render_location(site: Site, location: Location, context: BlockContext) -> List[str]:
    if location.redirect_to:
        code, target = location.redirect_code, quote_format(location.redirect_to)
        return [f"    http-request redirect code {code} location {target}"]
    if location.directives:
        return frame_lines(site.name, location.directives)
    return _render_answer(site, location.backends, context)


def _render_answer(site: Site, backends: Sequence[str], context: BlockContext) -> List[str]:
    """Returns the servers; several are checked, so that those that are down get no requests."""
    if not backends:  # all is below a location
        return ["    http-request return status 404"]
    # Until a check has found one down, a connection that fails is tried with the next one at once.
    lines = ["    balance roundrobin", "    option redispatch 1"] if len(backends) > 1 else []
    checked = bool(site.health_path) or len(backends) > 1
    if site.health_path:
        host = next((name for name in site.names if not name.startswith("*")), "localhost")
        send = f"meth GET uri {quote(site.health_path)} ver HTTP/1.1 hdr Host {host} hdr Connection close"
        lines += ["    option httpchk", f"    http-check send {send}", "    http-check expect status 200-399"]
    elif checked:
        lines.append("    option tcp-check")
    undo = _UNDO if context.has("default-server") else ""
    for number, backend in enumerate(backends, 1):
        tls, host, port = split_backend(backend)
        name = "application" if len(backends) == 1 else f"application{number}"
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        words = f"{undo}{' check' if checked else ''}{_render_tls(site, host, checked) if tls else ''}"
        lines.append(f"    server {name} {address}{words}")
    return lines


def split_backend(url: str) -> Tuple[bool, str, int]:
    """Returns whether a backend's URL is of HTTPS, its host and its port; raises ValueError where it is none."""
    found = _URL.match(url)
    if found is None:
        raise ValueError(url)
    tls = found.group(1) == "https"
    return tls, found.group(2).strip("[]"), int(found.group(3) or (443 if tls else 80))


def _render_tls(site: Site, host: str, checked: bool) -> str:
    # An address is no server name (RFC 6066, 3).
    sni = "" if is_address(host) else f" sni str({host})" + (f" check-sni {host}" if checked else "")
    if not site.verify_backend:
        return f" ssl verify none{sni}"
    return f" ssl verify required ca-file {quote(site.backend_ca or SYSTEM_CA)} verifyhost {host}{sni}"
