# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Renders what answers below the paths of a site: applications, folders, php-fpm and redirects, for Apache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._webservers.apache.grammar import escape_pattern, quote
from ansible_collections.port443.https.plugins.module_utils._webservers.site import Build, Location, Site

ACME = "/.well-known/acme-challenge/"
UPGRADES_SINCE = (2, 4, 47)  # mod_proxy_http hands websockets on itself; before that mod_proxy_wstunnel does


@dataclass(frozen=True)
class Places:
    """What a site answers with: its locations, the longest path first, and the one for all other paths at the end."""

    site: Site
    locations: Tuple[Location, ...]
    tunnels: bool
    default_root: str = ""

    def proxied(self) -> Tuple[Location, ...]:
        """Returns the locations that applications answer."""
        return tuple(location for location in self.locations if location.backends)

    def number(self, location: Location) -> int:
        """Returns a number of a location that no other one of the site has."""
        return self.locations.index(location)


def find_places(site: Site, build: Build, default_root: str) -> Places:
    """Returns a site's locations with the one that its own root or backends are, unless ``/`` is given as well."""
    own = Location("/", backends=site.backends) if site.backends else Location("/", root=site.root or default_root)
    given = site.locations if any(one.path == "/" for one in site.locations) else (*site.locations, own)
    ordered = tuple(sorted(given, key=lambda one: (-len(one.path), one.path)))
    return Places(site, ordered, bool(build.release) and build.release < UPGRADES_SINCE, default_root)


def find_modules(places: Places) -> Tuple[str, ...]:
    """Returns the modules that the locations need, without ``mod_``."""
    proxied = places.proxied()
    modules = ["alias"]
    modules += ["proxy", "proxy_http", "headers"] if proxied else []
    modules += ["proxy_wstunnel"] if proxied and places.tunnels else []
    modules += ["slotmem_shm", "proxy_balancer", "lbmethod_byrequests"] if any(map(is_balanced, proxied)) else []
    modules += ["watchdog", "proxy_hcheck"] if any(checks_health(places, one) for one in proxied) else []
    if any(one.php for one in places.locations):
        modules += ["proxy", "proxy_fcgi", "dir"]
    return tuple(modules)


def render_balancers(places: Places) -> List[str]:
    """Returns the groups of backends that share requests; they are outside of virtual hosts, which share them.

    One backend is a group as well, unless it has all paths: what ProxyPassMatch names forgets its options (2.4.71).
    """
    lines: List[str] = []
    for location in filter(is_balanced, places.proxied()):
        lines += _render_balancer(places, location, "http")
        lines += _render_balancer(places, location, "ws") if places.tunnels else []
    return lines


def is_balanced(location: Location) -> bool:
    """Tells whether the backends of a location are a group."""
    return len(location.backends) > 1 or (bool(location.backends) and location.path != "/")


def _render_balancer(places: Places, location: Location, scheme: str) -> List[str]:
    options = "" if places.tunnels else " upgrade=websocket"
    options += " retry=0" if len(location.backends) == 1 else ""  # nobody else would answer meanwhile
    if checks_health(places, location) and scheme == "http":
        options += f" hcmethod=GET hcinterval=10 {quote('hcuri=' + places.site.health_path)}"
    members = [re.sub("^http", scheme, _split_url(url)[0]) for url in location.backends]
    return [
        f"<Proxy {quote(_name_balancer(places, location, scheme))}>",
        *(f"    BalancerMember {quote(member)}{options}" for member in members),
        "</Proxy>",
    ]


def checks_health(places: Places, location: Location) -> bool:
    """Tells whether backends are asked how they are, which matters where another one can stand in."""
    return bool(places.site.health_path) and len(location.backends) > 1


def _name_balancer(places: Places, location: Location, scheme: str) -> str:
    return f"balancer://port443-{places.site.name}-{places.number(location)}" + ("-ws" if scheme == "ws" else "")


