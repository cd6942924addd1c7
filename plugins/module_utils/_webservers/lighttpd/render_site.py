# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the file of one site for lighttpd: what holds for its names on the ports of HTTPS and of plain HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import (
    Assignment,
    parse,
    quote,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.regex import escape, write_hosts
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_places import (
    ACME,
    find_modules,
    render_block,
    render_challenges,
    render_content,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    SECURITY_HEADERS,
    Build,
    ServerSettings,
    Site,
)

HEADER = "# Written by port443.https, which replaces the whole file."
# Variables of the shared file: the names that sites have as they are, and all that they have, as alternatives of an
# expression.
EXACT = "var.port443-exact"
KNOWN = "var.port443-known"
VERIFY_CA_SINCE = (1, 4, 60)  # before that ssl.ca-file is for clients as well

# What an application is told of the visitor: what a visitor sends under these names does not pass. mod_proxy adds the
# address, the scheme and the Host after that.
_TOLD = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Real-IP")
# What of an administrator's own, where it holds for all names, would answer in the place of a site, and what undoes it.
NEUTRAL = {
    "url.redirect": "()",
    "url.rewrite": "()",
    "url.rewrite-once": "()",
    "url.rewrite-repeat": "()",
    "url.rewrite-final": "()",
    "url.rewrite-if-not-file": "()",
    "url.rewrite-repeat-if-not-file": "()",
    "proxy.server": "()",
    "evhost.path-pattern": '""',
    "simple-vhost.server-root": '""',
}


@dataclass(frozen=True)
class SiteContext:
    """What a site's file depends on beside the site.

    ``root`` is the folder of a site without one, empty for what the main file has. ``allowed`` are the ends of paths
    that an administrator allows, none for all. ``neutral`` are options of NEUTRAL
    that somebody else has set for all names. ``all_plain`` tells that nobody else has the port of plain HTTP, so that a
    default site may answer there to names that no site has.
    """

    settings: ServerSettings
    build: Build
    root: str
    allowed: Tuple[str, ...]
    neutral: FrozenSet[str]
    all_plain: bool


def render_site(site: Site, around: SiteContext) -> str:
    """Returns the text of a site's file."""
    settings = around.settings
    secure = _render_secure(site, around)
    plain = _render_redirect(site, around) if site.redirect else _render_plain(site, around)
    return assemble(
        _render_modules(site, settings),
        render_port(settings.port, _render_hosts(site, site.default_server, secure)),
        render_port(settings.http_port, _render_hosts(site, _answers_all(site, around), plain)),
    )


def assemble(*parts: Sequence[str]) -> str:
    """Returns the text of a file of ours from the lines of its parts."""
    return HEADER + "\n" + "\n".join("\n".join(part) + "\n" for part in parts if part)


def render_port(port: int, lines: Sequence[str]) -> List[str]:
    """Returns what holds on a port, whatever the address."""
    return render_block(f'$SERVER["socket"] =~ ":{port}$"', lines)


def _render_modules(site: Site, settings: ServerSettings) -> List[str]:
    """Modules do their work in this order: who is let in comes before what hands requests on."""
    users = site.users_file or site.client_verification == "required"
    lines = ['server.modules := ("mod_auth", "mod_authn_file") + server.modules'] if users else []
    modules = list(find_modules(site))
    modules += ["mod_extforward"] if keeps_scheme(settings) else []
    return [*lines, *([f"server.modules += ({', '.join(map(quote, modules))})"] if modules else [])]


def _render_hosts(site: Site, everybody: bool, lines: Sequence[str]) -> List[str]:
    return render_block(f'$HTTP["host"] =~ {write_hosts(site.names, everybody, EXACT, KNOWN)}', lines)


def _answers_all(site: Site, around: SiteContext) -> bool:
    return site.default_server and around.all_plain


def _render_secure(site: Site, around: SiteContext) -> List[str]:
    headers = [("Strict-Transport-Security", f"max-age={site.hsts_max_age}")] if site.hsts_max_age else []
    headers += SECURITY_HEADERS if site.security_headers else []
    lines = [
        f"ssl.pemfile = {quote(site.certificate)}",
        f"ssl.privkey = {quote(site.key)}",
        *_render_clients(site, around.build),
        *_render_common(site, around),
        *_render_users(site),
    ]
    if headers:
        lines.append(f"setenv.set-response-header = ({_write_pairs(headers)})")
    return [*_with_directives(lines, site.directives), *render_content(site)]


