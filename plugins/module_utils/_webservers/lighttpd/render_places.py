# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders what answers the paths of a site, for lighttpd: applications, folders, php-fpm, redirects, challenges."""

from __future__ import annotations

import re
from typing import List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.grammar import quote
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.regex import escape
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Location, Site

ACME = "/.well-known/acme-challenge/"
_INDENT = "    "


def split_backend(url: str) -> Tuple[str, int, str]:
    """Returns host, port and path, empty for none, of a backend's URL; raises ValueError for one without."""
    found = re.fullmatch(r"http://(\[[^]]*\]|[^/:\[]+)(?::([0-9]{1,5}))?(/.*)?", url)
    if found is None:
        raise ValueError(url)
    return found.group(1).strip("[]"), int(found.group(2) or 80), found.group(3) or ""


def find_modules(site: Site) -> Tuple[str, ...]:
    """Returns the modules that hand requests on for a site."""
    modules = ["mod_proxy"] if site.backends or any(one.backends for one in site.locations) else []
    modules += ["mod_fastcgi"] if any(one.php for one in site.locations) else []
    return tuple(modules)


def render_content(site: Site, first: Sequence[Tuple[str, Sequence[str]]] = ()) -> List[str]:
    """Returns what answers the paths of a site; ``first`` are conditions, with their lines, that come before all.

    Of conditions that hold lighttpd applies all, and the last one wins: each of ours is an ``else`` of the one before.
    """
    ordered = sorted(site.locations, key=lambda one: (-len(one.path), one.path))
    branches = [*first, *((write_path(one.path), _render_location(one)) for one in ordered if one.path != "/")]
    own = next((_render_location(one) for one in ordered if one.path == "/"), None)
    if own is None:
        own = _render_backends("/", site.backends) if site.backends else []
    if not branches:
        return own
    lines: List[str] = []
    for number, (condition, inner) in enumerate(branches):
        lines += render_block(f"{'else ' if number else ''}{condition}", inner)
    return [*lines, *(render_block("else", own) if own else [])]


def write_path(path: str) -> str:
    """Returns the condition that a request's path, decoded, begins with this one."""
    return f'$HTTP["url"] =~ {quote("^" + escape(path))}'


def render_challenges(acme_root: str, users: bool) -> Tuple[str, List[str]]:
    """Returns the condition and the lines that answer a CA that looks for the proof that a name is ours."""
    lines = [f"server.document-root = {quote(acme_root)}", 'mimetype.assign = ("" => "text/plain")']
    return write_path(ACME), [*lines, *(["auth.require = ()"] if users else [])]


def render_block(head: str, lines: Sequence[str]) -> List[str]:
    """Returns a block of lines."""
    return [f"{head} {{", *indent(lines), "}"] if lines else [f"{head} {{ }}"]


def indent(lines: Sequence[str]) -> List[str]:
    """Returns the lines one step further in."""
    return [_INDENT + line if line else "" for line in lines]


def _render_location(location: Location) -> List[str]:
    if location.backends:
        return _render_backends(location.path, location.backends)
    if location.root:
        return [f"server.document-root = {quote(location.root)}"]
    if location.php:
        return _render_php(location.php)
    if location.redirect_to:
        # In a target both signs stand before what is filled in; doubled they mean themselves.
        target = re.sub(r"[$%]", lambda found: found.group() * 2, location.redirect_to)
        return [f'url.redirect = ("" => {quote(target)})', f"url.redirect-code = {location.redirect_code}"]
    return list(location.directives)


def _render_backends(path: str, backends: Sequence[str]) -> List[str]:
    """A backend's own path stands in place of the location's."""
    split = [split_backend(url) for url in backends]
    hosts = ", ".join(f'("host" => {quote(host)}, "port" => {port})' for host, port, _path in split)
    header = ['"upgrade" => "enable"']
    own = split[0][2].rstrip("/")
    if split[0][2]:
        end = "/" if path.endswith("/") else ""
        header.append(f'"map-urlpath" => ({quote(path)} => {quote(own + end)})')
    balance = ['proxy.balance = "round-robin"'] if len(backends) > 1 else []  # else it is the one that has least to do
    return [f'proxy.server = ("" => ({hosts}))', *balance, f"proxy.header = ({', '.join(header)})"]


def _render_php(php: str) -> List[str]:
    """A script is run if it is a file, so that no upload becomes a program by what is appended to its path."""
    if php.startswith("/"):
        where = f'"socket" => {quote(php)}'
    else:
        host, _colon, port = php.rpartition(":")
        where = f'"host" => {quote(host.strip("[]"))}, "port" => {port}'
    return [
        'index-file.names = ("index.php", "index.html")',
        'static-file.exclude-extensions = (".php")',
        f'fastcgi.server = (".php" => (({where})))',
    ]
