# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates sites for lighttpd: refuses values beyond its strings, and options that it has nothing for.

Values that may be secrets are not repeated.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import (
    find_unquotable,
    parse,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_existing import (
    find_overlaps,
    know,
    tell_clients,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_places import (
    ACME,
    split_backend,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.render_site import keeps_scheme
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    Location,
    ServerSettings,
    Site,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.values import (
    REDIRECT_CODES,
    SITE_NAME,
    TARGET,
    find_doubles,
    is_network,
    show_value,
    tell_no_checks,
)

# The oldest in which all of this was read in its source; ssl.privkey, HTTP/2 and the PROXY protocol came before.
OLDEST = (1, 4, 59)

_NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_BACKEND = re.compile(r"http://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?")
# What a request's path is compared with is decoded, and what is sent on in the place of it is not.
_SENT_ON = re.compile(r"/[A-Za-z0-9._~/-]*")
_PHP = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")


def find_complaints(sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
    """Returns what no lighttpd can hold or do, one sentence each."""
    found: List[str] = list(_judge_settings(settings))
    for number, site in enumerate(sites):
        found += [f"site {tell(site.name)}: {problem}" for problem in _judge_site(site, settings)]
        for other in sites[:number]:
            found += [
                f"site {tell(site.name)}: names: {tell(name)} stands for names of {tell(other.name)} as well, and "
                "lighttpd would mix the two: put these names into one site"
                for name in find_overlaps(site.names, other.names)
            ]
    found += tell_clients([know(site, settings) for site in sites])
    defaults = [site.name for site in sites if site.default_server]
    if len(defaults) > 1:
        found.append(f"{', '.join(defaults)}: one site can be the default_server, leave it out of the others")
    return tuple(found)


def find_limits(sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
    """Returns what this build cannot do, one sentence each; the modules are its features, where these are known."""
    if build.release < OLDEST:
        return (f"{build.said}: sites need lighttpd {'.'.join(map(str, OLDEST))} or newer",)
    needs = [
        ("mod_openssl", True, "HTTPS", "install the package that has it, on Debian lighttpd-mod-openssl"),
        ("mod_authn_file", any(site.users_file for site in sites), "users_file", "install the package that has it"),
        ("mod_extforward", bool(settings.trusted_proxies), "trusted_proxies", "install the package that has it"),
    ]
    return tuple(
        f"the lighttpd of this host has no {module}, which {what} needs: {remedy}"
        for module, needed, what, remedy in needs
        if needed and build.features and module not in build.features
    )


def tell(value: str) -> str:
    """Returns a value for a message, unless it may be a secret that came by mistake."""
    return show_value(value, 100)


def _judge_settings(settings: ServerSettings) -> Iterator[str]:
    if settings.http3:
        yield "http3: lighttpd has no HTTP/3; leave it out, or take nginx or HAProxy"
    yield from _judge_path("acme_root", settings.acme_root)
    for network in settings.trusted_proxies:
        if not _is_network(network):
            yield f"trusted_proxies: {tell(network)} is no network such as 10.0.0.0/8"
    if settings.proxy_protocol and not settings.trusted_proxies:
        yield "proxy_protocol is believed of nobody: give the balancers' networks as trusted_proxies"
    yield from _judge_lines("http_directives", settings.http_directives)


def _judge_site(site: Site, settings: ServerSettings) -> Iterator[str]:
    if not SITE_NAME.fullmatch(site.name):
        yield "name: it is that of its file, of small letters, digits, dot, dash and underscore"
    for name in site.names:
        if not _NAME.fullmatch(name) and not (":" in name and not name.startswith("[") and is_address(name)):
            yield f"names: {tell(name)} is no host name such as www.example.com or *.example.com, and no address"
    for option in ("certificate", "key"):
        yield from _judge_path(option, getattr(site, option))
    for option in ("client_ca", "users_file", "root"):
        if getattr(site, option):
            yield from _judge_path(option, getattr(site, option))
    if site.health_path:
        yield tell_no_checks("lighttpd")
    if site.root and site.backends:
        yield "it has a root, whose files are served, and backends, where requests go: leave one of them out"
    yield from _judge_clients(site)
    yield from _judge_backends("proxy_pass", "/", site.backends)
    if keeps_scheme(settings) and (site.backends or any(one.backends for one in site.locations)):
        yield (
            "proxy_pass with trusted_proxies: lighttpd cannot tell an application which visitor a balancer names in "
            "X-Forwarded-For without what the visitor himself wrote there: have the balancer send the PROXY protocol "
            "(proxy_protocol), or take nginx, Apache or HAProxy"
        )
    yield from _judge_lines("directives", site.directives)
    for path in sorted(find_doubles(location.path for location in site.locations)):
        yield f"locations: {tell(path)} is there more than once; one location answers a path"
    for location in site.locations:
        for problem in _judge_location(location):
            yield f"location {tell(location.path)}: {problem}"


def _judge_clients(site: Site) -> Iterator[str]:
    if site.client_verification != "none" and not site.client_ca:
        yield f"client_verification {site.client_verification} needs client_ca, a file with the CA of the clients"
    if site.client_verification != "required":
        return
    if site.users_file:
        yield "client_verification required with users_file: lighttpd lets in by one of them alone; leave one out"
    if not site.redirect:
        yield "client_verification required with redirect: false would serve everybody over plain HTTP; leave one out"
    if any(map(is_address, site.names)):
        yield "client_ca with an address among names: clients give no name for it in TLS; leave the address out"
    if site.default_server:
        yield "client_ca with default_server: clients without a name are not asked for a certificate; leave one out"


def _judge_location(location: Location) -> Iterator[str]:
    problem = find_unquotable(location.path)
    if not location.path.startswith("/") or problem:
        yield f"path: it has to begin with a slash{', and has ' + problem if problem else ''}"
    elif location.path.startswith(ACME):
        yield f"path: {ACME} is for certificate authorities; choose another one"
    yield from _judge_backends("proxy_pass", location.path, location.backends)
    if location.root:
        yield from _judge_path("root", location.root)
    if location.php.startswith("/"):
        yield from _judge_path("php", location.php)
    elif location.php and not _is_port((_PHP.fullmatch(location.php) or ("", ""))[1]):
        yield f"php: {tell(location.php)} is neither a socket's path such as /run/php/php-fpm.sock nor host:port"
    if location.redirect_to and not TARGET.fullmatch(location.redirect_to):
        yield (
            f"redirect_to: {tell(location.redirect_to)} is neither a path nor an http:// or https:// address; spaces, "
            "quotes, backslashes and letters beyond ASCII have to be percent-encoded"
        )
    if location.redirect_code not in REDIRECT_CODES:
        yield f"redirect_code: {location.redirect_code} is none of {', '.join(map(str, REDIRECT_CODES))}"
    yield from _judge_lines("directives", location.directives)


def _judge_backends(option: str, path: str, backends: Sequence[str]) -> Iterator[str]:
    for url in backends:
        host = url.partition("://")[2].partition("/")[0]
        if "@" in host:
            yield f"{option}: an address with a user and password is not taken (not shown); use directives for a header"
        elif url.startswith("https://"):
            yield (
                f"{option}: lighttpd speaks no TLS to applications, as in {tell(url)}: give an http:// address, or "
                "take nginx, Apache or HAProxy"
            )
        elif not _is_backend(url):
            yield f"{option}: {tell(url)} is no address such as http://127.0.0.1:8080 or http://app.example.com/path"
    if len({url.partition("://")[2].partition("/")[2].rstrip("/") for url in backends}) > 1:
        yield f"{option}: several backends that share requests have the same path, or none"
    elif any(url.partition("://")[2].partition("/")[1] for url in backends) and not _SENT_ON.fullmatch(path):
        yield (
            f"{option}: an application with a path of its own goes with a path of letters, digits and ._~- alone, not "
            f"with {tell(path)}"
        )


def _is_backend(url: str) -> bool:
    if not _BACKEND.fullmatch(url):
        return False
    host, port, _path = split_backend(url)
    return _is_port(str(port)) and (":" not in host or is_address(host))


def _is_port(text: str) -> bool:
    return text.isdigit() and 1 <= int(text) <= 65535


def _is_network(text: str) -> bool:
    """Of everybody lighttpd makes no network: it refuses a mask of no bits."""
    return is_network(text) and ipaddress.ip_network(text, strict=False).prefixlen > 0


def _judge_path(option: str, path: str) -> Iterator[str]:
    problem = find_unquotable(path)
    if not path.startswith("/"):
        yield f"{option}: {tell(path)} is no absolute path"
    elif problem:
        yield f"{option}: {tell(path)} has {problem}; rename the file or folder, or link to it"


def _judge_lines(option: str, lines: Sequence[str]) -> Iterator[str]:
    """They are lighttpd's own language, so that all they can be is whole: none ends the block that they stand in."""
    text = "\n".join(lines)
    try:
        text.encode("utf-8")
        parse(text, "")
    except UnicodeEncodeError:
        yield f"{option}: the lines have bytes that are no UTF-8"
    except HostError as problem:
        yield f"{option}: lighttpd cannot read them, {problem.message.partition('cannot be read, ')[2]}"
