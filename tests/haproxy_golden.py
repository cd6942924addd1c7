# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cases of the golden files of HAProxy's sites."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._webservers.site import (
    Build,
    Location,
    ServerSettings,
    Site,
)
from haproxy_sites import BUILD, DEFAULTS, MemoryFiles, render

FOLDER = "/etc/haproxy"
# Debian 13's, whose HTTP/3 is over an OpenSSL without QUIC for servers.
TRIXIE = Build((3, 0, 11), (3, 5, 1), frozenset(("tls", "quic", "limited-quic")), "HAProxy version 3.0.11")
PEM = "/etc/port443/{}/current/haproxy.pem"


def site(name, **more):
    given = {"names": (name,), "certificate": PEM.format(name), "key": PEM.format(name)}
    return Site(name, **{"backends": ("http://127.0.0.1:8080",), **given, **more})


SIMPLE = site("shop.example.com")
FULL = site(
    "shop.example.com",
    names=("shop.example.com", "www.shop.example.com", "*.shop.example.com"),
    backends=("http://127.0.0.1:8080", "http://[::1]:8081"),
    health_path="/up",
    hsts_max_age=300,
    security_headers=True,
    directives=("http-request deny if { path_beg /private }",),
    locations=(
        Location("/files", backends=("http://127.0.0.1:8082",)),
        Location("/old it's", redirect_to="https://new.example.com/100%", redirect_code=308),
        Location("/health", directives=("http-request return status 200",)),
    ),
)
GUARDED = site(
    "admin.example.com",
    backends=("https://localhost:8443",),
    backend_ca="/etc/ssl/backend ca.pem",
    client_ca="/etc/ssl/clients.pem",
    client_verification="required",
)
# name: (sites, settings, build, what others wrote)
CASES = {
    "one-site": ((SIMPLE,), ServerSettings(), BUILD, DEFAULTS),
    "all-options": (
        (FULL, GUARDED, site("blog", names=("blog.example.com",), redirect=False)),
        ServerSettings(acme_port=8402, trusted_proxies=("192.0.2.0/24",), http_directives=("maxconn 1000",)),
        BUILD,
        "defaults\n    mode tcp\n    option forwardfor except 127.0.0.0/8\n    default-server check\n",
    ),
    "http3-behind-a-balancer": (
        (site("shop.example.com", default_server=True),),
        ServerSettings(
            port=8443,
            http_port=8080,
            http3=True,
            profile="modern",
            trusted_proxies=("192.0.2.0/24", "2001:db8::/32"),
            proxy_protocol=True,
        ),
        TRIXIE,
        DEFAULTS,
    ),
}


def render_case(name, move=str):
    """Returns the texts by "cfg" and "crt-list"; ``move`` changes a path, for a test with files that are there."""
    sites, settings, build, main = CASES[name]
    files = MemoryFiles({f"{FOLDER}/haproxy.cfg": main})
    crt_list, config = render(files, sites, settings, build=build)
    assert (crt_list.path, config.path) == (f"{FOLDER}/port443.crt-list", f"{FOLDER}/haproxy.cfg")
    return {"cfg": move(config.text), "crt-list": move(crt_list.text)}
