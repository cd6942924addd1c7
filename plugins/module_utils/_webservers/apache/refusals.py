# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Validates sites for Apache: refuses values beyond its grammar, and options that it has no directive for.

What a value means to Apache beyond its grammar (a variable, a pattern, a part of an address) is refused as well, so
that a file of ours says what the option says. Values that may be secrets are not repeated.
"""

from __future__ import annotations

import re
from typing import Iterator, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import find_unquotable
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.render_places import ACME
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
    show_value,
)

_NAME = re.compile(r"(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*|[0-9a-f]*:[0-9a-f.]*:[0-9a-f:.]*", re.ASCII)
_BACKEND = re.compile(
    r"https?://(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~!'()*,;:@+=/-]*)?"
)
_PATH = re.compile(r"/[A-Za-z0-9._~!'()*,;:@+=/-]*")
_PHP = re.compile(r"/[A-Za-z0-9._+@/-]+|(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):[0-9]{1,5}")
_NETWORK = re.compile(r"[0-9A-Fa-f:.]+(?:/[0-9]{1,3})?")


def find_complaints(sites: Sequence[Site], settings: ServerSettings) -> Tuple[str, ...]:
    """Returns what no Apache can hold or do, one sentence each."""
    found: List[str] = list(_judge_settings(settings))
    for site in sites:
        found += [f"site {show_value(site.name)}: {problem}" for problem in _judge_site(site)]
    defaults = [site.name for site in sites if site.default_server]
    if len(defaults) > 1:
        found.append(f"{', '.join(defaults)}: one site of a port can be the default_server, leave it out of the others")
    return tuple(found)


def find_limits(sites: Sequence[Site], settings: ServerSettings, build: Build) -> Tuple[str, ...]:
    """Returns what a release of Apache cannot do, one sentence each; nothing of one that is not known."""
    told = f"Apache {'.'.join(map(str, build.release))}"
    needs = [
        (settings.http2, (2, 4, 17), "http2", "leave it out"),
        (settings.proxy_protocol, (2, 4, 31), "proxy_protocol", "have the balancer send X-Forwarded-For instead"),
        (settings.profile == "modern", (2, 4, 36), "the profile modern (TLS 1.3)", "take intermediate"),
        (settings.profile == "intermediate", (2, 4, 36), "TLS 1.3, which each profile has", "take nginx"),
    ]
    return tuple(
        f"{told} cannot do {what}, which came with {'.'.join(map(str, since))}: {instead}, or update Apache"
        for wanted, since, what, instead in needs
        if wanted and build.release and build.release < since
    )


def _judge_settings(settings: ServerSettings) -> Iterator[str]:
    if settings.http3:
        yield "http3: Apache has no HTTP/3; leave it out, or take nginx or HAProxy"
    yield from _judge_path("acme_root", settings.acme_root, pattern=True)
    for network in settings.trusted_proxies:
        if not _NETWORK.fullmatch(network):
            yield f"trusted_proxies: {show_value(network)} is no network such as 10.0.0.0/8"
    yield from _judge_lines("http_directives", settings.http_directives)


def _judge_site(site: Site) -> Iterator[str]:
    if not SITE_NAME.fullmatch(site.name):
        yield f"name: {show_value(site.name)} is no name of small letters, digits, dot, dash and underscore"
    for name in site.names:
        if not _NAME.fullmatch(name):
            yield f"names: {show_value(name)} is no host name such as www.example.com or *.example.com, and no address"
    for option in ("certificate", "key"):
        yield from _judge_path(option, getattr(site, option))
    for option in ("backend_ca", "client_ca", "users_file", "root"):
        if getattr(site, option):
            yield from _judge_path(option, getattr(site, option), pattern=option == "root")
    yield from _judge_backends("backends", site.backends)
    if site.health_path and not _PATH.fullmatch(site.health_path):
        yield f"health_path: {show_value(site.health_path)} is no path such as /health, of letters of an address"
    if site.client_verification != "none" and not site.client_ca:
        yield f"client_verification {site.client_verification} needs client_ca, a file with the CA of the clients"
    yield from _judge_lines("directives", site.directives)
    for path in sorted(find_doubles(location.path for location in site.locations)):
        yield f"locations: {show_value(path)} is there more than once; one location answers a path"
    for location in site.locations:
        for problem in _judge_location(location):
            yield f"location {show_value(location.path)}: {problem}"


def _judge_location(location: Location) -> Iterator[str]:
    if not _PATH.fullmatch(location.path):
        yield "path: it has to begin with a slash, and hold letters, digits and ._~!'()*,;:@+=- alone"
    elif (ACME.startswith(location.path) and len(location.path) > 1) or location.path.startswith(ACME):
        yield f"path: {ACME} is for certificate authorities; choose another one"
    yield from _judge_backends("backends", location.backends)
    if location.root:
        yield from _judge_path("root", location.root, pattern=True)
    if location.php and not _PHP.fullmatch(location.php):
        yield f"php: {show_value(location.php)} is neither a socket's path such as /run/php/php-fpm.sock nor host:port"
    if location.redirect_to and not TARGET.fullmatch(location.redirect_to):
        yield (
            f"redirect_to: {show_value(location.redirect_to)} is neither a path nor an http:// or https:// address; "
            "spaces, quotes, backslashes and letters beyond ASCII have to be percent-encoded"
        )
    elif "${" in location.redirect_to:
        shown = show_value(location.redirect_to)
        yield f"redirect_to: {shown} has '${{', which Apache takes for a variable; write %24{{"
    if location.redirect_code not in REDIRECT_CODES:
        yield f"redirect_code: {location.redirect_code} is none of {', '.join(map(str, REDIRECT_CODES))}"
    yield from _judge_lines("directives", location.directives)


def _judge_backends(option: str, backends: Sequence[str]) -> Iterator[str]:
    for url in backends:
        if "@" in url.partition("://")[2].partition("/")[0]:
            yield f"{option}: an address with a user and password is not taken (not shown); use directives for a header"
        elif not _BACKEND.fullmatch(url):
            yield f"{option}: {show_value(url)} is no address such as http://127.0.0.1:8080 or https://app.example.com/path"
    if len({url.partition("://")[2].partition("/")[2].rstrip("/") for url in backends}) > 1:
        yield f"{option}: several backends that share requests have the same path, or none"
    if len({url.partition("://")[0] for url in backends}) > 1:
        yield f"{option}: several backends that share requests are all http:// or all https://"


def _judge_path(option: str, path: str, pattern: bool = False) -> Iterator[str]:
    """``pattern`` is for directives that read wildcards in a path."""
    problem = find_unquotable(path)
    if not path.startswith("/"):
        yield f"{option}: {show_value(path)} is no absolute path"
    elif problem:
        yield f"{option}: {show_value(path)} has {problem}; rename the file or folder, or link to it"
    elif pattern and re.search(r"[*?\[\]\\]", path):
        yield f"{option}: {show_value(path)} has a wildcard of Apache's (* ? [ ] or a backslash); link to the folder"


def _judge_lines(option: str, lines: Sequence[str]) -> Iterator[str]:
    """Directives are the one thing that Apache is to read as its own language."""
    if any("\0" in line for line in lines):
        yield f"{option}: a line has a NUL, which no file of Apache's holds"
