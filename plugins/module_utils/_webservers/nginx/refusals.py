# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates sites for nginx: refuses values that its language cannot hold, or would read as something else."""

from __future__ import annotations

import re
from typing import Iterator, Sequence, Set, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.reader import parse_directives
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.render_words import split_backend
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from ansible_collections.port443.https.plugins.module_utils._webservers.values import (
    REDIRECT_CODES,
    is_network,
    tell_no_checks,
)

CHALLENGES = "/.well-known/acme-challenge/"
# A word has to fit into nginx' buffer (NGX_CONF_BUFFER, 4096 bytes), and into a path of the system's.
_LONGEST = 1000
_LONGEST_SOCKET = 107  # sun_path of unix(7), with the zero at its end
_SITE_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,200}\Z")
_HOST = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")
_BACKEND = re.compile(r"https?://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]{1,253})(?::([0-9]{1,5}))?(/[!-~]*)?\Z")
_PHP = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]{1,253}):([0-9]{1,5})\Z")
_TARGET = re.compile(r"(https?://|/)[!-~]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def show(value: str) -> str:
    """Returns a value for a message; what may be a key that was given in place of a path is not shown."""
    if "\n" in value or "\r" in value or "-----BEGIN" in value:
        return "(not shown, it may be a secret)"
    return repr(value if len(value) <= 100 else value[:100] + "...")


def check_sites(sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
    """Returns what nginx cannot hold of sites and settings, one sentence each, with what would work."""
    told = [*_check_settings(settings)]
    defaults = [site.name for site in sites if site.default_server]
    if len(defaults) > 1:
        told.append(f"one site can be the default server, not several ({', '.join(defaults)}): keep one default_server")
    for site in sites:
        told += [f"site {show(site.name)}: {one}" for one in _check_site(site, settings)]
    return tuple(told)


def _check_settings(settings: ServerSettings) -> Iterator[str]:
    yield from _check_path("acme_root", settings.acme_root)
    yield from _check_lines("http_directives", settings.http_directives)
    for network in settings.trusted_proxies:
        if not is_network(network):
            yield f"trusted_proxies {show(network)} is no network: give one such as 192.0.2.0/24 or 2001:db8::/32"
    if settings.proxy_protocol and not settings.trusted_proxies:
        yield "proxy_protocol is believed of nobody: give the balancers' networks as trusted_proxies"


def _check_site(site: Site, settings: ServerSettings) -> Iterator[str]:
    if not _SITE_NAME.match(site.name):
        yield "its name is that of its file: small letters, digits, dot, dash and underscore, not a dash first"
    for name in site.names:
        if not _is_host(name):
            yield f"names {show(name)} is no host name in ASCII and small letters: *.example.com and addresses are too"
    for option in ("certificate", "key"):
        yield from _check_path(option, getattr(site, option))
    for option in ("root", "backend_ca", "client_ca", "users_file"):
        if getattr(site, option):
            yield from _check_path(option, getattr(site, option))
    yield from _check_backends("backends", site.backends, site.verify_backend)
    yield from _check_lines("directives", site.directives)
    if site.health_path:
        yield tell_no_checks("nginx")
    if site.root and site.backends:
        yield "it has a root, whose files are served, and backends, where requests go: leave one of them out"
    if site.client_verification != "none" and not site.client_ca:
        yield "client_verification needs a client_ca to verify with: give its file"
    if site.client_verification == "required" and not site.redirect:
        yield "without redirect plain HTTP serves the same to visitors without a client certificate: leave redirect on"
    for number, location in enumerate(site.locations):
        if any(location.path == other.path for other in site.locations[:number]):
            yield f"locations {show(location.path)} is there twice: give each path once"
        for one in _check_location(location, site):
            yield f"locations {show(location.path)}: {one}"


def _check_location(location: Location, site: Site) -> Iterator[str]:
    if not location.path.startswith("/") or _CONTROL.search(location.path) or not _fits(location.path):
        yield f"path begins with a slash, has no control characters and {_LONGEST} bytes at most"
    if location.path == CHALLENGES:
        yield "path is where a certificate authority looks for its proof: take another"
    answers = ("backends", "root", "php", "redirect_to", "directives")
    given = [option for option in answers if getattr(location, option)]
    if len(given) != 1:
        yield f"it has exactly one of {', '.join(answers)}, not {' and '.join(given) or 'none of them'}"
    yield from _check_backends("backends", location.backends, site.verify_backend)
    yield from _check_lines("directives", location.directives)
    if location.root:
        yield from _check_path("root", location.root)
    if location.php:
        yield from _check_php(location)
    target = location.redirect_to
    if target and (not _TARGET.match(target) or "$" in target or not _fits(target)):
        yield (
            f"redirect_to {show(target)} is no absolute URL or path of {_LONGEST} bytes at most in ASCII without "
            "spaces and $, in which nginx would see a variable: encode them as %20 and %24, or give 'return' as "
            "directives"
        )
    if location.redirect_code not in REDIRECT_CODES:
        yield f"redirect_code {location.redirect_code} is none of {', '.join(map(str, REDIRECT_CODES))}"


def _check_php(location: Location) -> Iterator[str]:
    if "$" in location.path:
        yield "path holds $, in which nginx would see a variable where php is asked: take a path without it"
    if location.php.startswith("/"):
        yield from _check_path("php", location.php)
        if ":" in location.php or len(location.php.encode("utf-8", "replace")) > _LONGEST_SOCKET:
            yield f"php {show(location.php)} is no socket of {_LONGEST_SOCKET} bytes at most and without a colon"
        return
    found = _PHP.match(location.php)
    if not found or not _is_port(found.group(2)) or not _is_url_host(found.group(1)):
        yield f"php {show(location.php)} is no socket's path or host:port: give /run/php/php-fpm.sock or 127.0.0.1:9000"


def _check_path(option: str, path: str) -> Iterator[str]:
    if not path.startswith("/") or _CONTROL.search(path) or not _fits(path):
        yield (
            f"{option} {show(path)} is no path that nginx can hold: it begins with a slash, has no control characters "
            f"and {_LONGEST} bytes at most"
        )
    elif "$" in path:
        yield f"{option} {show(path)} holds $, in which nginx would see a variable: take a path without it"


def _check_backends(option: str, backends: Sequence[str], verify: bool) -> Iterator[str]:
    for url in backends:
        found = _BACKEND.match(url)
        well = found and _is_port(found.group(2) or "80") and _is_url_host(found.group(1)) and _fits(url)
        if not well or any(sign in url for sign in "$?#"):
            yield (
                f"{option} {show(url)} is no address of an application: give one such as http://127.0.0.1:8080, its "
                "path without spaces, ?, # and $"
            )
            return
    parts = [split_backend(url) for url in backends]
    if len({(scheme, path) for scheme, _host, path in parts}) > 1:
        yield f"{option} share the requests of one place: give all of them the same scheme and the same path"
    elif parts and parts[0][0] == "https":
        yield from _check_verification(option, {host.rpartition(":")[0] for _scheme, host, _path in parts}, verify)


def _check_verification(option: str, hosts: Set[str], verify: bool) -> Iterator[str]:
    addresses = {host for host in hosts if is_address(host)}
    if len(hosts) > 1 and (verify or hosts - addresses):
        yield f"{option}: nginx asks all HTTPS backends of a place for one name: give one host name with several ports"
    elif verify and addresses:
        yield f"{option}: nginx verifies no certificate of an address: give a host name, or set verify_backend false"


def _check_lines(option: str, lines: Sequence[str]) -> Iterator[str]:
    """They are nginx' own language, so that all they can be is whole: none ends the block that they stand in."""
    text = "\n".join(lines)
    try:
        text.encode()
        parse_directives(text)
    except (HostError, UnicodeEncodeError) as problem:
        why = problem.message if isinstance(problem, HostError) else "they are not UTF-8"
        yield f"{option} are no whole directives of nginx ({why}): end each with ';' and close each brace and quote"
    else:
        if "\0" in text:
            yield f"{option} hold a NUL, at which nginx would stop reading"


def _fits(value: str) -> bool:
    try:
        return len(value.encode()) <= _LONGEST
    except UnicodeEncodeError:
        return False


def _is_host(name: str) -> bool:
    return (len(name) <= 253 and bool(_HOST.match(name))) or (
        ":" in name and not name.startswith("[") and is_address(name)
    )


def _is_url_host(host: str) -> bool:
    return not host.startswith("[") or is_address(host)


def _is_port(text: str) -> bool:
    return 1 <= int(text) <= 65535
