# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders the file of one site for nginx: its upstreams, its server of plain HTTP, its server of HTTPS."""

from __future__ import annotations

from typing import FrozenSet, List, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import (
    Directive,
    Socket,
    parse_directives,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_shared import HEADER
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import (
    Rendering,
    indent,
    quote,
    quote_expanded,
    render_challenges,
    render_listens,
    render_quic,
    render_real_address,
    render_server,
    render_tls,
    split_backend,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SECURITY_HEADERS, Location, Site

# Of these a server may have several; any other that a user gives stands in place of ours.
_SEVERAL = ("if", "listen", "location", "server_name", "set_real_ip_from", "ssl_certificate", "ssl_certificate_key")
_BY_NAME = ("add_header", "fastcgi_hide_header", "fastcgi_param", "proxy_hide_header", "proxy_set_header")


def render_site(site: Site, rendering: Rendering, defaults: FrozenSet[Socket]) -> str:
    """Returns the file of a site that is the default server of the sockets of ``defaults``."""
    lines = [HEADER]
    for number, (backends, _path) in enumerate(_all_backends(site)):
        lines += _render_upstream(_upstream(site, number), backends) if backends else []
    lines += [*_render_plain(site, rendering, defaults), "", *_render_secure(site, rendering, defaults)]
    return "\n".join(lines) + "\n"


def write_name(name: str) -> str:
    """Returns a name or an address as server_name has it."""
    return f"[{name}]" if ":" in name else name


def has_location(site: Site, path: str) -> bool:
    """Tells whether a location for exactly this path is among the site's own lines."""
    given = parse_directives("\n".join(site.directives))
    return any(one.words == ("location", path) for one in given)


def _all_backends(site: Site) -> Sequence[Tuple[Tuple[str, ...], str]]:
    return [(site.backends, "/"), *((location.backends, location.path) for location in site.locations)]


def _upstream(site: Site, number: int) -> str:
    """A digit and a dash first: no site and location make the name of another's."""
    return f"port443-{number}-{site.name}"


def _render_upstream(name: str, backends: Sequence[str]) -> List[str]:
    """One that fails three times in ten seconds is left out for as long; nginx asks none unasked."""
    check = " max_fails=3 fail_timeout=10s" if len(backends) > 1 else ""
    servers = [f"server {split_backend(url)[1]}{check};" for url in backends]
    return [f"upstream {name} {{", *indent([*servers, "keepalive 16;"]), "}"]


def _render_plain(site: Site, rendering: Rendering, defaults: FrozenSet[Socket]) -> List[str]:
    settings = rendering.settings
    head = [*render_listens(rendering, False, defaults), _server_name(site), "server_tokens off;"]
    challenges = render_challenges(settings, open_to_all=bool(site.users_file) and not site.redirect)
    if site.redirect:
        port = "" if settings.port == 443 else f":{settings.port}"
        target = f"return 301 https://$host{port}$request_uri;"
        return render_server(head, challenges, ["location / {", *indent([target]), "}"])
    body = _render_content(site, rendering, settings.http_port, False)
    return render_server([*head, *render_real_address(settings)], _users(site), challenges, *body)


def _render_secure(site: Site, rendering: Rendering, defaults: FrozenSet[Socket]) -> List[str]:
    settings = rendering.settings
    given = _given(parse_directives("\n".join(site.directives)))
    head = [*render_listens(rendering, True, defaults), *render_quic(rendering, defaults, frozenset())]
    pair = [f"ssl_certificate {quote(site.certificate)};", f"ssl_certificate_key {quote(site.key)};"]
    clients = []
    if site.client_verification != "none":
        verify = "on" if site.client_verification == "required" else "optional"
        clients = [f"ssl_client_certificate {quote(site.client_ca)};", f"ssl_verify_client {verify};"]
    named = [*head, _server_name(site), *_without_given(["server_tokens off;"], given), *render_real_address(settings)]
    return render_server(
        named,
        _without_given([*pair, *clients, *render_tls(rendering)], given),
        _without_given([*_answer_headers(site, rendering), *_hidden_headers(site)], given),
        _without_given(_users(site), given),
        site.directives,
        *_render_content(site, rendering, settings.port, True),
    )


def _server_name(site: Site) -> str:
    return f"server_name {' '.join(map(write_name, site.names))};"


def _users(site: Site) -> List[str]:
    return ["auth_basic Restricted;", f"auth_basic_user_file {quote(site.users_file)};"] if site.users_file else []


def _answer_headers(site: Site, rendering: Rendering) -> List[str]:
    lines = []
    if rendering.settings.http3:
        lines.append(f"add_header Alt-Svc 'h3=\":{rendering.settings.port}\"; ma=86400' always;")
    if site.hsts_max_age > 0:
        lines.append(f'add_header Strict-Transport-Security "max-age={site.hsts_max_age}" always;')
    if site.security_headers:
        lines += [f"add_header {name} {value} always;" for name, value in SECURITY_HEADERS]
    return lines


def _hidden_headers(site: Site) -> List[str]:
    """An application may send them too, and a browser that gets two of a kind may heed neither."""
    names = ["Strict-Transport-Security"] if site.hsts_max_age > 0 else []
    names += [name for name, _value in SECURITY_HEADERS] if site.security_headers else []
    kinds = [kind for kind in ("proxy", "fastcgi") if (_has_backends(site) if kind == "proxy" else _has_php(site))]
    return [f"{kind}_hide_header {name};" for kind in kinds for name in names]


def _has_backends(site: Site) -> bool:
    return any(backends for backends, _path in _all_backends(site))


def _has_php(site: Site) -> bool:
    return any(location.php for location in site.locations)


def _host(port: int, secure: bool) -> str:
    return "$host" if port == (443 if secure else 80) else f"$host:{port}"


def _forwarded(port: int, secure: bool) -> List[Tuple[str, str]]:
    """What an application is told of the visitor, in place of whatever the visitor says; no value is no header."""
    return [
        ("X-Real-IP", "$remote_addr"),
        ("X-Forwarded-For", "$remote_addr"),
        ("X-Forwarded-Host", _host(port, secure)),
        ("X-Forwarded-Proto", "$port443_scheme"),
        ("X-Forwarded-Port", '""'),
        ("Forwarded", '""'),
    ]


def _proxy_headers(site: Site, port: int, secure: bool) -> List[str]:
    """In the location, so that those which a user writes are as they say.

    A location with headers of its own has none of the server's, so what a user sets for the whole site is here too.
    """
    own = [one.words for one in parse_directives("\n".join(site.directives)) if one.words[0] == "proxy_set_header"]
    headers = [
        ("Host", _host(port, secure)),
        *_forwarded(port, secure),
        ("Upgrade", "$port443_upgrade"),
        ("Connection", "$port443_connection"),
        ("Proxy", '""'),
    ]
    lines = ["proxy_http_version 1.1;", *(f"proxy_set_header {name} {value};" for name, value in headers)]
    if not secure:
        return lines
    given = {_key(words) for words in own}
    return [*_without_given(lines, given), *(" ".join(map(quote_expanded, words)) + ";" for words in own)]


def _render_content(site: Site, rendering: Rendering, port: int, secure: bool) -> List[List[str]]:
    parts = [[f"root {quote(site.root or rendering.root)};"]] if not site.backends else []
    if secure and ("root",) in _given(parse_directives("\n".join(site.directives))):
        parts = []
    for number, location in enumerate(site.locations, 1):
        parts.append(_render_location(site, location, number, rendering, port, secure))
    if any(location.path == "/" for location in site.locations) or (secure and has_location(site, "/")):
        return parts
    answer = ["try_files $uri $uri/ =404;"]
    if site.backends:
        answer = _render_backends(site, 0, site.backends, rendering, port, secure)
    return [*parts, ["location / {", *indent(answer), "}"]]


def _render_location(
    site: Site, location: Location, number: int, rendering: Rendering, port: int, secure: bool
) -> List[str]:
    if location.backends:
        lines = _render_backends(site, number, location.backends, rendering, port, secure)
    elif location.root:
        lines = [f"root {quote(location.root)};", "try_files $uri $uri/ =404;"]
    elif location.php:
        lines = _render_php(location, port, secure)
    elif location.redirect_to:
        lines = [f"return {location.redirect_code} {quote(location.redirect_to)};"]
    else:
        # With an add_header of its own a location has none of the server's.
        own = parse_directives("\n".join(location.directives))
        repeats = secure and any(one.words[0] == "add_header" for one in own)
        headers = _without_given(_answer_headers(site, rendering), _given(own)) if repeats else []
        lines = [*headers, *location.directives]
    return [f"location {quote(location.path)} {{", *indent(lines), "}"]


def _render_backends(
    site: Site, number: int, backends: Sequence[str], rendering: Rendering, port: int, secure: bool
) -> List[str]:
    scheme, _host_and_port, path = split_backend(backends[0])
    target = quote(f"{scheme}://{_upstream(site, number)}{path}")
    lines = [f"proxy_pass {target};", *_proxy_headers(site, port, secure)]
    if scheme == "http":
        return lines
    names = {split_backend(url)[1].rpartition(":")[0] for url in backends}
    if len(names) == 1 and not is_address(next(iter(names))):
        lines += ["proxy_ssl_server_name on;", f"proxy_ssl_name {next(iter(names))};"]
    if site.verify_backend:
        lines += [
            "proxy_ssl_verify on;",
            "proxy_ssl_verify_depth 5;",
            f"proxy_ssl_trusted_certificate {quote(site.backend_ca or rendering.system_ca)};",
        ]
    return [*lines, "proxy_ssl_protocols TLSv1.2 TLSv1.3;"]


def _render_php(location: Location, port: int, secure: bool) -> List[str]:
    """PHP is handed files that are there alone: of ``/a.jpg/x.php`` it would make ``a.jpg`` a program."""
    path = location.path.rstrip("/")
    passed = f"unix:{location.php}" if location.php.startswith("/") else location.php
    headers = [(f"HTTP_{name.upper().replace('-', '_')}", value) for name, value in _forwarded(port, secure)]
    program = [
        "try_files $uri =404;",
        "include fastcgi_params;",
        "fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;",
        "fastcgi_param HTTPS $port443_https if_not_empty;",
        *(f"fastcgi_param {name} {value};" for name, value in headers),
        'fastcgi_param HTTP_PROXY "";',
        f"fastcgi_pass {quote(passed)};",
    ]
    return [
        "index index.php index.html;",
        f"try_files $uri $uri/ {quote(path + '/index.php$is_args$args')};",
        "location ~ \\.php$ {",
        *indent(program),
        "}",
    ]


def _given(directives: Sequence[Directive]) -> Set[Tuple[str, ...]]:
    """What a user says himself: names of directives, with the header's name where there is one for each."""
    return {_key(one.words) for one in directives if one.words[0] not in _SEVERAL}


def _key(words: Sequence[str]) -> Tuple[str, ...]:
    return (words[0], words[1].lower()) if words[0] in _BY_NAME and len(words) > 1 else (words[0],)


def _without_given(lines: Sequence[str], given: Set[Tuple[str, ...]]) -> List[str]:
    return [line for line in lines if _key(line.rstrip(";").split()) not in given]
