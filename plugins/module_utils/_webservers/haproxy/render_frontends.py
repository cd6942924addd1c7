# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the two frontends of a block: sockets, which site is meant, what is known of the visitor, who answers."""

from __future__ import annotations

from typing import Iterator, List, Sequence

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import (
    ACME,
    NOBODY,
    BlockContext,
    as_host,
    chunks,
    frame_lines,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import quote
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Site
from ansible_collections.port443.https.plugins.module_utils._webservers.tls_profile import CIPHERS, PROTOCOLS, groups

UNKNOWN = "{ var(txn.port443) -m found }"
# What says who the visitor is, and must not come from the visitor; del-header takes a prefix from 2.4 on.
_SPOOFED = ("Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP")
_PREFIXED = [
    "For",
    "Proto",
    "Host",
    "Port",
    "Server",
    "Ssl",
    "Scheme",
    "Protocol",
    "Prefix",
    "By",
    "User",
    "Client-Cert",
]
_HOPS = 3  # balancers behind each other


def render_http(sites: Sequence[Site], context: BlockContext) -> List[str]:
    """Returns the frontend of plain HTTP."""
    settings = context.settings
    port = "" if settings.port == 443 else f":{settings.port}"
    lines = ["frontend port443-http", "    mode http", *context.render_timeouts("client", "http-request")]
    lines += context.render_own_forwarded_for()
    lines += [
        f"    bind {address}:{settings.http_port}{only}{_proxy(context)}" for address, only in _addresses(context)
    ]
    lines += [*_render_balancers(context), *_render_names(sites)]
    lines.append("    acl port443-is-acme path_beg /.well-known/acme-challenge/")
    if not settings.acme_port:
        lines.append("    http-request return status 404 if port443-is-acme")
    lines += _render_visitor(context, "http")
    for site in sites:
        if site.redirect:
            target = f"https://%[var(txn.port443_host)]{port}%[capture.req.uri]"
            unless = f"port443-is-{site.name} !port443-is-acme !port443-came-by-https"
            lines.append(f"    http-request redirect code 301 location {target} if {unless}")
    if settings.acme_port:
        lines.append(f"    use_backend {ACME} if port443-is-acme")
    # Behind a balancer that ends TLS, visitors with HTTPS come to this port.
    lines += _render_choice([site for site in sites if not site.redirect or settings.trusted_proxies])
    return [*lines, f"    default_backend {NOBODY}"]


def render_https(sites: Sequence[Site], context: BlockContext) -> List[str]:
    """Returns the frontend of HTTPS; the users' lines come when the visitor is known, before a site is chosen."""
    settings = context.settings
    lines = [f"# Mozilla's {settings.profile} profile.", "frontend port443-https", "    mode http"]
    lines += [*context.render_timeouts("client", "http-request"), *context.render_own_forwarded_for()]
    lines += [*_render_tls_binds(sites, context), *_render_balancers(context), *_render_names(sites)]
    default = [site.name for site in sites if site.default_server]
    if default:
        lines.append(f"    http-request set-var(txn.port443) str({default[0]}) if !{UNKNOWN}")
    elif settings.unknown_names == "serve":
        lines.append(f"    http-request set-var(txn.port443) str({sites[0].name}) unless {UNKNOWN}")
    lines += _render_visitor(context, "https")
    if settings.http3:
        value = quote(f'h3=":{settings.port}"; ma=86400')
        lines.append(f"    http-after-response set-header Alt-Svc {value}")
    for site in sites:
        lines += frame_lines(site.name, site.directives)
    lines += _render_choice(sites)
    if not any(line.split()[:1] == ["default_backend"] for site in sites for line in site.directives):
        lines.append(f"    default_backend {NOBODY}")
    return lines


def _addresses(context: BlockContext) -> List[Sequence[str]]:
    return [("", ""), ("[::]", " v6only")] if context.settings.ipv6 else [("", "")]


def _proxy(context: BlockContext) -> str:
    return " accept-proxy" if context.settings.proxy_protocol else ""


def _render_tls_binds(sites: Sequence[Site], context: BlockContext) -> Iterator[str]:
    settings = context.settings
    # A client that asks for an address sends no name: it gets the first site's certificate.
    nameless = settings.unknown_names == "serve" or any(site.default_server for site in sites)
    nameless = nameless or any(is_address(name) for site in sites for name in site.names)
    certificates = f"ssl crt-list {quote(context.crt_list)}{'' if nameless else ' strict-sni'}"
    curves = "curves " + ":".join(groups(context.build.openssl))
    ciphers = f" ciphers {':'.join(CIPHERS)}" if settings.profile == "intermediate" else ""
    alpn = "h2,http/1.1" if settings.http2 else "http/1.1"
    tls = f"alpn {alpn} ssl-min-ver {PROTOCOLS[settings.profile][0]}{ciphers} {curves}"
    for address, only in _addresses(context):
        where = f"{address}:{settings.port}{only}{_proxy(context)}"
        yield f"    bind {where} {certificates} {tls} prefer-client-ciphers no-tls-tickets"
        if settings.http3:
            family = "quic6@" if address else "quic4@"
            yield f"    bind {family}{address}:{settings.port}{only} {certificates} alpn h3 {curves}"


def _render_balancers(context: BlockContext) -> Iterator[str]:
    """Yields who may say who the visitor is: an address of the connection, or of the balancer before it."""
    for networks in chunks(context.settings.trusted_proxies):
        if context.settings.proxy_protocol:
            yield f"    acl port443-from-balancer src -- {networks}"
        else:
            yield f"    acl port443-from-balancer var(txn.port443_src) -m ip -- {networks}"
    if context.settings.proxy_protocol:
        # This host may ask itself, at any of its addresses.
        yield "    acl port443-from-here src -- 127.0.0.0/8 ::1"
        yield "    acl port443-from-here src,strcmp(sess.port443_dst) eq 0"
        yield "    tcp-request connection set-var(sess.port443_dst) dst"
        yield "    tcp-request connection reject if !port443-from-balancer !port443-from-here"


def _render_names(sites: Sequence[Site]) -> Iterator[str]:
    """Yields what finds the site: the last line that fits holds, so wildcards come first, the wider ones before."""
    yield "    http-request set-var(txn.port443_host) req.hdr(host),lower,regsub(:[0-9]*$,)"
    wild = [(name[1:], site.name) for site in sites for name in site.names if name.startswith("*")]
    for suffix, site_name in sorted(wild, key=lambda one: (one[0].count("."), one)):
        match = f"{{ var(txn.port443_host) -m end -- {suffix} }}"
        yield f"    http-request set-var(txn.port443) str({site_name}) if {match}"
    for site in sites:
        for names in chunks([as_host(name) for name in site.names if not name.startswith("*")]):
            match = f"{{ var(txn.port443_host) -m str -- {names} }}"
            yield f"    http-request set-var(txn.port443) str({site.name}) if {match}"
    for site in sites:
        yield f"    acl port443-is-{site.name} var(txn.port443) -m str -- {site.name}"


def _render_visitor(context: BlockContext, scheme: str) -> Iterator[str]:
    """Yields what tells applications who the visitor is, and drops what the visitor says of that."""
    yield "    http-request set-var(txn.port443_src) src"
    yield f"    http-request set-var(txn.port443_proto) str({scheme})"
    if context.settings.trusted_proxies and not context.settings.proxy_protocol:
        for value in ("http", "https"):
            said = f"port443-from-balancer {{ req.hdr(x-forwarded-proto) -m str -i -- {value} }}"
            yield f"    http-request set-var(txn.port443_proto) str({value}) if {said}"
        for hop in range(1, _HOPS + 1):
            told = f"req.hdr_ip(x-forwarded-for,-{hop})"
            yield f"    http-request set-var(txn.port443_src) {told} if port443-from-balancer"
        if context.build.release >= (2, 6):  # before, it holds for the next request of the balancer's connection, too
            yield "    http-request set-src var(txn.port443_src)"
    if scheme == "http":
        yield "    acl port443-came-by-https var(txn.port443_proto) -m str -- https"
    if context.build.release >= (2, 4):
        yield "    http-request del-header X-Forwarded- -m beg"
    names = _SPOOFED if context.build.release >= (2, 4) else (*_SPOOFED, *(f"X-Forwarded-{one}" for one in _PREFIXED))
    for name in names:
        yield f"    http-request del-header {name}"
    yield "    http-request set-header X-Forwarded-For %[var(txn.port443_src)]"
    yield "    http-request set-header X-Forwarded-Proto %[var(txn.port443_proto)]"
    yield "    http-request set-header X-Forwarded-Host %[req.hdr(host)]"
    # What Connection names, the next proxy drops (RFC 9110, 7.6.1), even what is set here.
    yield "    acl port443-upgrades req.hdr(upgrade) -m found"
    yield "    http-request del-header Connection if !port443-upgrades"
    yield "    http-request set-header Connection upgrade if port443-upgrades"


def _render_choice(sites: Sequence[Site]) -> Iterator[str]:
    """Yields which backend answers, of a site's locations the one of the longest path first."""
    for site in sites:
        numbered = list(enumerate(site.locations, 1))
        for number, location in sorted(numbered, key=lambda one: -len(one[1].path)):
            below = f"{{ path,url_dec -m beg -- {quote(location.path)} }}"
            yield f"    use_backend port443-{site.name}:{number} if port443-is-{site.name} {below}"
        yield f"    use_backend port443-{site.name} if port443-is-{site.name}"
