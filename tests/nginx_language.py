# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nginx' language beside hosts of memory: layouts, files, and the sites that the golden files are of."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.language import NginxLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.layout import find_layout
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    PREFIX,
    Build,
    HostSystem,
    Location,
    ServerSettings,
    Site,
    SiteConfiguration,
)

GOLDEN = Path(__file__).parent / "unit" / "webservers" / "nginx" / "golden"
LANGUAGE = NginxLanguage()
DEBIAN = find_layout(HostSystem("Debian"))
RHEL = find_layout(HostSystem("RedHat"))
FREEBSD = find_layout(HostSystem("FreeBSD"))
MODULES = frozenset({"ssl", "http2", "realip"})
BUILD = Build((1, 22, 1), (3, 0, 19), MODULES, "nginx version: nginx/1.22.1")
NEW = Build((1, 28, 0), (3, 5, 1), MODULES | {"http3"}, "nginx version: nginx/1.28.0")
OLD = Build((1, 18, 0), (1, 1, 1), MODULES, "nginx version: nginx/1.18.0")
NOBODY = SiteConfiguration(())
MAIN = "events {}\nhttp {\n    include /etc/nginx/sites-enabled/*;\n}\n"
STORE = "/etc/port443"


class MemoryFiles:
    """The files of a host: texts by their paths, links as (to what they lead,)."""

    def __init__(self, held):
        self.held = dict(held)

    def find(self, pattern):
        paths = sorted(
            path for path in self.held if fnmatch.fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")
        )
        return [(path, self.read(path)) for path in paths]

    def texts(self, pattern):
        return [text for _path, text in self.find(pattern)]

    def read(self, path):
        held = self.held[path]
        return self.held[held[0]] if isinstance(held, tuple) else held

    def list_folder(self, path):
        return sorted(one.rpartition("/")[2] for one in self.held if one.rpartition("/")[0] == path)

    def apply(self, *changes):
        """Carries out what a render returned."""
        for one in changes:
            if one.link:
                self.held[one.path] = (one.link,)
            elif one.text is None:
                self.held.pop(one.path, None)
            else:
                self.held[one.path] = one.text

    def without_ours(self):
        return MemoryFiles({path: held for path, held in self.held.items() if PREFIX not in path})


def make_site(name="www.example.com", **more):
    """Returns a site whose pair is where the store has it."""
    names = more.pop("names", (name,))
    pair = (f"{STORE}/{name}/current/fullchain.pem", f"{STORE}/{name}/current/privkey.pem")
    return Site(name, tuple(names), *pair, **more)


def render(sites, settings=None, build=BUILD, layout=DEBIAN, others=NOBODY, files=None, removed=()):
    """Returns what the language renders beside these files, a Debian without sites if none are given."""
    files = files or MemoryFiles({layout.main: MAIN, "/etc/ssl/certs/ca-certificates.crt": "roots"})
    return LANGUAGE.render(sites, removed, settings or ServerSettings(), build, layout, others, files)


APPLICATION = make_site(
    backends=("http://127.0.0.1:8001", "http://127.0.0.1:8002"),
    hsts_max_age=300,
    security_headers=True,
    users_file="/etc/nginx/users of www",
    locations=(
        Location("/static/", root="/srv/www files"),
        Location("/old", redirect_to="/new?a=1", redirect_code=302),
        Location("/own/", directives=("add_header X-Own 1;", "return 204;")),
    ),
    directives=("client_max_body_size 8m;", "server_tokens on;", "proxy_set_header X-Site www;"),
)
PHP = make_site(
    "php.example.com",
    root="/srv/php",
    redirect=False,
    locations=(Location("/", php="/run/php/php-fpm.sock"), Location("/api/", php="127.0.0.1:9000")),
)
MUTUAL = make_site(
    "mutual.example.com",
    names=("mutual.example.com", "*.mutual.example.com", "2001:db8::1"),
    backends=("https://localhost:8443/app/",),
    client_ca="/etc/nginx/clients.pem",
    client_verification="required",
)
BALANCED = ServerSettings(
    port=8443,
    http_port=8080,
    trusted_proxies=("192.0.2.0/24", "2001:db8::/32"),
    http_directives=("limit_req_status 429;",),
)
# Name of the golden file: sites, settings, build.
CASES = {
    "application": ([APPLICATION], ServerSettings(), BUILD),
    "php": ([PHP], BALANCED, BUILD),
    "mutual": ([MUTUAL], ServerSettings(ipv6=False, profile="modern"), BUILD),
    "http3": ([make_site(default_server=True, hsts_max_age=300)], ServerSettings(http3=True), NEW),
    "before-1.19.4": ([make_site()], ServerSettings(proxy_protocol=True, trusted_proxies=("192.0.2.1",)), OLD),
}


def write_case(name):
    """Returns all files of a case as one text, each after a line with its path."""
    sites, settings, build = CASES[name]
    assert LANGUAGE.complaints(sites, settings) == LANGUAGE.limits(sites, settings, build) == ()
    return "".join(f"#### {one.path}\n{one.text}" for one in render(sites, settings, build, RHEL) if one.text)
