# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates sites for HAProxy: refuses what it cannot do or hold on any host, and says what would work."""

from __future__ import annotations

import ipaddress
import re
from typing import Iterator, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._pki.names import is_address
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.block import BEGIN, END
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.context import (
    BEGIN_LINES,
    END_LINES,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.render_backends import split_backend
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.syntax import (
    SECTIONS,
    UnclosedQuoteError,
    split_line,
)
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, ServerSettings, Site
from ansible_collections.port443.https.plugins.module_utils._webservers.values import REDIRECT_CODES

_SITE_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]*\Z")
_HOST_NAME = re.compile(r"(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\Z")
_LIST_PATH = re.compile(r"/[^\s\[\]#!\"'\\\x00-\x1f\x7f]*\Z")
_TARGET = re.compile(r"(https?://|/)[!-~]*\Z")
_PATH = re.compile(r"/[^\x00-\x1f\x7f]*\Z")
_URI = re.compile(r"/[!-~]*\Z")


def find_complaints(sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
    """Returns what of the sites and the settings HAProxy cannot do or hold, one sentence each."""
    found = [*_check_settings(settings)]
    for site in sites:
        found += [f"site {_show(site.name)}: {complaint}" for complaint in _check_site(site)]
    defaults = [site.name for site in sites if site.default_server]
    if len(defaults) > 1:
        found.append(f"default_server is one site on HAProxy, not {len(defaults)}: {', '.join(map(_show, defaults))}")
    return tuple(found)


def _show(value: str) -> str:
    """A value in a message, unless it may be a secret that went astray."""
    secret = "\n" in value or "\r" in value or "-----BEGIN" in value
    return "(a value with a line end, which is not shown)" if secret else f"{value[:80]!r}"


def _check_settings(settings: ServerSettings) -> Iterator[str]:
    if settings.port == settings.http_port:
        yield f"port and http_port are both {settings.port}: HAProxy needs two"
    if settings.proxy_protocol and not settings.trusted_proxies:
        yield "proxy_protocol needs trusted_proxies: without them anybody could say who the visitor is"
    for network in settings.trusted_proxies:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield f"trusted_proxies: {_show(network)} is no network such as 192.0.2.0/24"
    for line in settings.http_directives:
        yield from _check_line("http_directives", line)


def _check_site(site: Site) -> Iterator[str]:
    if not _SITE_NAME.match(site.name):
        yield "name has to be small letters, digits, '_', '.' and '-', as HAProxy's sections are called after it"
    if not site.names:
        yield "names is empty: HAProxy finds a site by its names"
    for name in site.names:
        if not _HOST_NAME.match(name) and (name.startswith("[") or not is_address(name)):
            yield f"names: {_show(name)} is no host name in small letters, wildcard such as *.example.com or address"
    if site.root:
        yield "root: HAProxy serves no files; give proxy_pass, the application that does, or use nginx or Apache"
    elif not site.backends and not any(location.path == "/" for location in site.locations):
        yield "HAProxy serves no files, so that it needs proxy_pass, or a location / with proxy_pass or redirect"
    if site.users_file:
        yield (
            "users_file: HAProxy reads no file of users; put a userlist into your own part of its configuration and "
            "'http-request auth unless { http_auth(THAT_LIST) }' into directives"
        )
    if site.health_path and not _URI.match(site.health_path):
        yield f"health_path: {_show(site.health_path)} has to begin with / and be ASCII without spaces (use %20)"
    yield from _check_files(site)
    yield from _check_clients(site)
    yield from _check_backends(site, "proxy_pass", site.backends)
    for line in site.directives:
        yield from _check_line("directives", line)
    paths = [location.path for location in site.locations]
    for location in site.locations:
        yield from _check_location(site, location)
        if paths.count(location.path) > 1:
            yield f"locations: {_show(location.path)} is there twice"


def _check_files(site: Site) -> Iterator[str]:
    for option, path in (("certificate_path", site.certificate), ("client_ca", site.client_ca)):
        if (path or option == "certificate_path") and not _LIST_PATH.match(path):
            yield f"{option}: {_show(path)} has to be an absolute path without spaces, quotes, '#', '!', '[' or ']'"
    if site.backend_ca and (not site.backend_ca.startswith("/") or re.search(r"[\x00-\x1f\x7f]", site.backend_ca)):
        yield f"backend_ca: {_show(site.backend_ca)} has to be an absolute path without control characters"


def _check_clients(site: Site) -> Iterator[str]:
    if bool(site.client_ca) != (site.client_verification != "none"):
        yield "client_ca and client_verification belong together: give both or neither"
    if not site.client_ca:
        return
    if site.default_server:
        yield "client_ca with default_server: HAProxy asks for them by the name that clients give; leave one out"
    if any(is_address(name) for name in site.names):
        yield "client_ca with an address among names: clients give no name for it; leave the address out"
    if site.client_verification == "required" and not site.redirect:
        yield "client_ca with redirect: false would serve everybody over plain HTTP; leave out redirect"


def _check_backends(site: Site, option: str, backends: Sequence[str]) -> Iterator[str]:
    for backend in backends:
        try:
            tls, host, port = split_backend(backend)
        except ValueError:
            tls, host, port = False, "", 0
        if not host or not 0 < port < 65536 or (":" in host and not is_address(host)):
            yield f"{option}: {_show(backend)} is not http:// or https:// with a host and a port; HAProxy takes no path"
        elif tls and site.verify_backend and is_address(host):
            yield (
                f"{option}: HAProxy verifies a certificate for a host name alone, not for the address in "
                f"{_show(backend)}: give a host name, or verify_backend: false"
            )
    if len({backend.split(":")[0] for backend in backends}) > 1:
        yield f"{option}: backends are all http:// or all https://"


def _check_location(site: Site, location: Location) -> Iterator[str]:
    where = f"locations: {_show(location.path)}"
    if not _PATH.match(location.path):
        yield f"{where} has to begin with / and be without control characters"
    if location.root or location.php:
        yield f"{where}: HAProxy serves no files and no PHP; give proxy_pass, redirect or directives"
    elif not (location.backends or location.redirect_to or location.directives):
        yield f"{where} needs proxy_pass, redirect or directives"
    if location.redirect_to and not _TARGET.match(location.redirect_to):
        yield f"{where}: redirect {_show(location.redirect_to)} has to be a path or a URL in ASCII, without spaces"
    if location.redirect_to and location.redirect_code not in REDIRECT_CODES:
        yield f"{where}: redirect code {location.redirect_code} is none of {', '.join(map(str, REDIRECT_CODES))}"
    yield from _check_backends(site, where, location.backends)
    for line in location.directives:
        yield from _check_line(where, line)


def _check_line(option: str, line: str) -> Iterator[str]:
    """A user's line has to stay one line of the section that it is put into."""
    shown = f"{option}: {_show(line)}"
    if re.search(r"[\x00\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", line):
        yield f"{shown} has to be one line: give a list with a line each"
        return
    try:
        words = split_line(line)
    except UnclosedQuoteError:
        yield f"{shown} has a quote that does not end in it"
        return
    if line.endswith("\\"):
        yield f"{shown} ends with a backslash, which would join it with the next line"
    if words and words[0] in SECTIONS:
        yield f"{shown} would begin a section: put it into your own part of HAProxy's configuration"
    if line.strip() in (BEGIN, END) or line.strip().startswith((BEGIN_LINES.strip(), END_LINES.strip())):
        yield f"{shown} is a comment that marks what port443.https wrote: write it in other words"