def render_rewrites(places: Places) -> List[str]:
    """Returns the redirects, and where there is no other way the websockets; what is served otherwise stops the search.

    mod_rewrite comes before the other modules that give paths a meaning.
    """
    if not any(one.redirect_to for one in places.locations) and not (places.proxied() and places.tunnels):
        return []
    lines = ["RewriteEngine On", f"RewriteRule {quote('^' + escape_pattern(ACME))} - [L]"]
    for location in places.locations:
        pattern = "^" + escape_pattern(location.path)
        if location.redirect_to:
            target = re.sub(r"[\\$%]", lambda found: "\\" + found.group(), location.redirect_to)
            lines.append(f'RewriteRule "{pattern}" "{target}" [R={location.redirect_code},L,NE,QSD]')
            continue
        if location.backends and places.tunnels:
            target = _find_target(places, location, "ws")
            lines += [
                'RewriteCond "%{HTTP:Upgrade}" "=websocket" [NC]',
                f'RewriteRule "(?s){pattern}(.*)$" "{target}$1" [P,L]',
            ]
        lines.append(f'RewriteRule "{pattern}" - [L]')
    return lines


def render_proxying(places: Places) -> List[str]:
    """Returns what hands requests to applications; the first line that fits wins: the longest paths go first."""
    if not places.proxied():
        return []
    lines = [f'ProxyPass {quote(ACME)} "!"']
    for location in places.locations:
        if not location.backends:
            lines.append(f'ProxyPassMatch {quote("^" + escape_pattern(location.path))} "!"')
            continue
        target = _find_target(places, location, "http")
        options = "" if places.tunnels or is_balanced(location) else " upgrade=websocket"
        if location.path == "/":
            lines.append(f'ProxyPass "/" {quote(target)}{options}')
        else:
            pattern = f"(?s)^{escape_pattern(location.path)}(.*)$"
            lines.append(f"ProxyPassMatch {quote(pattern)} {quote(target + '$1')}{options}")
        lines.append(f"ProxyPassReverse {quote(location.path)} {quote(target)}")
    return lines


def _find_target(places: Places, location: Location, scheme: str) -> str:
    """Where the rest of a path is appended to: the backend's own path stands in place of the location's."""
    base, path = _split_url(location.backends[0])
    end = "/" if location.path.endswith("/") else ""
    if is_balanced(location):
        base = _name_balancer(places, location, scheme)
    return re.sub("^http", scheme, base) + (path + end if path else location.path)


def _split_url(url: str) -> Tuple[str, str]:
    """An address without its path, and the path without a slash at its end."""
    scheme, _colon, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority}", (slash + path).rstrip("/")


def render_folders(places: Places) -> List[str]:
    """Returns what serves files, and what goes for each path beside that; a later section wins."""
    lines: List[str] = []
    roots = [one.root for one in places.locations if one.root]
    own = places.locations[-1].root or places.site.root
    if own or any(one.php or one.directives for one in places.locations):
        own = own or places.default_root
        lines.append(f"DocumentRoot {quote(own)}")
        roots.append(own)
    for location in places.locations:
        if location.root and location.path != "/":
            target = re.sub(r"[\\$]", lambda found: "\\" + found.group(), location.root.rstrip("/"))
            pattern = f"(?s)^({escape_pattern(location.path)}.*)$"
            lines.append(f"AliasMatch {quote(pattern)} {quote(target + '$1')}")
    for root in dict.fromkeys(roots):
        lines += [f"<Directory {quote(root)}>", "    Require all granted", "</Directory>"]
    for location in reversed(places.locations):
        inner = [*_render_php(location), *location.directives]
        if inner:
            pattern = "^" + escape_pattern(location.path)
            lines += [f"<LocationMatch {quote(pattern)}>", *(f"    {line}" for line in inner), "</LocationMatch>"]
    return lines


def _render_php(location: Location) -> List[str]:
    """Only what is a file is run, so that no upload becomes a program by what is appended to its path."""
    if not location.php:
        return []
    address = f"unix:{location.php}|fcgi://localhost" if location.php.startswith("/") else f"fcgi://{location.php}"
    return [
        "DirectoryIndex index.php index.html",
        '<If "%{REQUEST_FILENAME} =~ /\\.php$/ && -f %{REQUEST_FILENAME}">',
        f"    SetHandler {quote('proxy:' + address)}",
        "</If>",
    ]


def names_https(locations: Sequence[Location]) -> bool:
    """Tells whether an application is asked over HTTPS."""
    return any(url.startswith("https:") for location in locations for url in location.backends)