def _render_plain(site: Site, around: SiteContext) -> List[str]:
    challenges = render_challenges(around.settings.acme_root, bool(site.users_file))
    return [*_render_common(site, around), *_render_users(site), *render_content(site, [challenges])]


def _render_redirect(site: Site, around: SiteContext) -> List[str]:
    """The path as it came, and the name without its port, which is the first group of the condition around it."""
    settings = around.settings
    port = "" if settings.port == 443 else f":{settings.port}"
    target = f"https://%1{port}${{url.path}}${{qsa}}"
    redirect = f"url.redirect = ({quote('^(?!' + escape(ACME) + ')')} => {quote(target)})"
    if not keeps_scheme(settings):
        common = [line for line in _render_common(site, around) if not line.startswith("url.redirect ")]
        return [*common, redirect, *render_block(*render_challenges(settings.acme_root, False))]
    # A balancer may have ended TLS before us, and says so. Who came without is not asked for a password.
    open_to_all = ["auth.require = ()"] if site.users_file else []
    hosts = _render_hosts(site, _answers_all(site, around), [redirect, *open_to_all])
    challenges = render_challenges(settings.acme_root, bool(site.users_file))
    return [
        *_render_common(site, around),
        *_render_users(site),
        *render_block('$HTTP["scheme"] == "http"', hosts),
        *render_content(site, [challenges]),
    ]


def keeps_scheme(settings: ServerSettings) -> bool:
    """Tells whether balancers say in headers who the visitor is, and how he came."""
    return bool(settings.trusted_proxies) and not settings.proxy_protocol


def _render_common(site: Site, around: SiteContext) -> List[str]:
    lines = [f"url.access-allow = ({', '.join(map(quote, around.allowed))})"]
    lines += ['server.tag = ""', *(f"{key} = {NEUTRAL[key]}" for key in sorted(around.neutral))]
    root = site.root or around.root
    lines += [f"server.document-root = {quote(root)}"] if root and not site.backends else []
    if keeps_scheme(around.settings):
        lines += [
            f"extforward.forwarder = ({write_trusted(around.settings)})",
            'extforward.headers = ("X-Forwarded-For")',
        ]
    return [*lines, f"setenv.set-request-header = ({_write_pairs([(name, '') for name in _TOLD])})"]


def write_trusted(settings: ServerSettings) -> str:
    """Returns the balancers' networks as the pairs of a list."""
    return _write_pairs([(network, "trust") for network in settings.trusted_proxies])


def _write_pairs(pairs: Sequence[Tuple[str, str]]) -> str:
    return ", ".join(f"{quote(key)} => {quote(value)}" for key, value in pairs)


def _render_users(site: Site) -> List[str]:
    if not site.users_file:
        return []
    return [
        'auth.backend = "htpasswd"',
        f"auth.backend.htpasswd.userfile = {quote(site.users_file)}",
        f"auth.require = ({_write_require(site, 'basic')})",
    ]


def _render_clients(site: Site, build: Build) -> List[str]:
    """The handshake asks for a certificate by the name in it, which may be another than the Host of a request.

    So each request has to come with a certificate as well: mod_openssl makes its serial number the user if it is good.
    """
    if site.client_verification == "none":
        return []
    required = site.client_verification == "required"
    file = "ssl.verifyclient.ca-file" if build.release >= VERIFY_CA_SINCE else "ssl.ca-file"
    lines = [
        'ssl.verifyclient.activate = "enable"',
        f'ssl.verifyclient.enforce = "{"enable" if required else "disable"}"',
        "ssl.verifyclient.depth = 10",
        f"{file} = {quote(site.client_ca)}",
    ]
    if required:
        lines += [
            'ssl.verifyclient.username = "SSL_CLIENT_M_SERIAL"',
            f"auth.require = ({_write_require(site, 'extern')})",
        ]
    return lines


def _write_require(site: Site, method: str) -> str:
    return f'"/" => ("method" => "{method}", "realm" => {quote(site.name)}, "require" => "valid-user")'


def _with_directives(lines: Sequence[str], directives: Sequence[str]) -> List[str]:
    """Our lines with those of a user, who comes before us: lighttpd takes an option once in a block.

    To headers that he sets ours are added.
    """
    given = _find_given(directives)
    before = [line for line in lines if line.split()[0] not in given]
    after = [line for line in lines if line.split()[0] in given and line.startswith("setenv.")]
    return [*before, *directives, *(line.replace(" = ", " += ", 1) for line in after)]


def _find_given(directives: Sequence[str]) -> Set[str]:
    found = parse("\n".join(directives), "directives")
    return {one.key for one in found if isinstance(one, Assignment)}
