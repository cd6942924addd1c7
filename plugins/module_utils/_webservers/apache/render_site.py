# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the file of one site for Apache: its two virtual hosts, and the modules and sockets that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import escape_pattern, quote
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.layout import find_system_cas
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_places import (
    ACME,
    Places,
    find_modules,
    find_places,
    names_https,
    render_balancers,
    render_folders,
    render_proxying,
    render_rewrites,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    SECURITY_HEADERS,
    Build,
    ServerSettings,
    Site,
    SiteLayout,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.tls_profile import CIPHERS, PROTOCOLS, groups

HEADER = "# Written by port443.https, which replaces the whole file."
# What we tell applications of the visitor: what a visitor sends under these names is taken away, and none of them can
# be named in Connection, which would have mod_proxy take them away after they are added (RFC 9110, 7.6.1).
_TOLD = r"(?i)(?<![^,\s])(?:x-forwarded-[^,\s]*|x-real-ip|forwarded|host)(?![^,\s])"
_REMOVED = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Server", "X-Forwarded-Port", "Forwarded")


@dataclass(frozen=True)
class ServerContext:
    """What a site's file depends on beside the site: ports that others have Apache listen on already (``listening``),
    and those on which they do once mod_ssl is loaded (``with_tls``)."""

    settings: ServerSettings
    build: Build
    layout: SiteLayout
    listening: FrozenSet[int]
    with_tls: FrozenSet[int]


def render_site(site: Site, around: ServerContext) -> str:
    """Returns the text of a site's file."""
    settings = around.settings
    places = find_places(site, around.build, around.layout.root)
    content = _render_content(site, places, around)
    plain = [*render_challenges(settings), "", *(_render_redirect(settings) if site.redirect else [])]
    plain += content if not site.redirect or _keeps_scheme(settings) else []
    secure = [*render_tls(site, settings, around.build), *_render_client(site), *_render_headers(site)]
    secure += ["", *site.directives] if site.directives else []
    trusted = _render_trusted(settings)
    return assemble(
        render_start(_find_modules(site, places, settings), around),
        render_balancers(places),
        render_host(settings.http_port, [*_render_names(site), "ServerSignature Off", *trusted, *plain]),
        render_host(settings.port, [*_render_names(site), "ServerSignature Off", *trusted, *secure, "", *content]),
    )


def assemble(*parts: Sequence[str]) -> str:
    """Returns the text of a file of ours from the lines of its parts."""
    return HEADER + "\n" + "\n".join("\n".join(part) + "\n" for part in parts if part)


def render_host(port: int, lines: Sequence[str]) -> List[str]:
    """Returns a virtual host on all addresses."""
    return [f"<VirtualHost *:{port}>", *(f"    {line}" if line else "" for line in lines), "</VirtualHost>"]


def render_start(modules: Sequence[str], around: ServerContext) -> List[str]:
    """Returns what loads modules and listens, unless that is done: Apache ends at a reload where it is told twice."""
    settings, folder = around.settings, around.layout.modules
    lines: List[str] = []
    for module in dict.fromkeys(modules):
        loading = [f"    LoadModule {module}_module {folder}/mod_{module}.so"]
        if module == "ssl" and settings.port in around.with_tls - around.listening:
            lines.append("# Where the distribution's own configuration loads mod_ssl, it listens as well.")
            loading.append("    " + _listen(settings, settings.port))
        lines += [f"<IfModule !{module}_module>", *loading, "</IfModule>"]
    for port in dict.fromkeys((settings.http_port, settings.port)):
        if port not in around.listening | around.with_tls:
            guard = f"PORT443_LISTENS_ON_{port}"
            lines += [f"<IfDefine !{guard}>", f"    Define {guard}", f"    {_listen(settings, port)}", "</IfDefine>"]
    return lines


def _listen(settings: ServerSettings, port: int) -> str:
    return f"Listen {port}" if settings.ipv6 else f"Listen 0.0.0.0:{port}"


def _find_modules(site: Site, places: Places, settings: ServerSettings) -> Tuple[str, ...]:
    modules = ["ssl", "rewrite", *find_modules(places)]
    modules += ["headers"] if site.hsts_max_age or site.security_headers else []
    modules += ["http2"] if settings.http2 else []
    modules += ["authn_core", "authn_file", "authz_user", "auth_basic"] if site.users_file else []
    modules += ["remoteip"] if settings.trusted_proxies or settings.proxy_protocol else []
    return tuple(modules)


def _render_names(site: Site) -> List[str]:
    """A wildcard is not for ServerName."""
    names = [name for name in site.names if "*" not in name] or [site.name]
    names += [name for name in site.names if "*" in name]
    written = [f"[{name}]" if ":" in name else name for name in names]
    return [f"ServerName {written[0]}", *(f"ServerAlias {name}" for name in written[1:])]


def render_challenges(settings: ServerSettings) -> List[str]:
    """Returns what answers a CA that looks for the proof that a name is ours."""
    return [
        "# Where a certificate authority looks for the proof that the name is ours.",
        f"Alias {quote(ACME)} {quote(settings.acme_root.rstrip('/') + ACME)}",
        *_open_challenges(("ForceType text/plain",)),
    ]


def _open_challenges(more: Sequence[str] = ()) -> List[str]:
    return [f"<Location {quote(ACME)}>", "    Require all granted", *(f"    {line}" for line in more), "</Location>"]


def _render_redirect(settings: ServerSettings) -> List[str]:
    port = "" if settings.port == 443 else f":{settings.port}"
    return [
        "# The path as it came: what Apache decoded could not be put together again. It keeps the query itself.",
        "AllowEncodedSlashes NoDecode",
        "RewriteEngine On",
        *_render_untrusted(settings),
        *([f"RewriteCond expr {quote('! (' + _is_told(settings, 'https') + ')')}"] if _keeps_scheme(settings) else []),
        f'RewriteCond %{{REQUEST_URI}} "!^{escape_pattern(ACME)}"',
        r'RewriteCond %{THE_REQUEST} "^[A-Z]+ (/[^?\s]*)"',
        f'RewriteRule ^ "https://%{{SERVER_NAME}}{port}%1" [R=301,L,NE]',
    ]


def render_tls(site: Site, settings: ServerSettings, build: Build) -> List[str]:
    """Returns a virtual host's certificate and Mozilla's profile."""
    lines = ["Protocols h2 http/1.1"] if settings.http2 else []
    lines += [
        "SSLEngine on",
        f"SSLCertificateFile {quote(site.certificate)}",
        f"SSLCertificateKeyFile {quote(site.key)}",
        f"# Mozilla's {settings.profile} profile.",
        "SSLProtocol -all " + " ".join(f"+{protocol}" for protocol in PROTOCOLS[settings.profile]),
    ]
    lines += [f"SSLCipherSuite {':'.join(CIPHERS)}"] if settings.profile == "intermediate" else []
    return [
        *lines,
        f"SSLOpenSSLConfCmd Curves {':'.join(groups(build.openssl))}",
        "SSLHonorCipherOrder off",
        "SSLSessionTickets off",
    ]


def _render_client(site: Site) -> List[str]:
    """SSLStrictSNIVHostCheck keeps a session of another site out of this one (CVE-2025-23048)."""
    if site.client_verification == "none":
        return []
    verify = "require" if site.client_verification == "required" else "optional"
    return [
        f"SSLCACertificateFile {quote(site.client_ca)}",
        f"SSLVerifyClient {verify}",
        "SSLVerifyDepth 10",
        "SSLStrictSNIVHostCheck on",
    ]


def _render_headers(site: Site) -> List[str]:
    """An application's own header is in the table of onsuccess, ours in that of always: one of them goes."""
    headers = [("Strict-Transport-Security", f"max-age={site.hsts_max_age}")] if site.hsts_max_age else []
    headers += SECURITY_HEADERS if site.security_headers else []
    lines: List[str] = []
    for name, value in headers:
        lines += [f"Header onsuccess unset {name}", f"Header always set {name} {quote(value)}"]
    return lines


def _render_trusted(settings: ServerSettings) -> List[str]:
    if settings.proxy_protocol:
        return ["RemoteIPProxyProtocol On"]
    if not settings.trusted_proxies:
        return []
    networks = [f"RemoteIPInternalProxy {network}" for network in settings.trusted_proxies]
    return ["RemoteIPHeader X-Forwarded-For", *networks]


def _is_trusted(settings: ServerSettings) -> str:
    """An expression of Apache's: whether the connection comes from a balancer whose word counts."""
    return " || ".join(f"%{{CONN_REMOTE_ADDR}} -ipmatch '{network}'" for network in settings.trusted_proxies)


def _keeps_scheme(settings: ServerSettings) -> bool:
    """Whether balancers may have ended TLS before us: they say so in a header, and nothing is redirected then."""
    return bool(settings.trusted_proxies) and not settings.proxy_protocol


def _is_told(settings: ServerSettings, schemes: str) -> str:
    return f"({_is_trusted(settings)}) && %{{req:X-Forwarded-Proto}} =~ /^{schemes}$/"


def _render_untrusted(settings: ServerSettings) -> List[str]:
    """With the PROXY protocol anybody could name an address as the visitor's: only balancers get an answer."""
    if not (settings.proxy_protocol and settings.trusted_proxies):
        return []
    return [f"RewriteCond expr {quote(f'! ({_is_trusted(settings)})')}", "RewriteRule ^ - [F]"]


def _render_content(site: Site, places: Places, around: ServerContext) -> List[str]:
    settings = around.settings
    untrusted = _render_untrusted(settings)
    lines = ["RewriteEngine On", *untrusted] if untrusted else []
    lines += render_rewrites(places)
    if places.proxied():
        checked = names_https(places.proxied()) and site.verify_backend
        lines += ["ProxyRequests Off", f"ProxyPreserveHost {'Off' if checked else 'On'}"]
        lines += _render_backend_tls(site, places, around.layout)
        lines += render_proxying(places)
        lines += _render_told(settings)
    return [*lines, *_render_users(site), *render_folders(places)]


def _render_backend_tls(site: Site, places: Places, layout: SiteLayout) -> List[str]:
    """mod_ssl compares a backend's certificate with the Host that is sent, so that this is the backend's then."""
    if not names_https(places.proxied()):
        return []
    if not site.verify_backend:
        checks = [f"SSLProxyCheckPeer{what} off" for what in ("CN", "Name", "Expire")]
        return ["SSLProxyEngine On", "SSLProxyVerify none", *checks]
    return [
        "SSLProxyEngine On",
        "SSLProxyVerify require",
        "SSLProxyVerifyDepth 10",
        f"SSLProxyCACertificateFile {quote(site.backend_ca or find_system_cas(layout))}",
        "SSLProxyCheckPeerName on",
        "SSLProxyCheckPeerExpire on",
    ]


def _render_told(settings: ServerSettings) -> List[str]:
    """What applications are told of the visitor; mod_proxy adds the address and the Host that was asked for."""
    scheme = "RequestHeader set X-Forwarded-Proto expr=%{REQUEST_SCHEME}"
    if _keeps_scheme(settings):
        scheme += " " + quote("expr=! (" + _is_told(settings, "https?") + ")")
    return [
        *(f"RequestHeader unset {name}" for name in _REMOVED),
        f'RequestHeader edit* Connection {quote(_TOLD)} ""',
        scheme,
        "RequestHeader set X-Real-IP expr=%{REMOTE_ADDR}",
    ]


def _render_users(site: Site) -> List[str]:
    if not site.users_file:
        return []
    return [
        '<Location "/">',
        "    AuthType Basic",
        f"    AuthName {quote(site.name)}",
        "    AuthBasicProvider file",
        f"    AuthUserFile {quote(site.users_file)}",
        "    Require valid-user",
        "</Location>",
        *_open_challenges(),
    ]
