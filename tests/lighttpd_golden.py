# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sites that the golden files of lighttpd are rendered from."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.language import LighttpdLanguage
from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    HostSystem,
    Location,
    ServerSettings,
    Site,
)
from memory_files import MemoryFiles

LANGUAGE = LighttpdLanguage()
GOLDEN = Path(__file__).parent / "unit" / "webservers" / "lighttpd" / "golden"
DEBIAN = LANGUAGE.find_layout(HostSystem("Debian"))
LINUX = LANGUAGE.find_layout(HostSystem("Linux"))
BUILD = Build((1, 4, 79), (3, 0, 17), frozenset(("mod_openssl", "mod_authn_file", "mod_extforward")))
OLD = Build((1, 4, 59), (1, 1, 1))
# The lines of Debian 12's file that are about sites, and a short one as other systems have it.
DEBIANS = {
    "/etc/lighttpd/lighttpd.conf": """\
server.modules = (
\t"mod_indexfile",
\t"mod_access",
\t"mod_alias",
 \t"mod_redirect",
)

server.document-root        = "/var/www/html"
server.pid-file             = "/run/lighttpd.pid"
server.port                 = 80
server.feature-flags       += ("server.h2proto" => "enable")
server.feature-flags       += ("server.graceful-shutdown-timeout" => 5)
url.access-deny             = ( "~", ".inc" )

# default listening port for IPv6 falls back to the IPv4 port
include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port
include_shell "/usr/share/lighttpd/create-mime.conf.pl"
include "/etc/lighttpd/conf-enabled/*.conf"

server.modules += (
\t"mod_dirlisting",
\t"mod_staticfile",
)
""",
    "/etc/lighttpd/conf-enabled/10-no-www.conf": """\
$HTTP["host"] =~ "^www\\.(.*)" {
  url.redirect = ( "^/(.*)" => "http://%1/$1" )
}
""",
}
OTHERS = {
    "/etc/lighttpd/lighttpd.conf": 'server.document-root = "/srv/http"\nserver.port = 8000\n'
    'server.pid-file = "/run/lighttpd.pid"\nurl.redirect = ("^/x" => "/y")\n'
}


def make_site(name="www.example.com", **options):
    folder = f"/etc/port443/{name}/current"
    names = options.pop("names", (name,))
    return Site(name, names, f"{folder}/fullchain.pem", f"{folder}/privkey.pem", **options)


SHOP = make_site(
    "shop.example.com",
    names=("shop.example.com", "*.shop.example.com", "2001:db8::1"),
    backends=("http://127.0.0.1:8081", "http://[::1]:8082"),
    locations=(
        Location("/static/", root="/srv/shop files"),
        Location("/admin", directives=('url.access-deny = ("")',)),
        Location("/old", redirect_to="/new%20page?all=$1", redirect_code=308),
        Location("/forum/", php="/run/php/php-fpm.sock"),
        Location("/api/", backends=("http://127.0.0.1:8083/v1",)),
    ),
    hsts_max_age=300,
    security_headers=True,
    client_ca="/etc/ssl/clients.pem",
    client_verification="optional",
    users_file="/etc/lighttpd/users",
    directives=('setenv.set-response-header = ("X-Shop" => "1")', "server.max-keep-alive-idle = 10"),
)
# name of a golden file -> what renders it: sites, settings, build, layout, the host's files
CASES = {
    "plain": ((make_site(),), ServerSettings(), BUILD, DEBIAN, DEBIANS),
    "shop": (
        (SHOP, make_site("blog.example.com", client_ca="/etc/ssl/clients.pem", client_verification="required")),
        ServerSettings(profile="modern", http2=False),
        Build((1, 4, 79), (3, 5, 1)),
        DEBIAN,
        DEBIANS,
    ),
    "behind-a-balancer": (
        (make_site(backends=("http://127.0.0.1:8080",), redirect=False, default_server=True),),
        ServerSettings(
            port=8443,
            http_port=8080,
            ipv6=False,
            trusted_proxies=("10.0.0.0/8", "2001:db8::/32"),
            proxy_protocol=True,
            http_directives=("server.max-connections = 100",),
        ),
        OLD,
        LINUX,
        OTHERS,
    ),
    "trusted-headers": (
        (make_site(root="/srv/www", users_file="/srv/users"),),
        ServerSettings(trusted_proxies=("10.0.0.0/8",), unknown_names="serve", http2=False),
        OLD,
        LINUX,
        OTHERS,
    ),
}


def render(case):
    """What a case renders, as ConfigFiles."""
    sites, settings, build, layout, texts = CASES[case]
    files = MemoryFiles(texts)
    return LANGUAGE.render(sites, (), settings, build, layout, LANGUAGE.read(files, layout), files)


def as_golden(files):
    """The files as one text."""
    return "".join(f"#### {file.path}\n{file.text}" for file in files)
