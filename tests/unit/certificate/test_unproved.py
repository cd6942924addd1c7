# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a look on loopback proves nothing, because another socket of the service takes connections, is told."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._certificate import deploy, inventory
from ansible_collections.port443.https.plugins.module_utils._certificate.deployment_state import DeploymentOutcome
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._tls.served_certificate import Endpoint, Look
from ansible_collections.port443.https.plugins.module_utils._webservers.apache.control import Apache
from ansible_collections.port443.https.plugins.module_utils._webservers.base import Serving, WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.haproxy.control import Haproxy
from ansible_collections.port443.https.plugins.module_utils._webservers.lighttpd.control import Lighttpd
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx.control import Nginx

STORE = "/etc/port443/www.example.com"
PAIR = f"{STORE}/current/fullchain.pem"
WANTED = WantedPair(STORE, "www.example.com", ("www.example.com",))


class ConfiguredHost:
    """A host that has the servers installed, none running, and one text for every configuration."""

    def __init__(self, text):
        self.text = text

    def system(self):
        return "Linux"

    def find(self, name):
        return f"/usr/sbin/{name}"

    def run(self, argv, stdin=""):
        return Completed(tuple(argv), 0, "", "")

    def read(self, path):
        return self.text.encode() if path.endswith((".conf", ".cfg")) else None

    def list_folder(self, path):
        return []


def nginx(ours, *others):
    sites = [f"server {{ {ours} server_name www.example.com; ssl_certificate {PAIR}; }}"]
    return Nginx, "http { " + "\n".join([*sites, *others]) + " }"


def apache(*lines):
    return Apache, "\n".join(lines)


def haproxy(*lines):
    return Haproxy, "\n".join(lines)


def lighttpd(*lines):
    return Lighttpd, "\n".join(('server.pid-file = "/run/x"', *lines))


OWN_HOST = (
    "<VirtualHost *:443>\nServerName www.example.com\nSSLEngine on\nSSLCertificateFile " + PAIR + "\n</VirtualHost>"
)
OWN_NAME = f'$HTTP["host"] == "www.example.com" {{ ssl.pemfile = "{PAIR}" }}'
OWN_BIND = f"frontend a\n  bind :443 ssl crt {STORE}/current/haproxy.pem"
ALONE = "the service listens at {} alone for this site, which nobody outside this host reaches"
ELSEWHERE = (
    "another server of the service{} answers at {}, which it alone is set up for: this site was not looked for there"
)
AT_RANDOM = (
    "another server of the service is bound to {} too, and the system gives connections to the one or the other at "
    "random"
)


@pytest.mark.parametrize(
    ("service", "told"),
    [
        (nginx("listen 443 ssl; listen [::]:443 ssl;", "server { listen 443 ssl; server_name b.example.com; }"), ()),
        (
            nginx("listen 443 ssl;", "server { listen 192.0.2.1:443 ssl; server_name b.example.com; }"),
            (ELSEWHERE.format(" (b.example.com)", "192.0.2.1:443"),),
        ),
        (
            nginx("listen [::]:443 ssl;", "server { listen [2001:db8::1]:443; }"),
            (ELSEWHERE.format("", "[2001:db8::1]:443"),),
        ),
        (nginx("listen 443 ssl; listen 192.0.2.1:443 ssl;", "server { listen 192.0.2.1:443 ssl; }"), ()),
        (nginx("listen 443 ssl;", "server { listen 192.0.2.1:8443 ssl; }"), ()),
        (nginx("listen 192.0.2.2:443 ssl;", "server { listen 192.0.2.1:443 ssl; }"), ()),
        (nginx("listen 127.0.0.1:443 ssl; listen [::1]:443 ssl;"), (ALONE.format("127.0.0.1:443, [::1]:443"),)),
        (nginx("listen 127.0.0.1:443 ssl proxy_protocol;"), ()),
        (apache("Listen 443", OWN_HOST), ()),
        (apache("Listen 127.0.0.1:443", OWN_HOST), (ALONE.format("127.0.0.1:443"),)),
        (
            apache("Listen 443", OWN_HOST, "<VirtualHost 192.0.2.1:443>\nServerName b.example.com\n</VirtualHost>"),
            (ELSEWHERE.format(" (b.example.com)", "192.0.2.1:443"),),
        ),
        (apache("Listen 443", OWN_HOST, "<VirtualHost *:443>\nServerName b.example.com\n</VirtualHost>"), ()),
        (haproxy(OWN_BIND, "frontend b", "  bind :80"), ()),
        (lighttpd('ssl.engine = "enable"', OWN_NAME), ()),
        (lighttpd('ssl.engine = "enable"', 'server.bind = "127.0.0.1"', OWN_NAME), (ALONE.format("127.0.0.1:443"),)),
        (
            lighttpd(
                'ssl.engine = "enable"',
                f'$SERVER["socket"] == "192.0.2.1:443" {{ }}\n$SERVER["socket"] == ":443" {{ {OWN_NAME} }}',
            ),
            (ELSEWHERE.format("", "192.0.2.1:443"),),
        ),
        (haproxy(OWN_BIND, "frontend b", "bind *:443 ssl crt /b.pem"), (AT_RANDOM.format("*:443"),)),
        (haproxy(OWN_BIND, "frontend b", "bind [::]:443"), (AT_RANDOM.format("[::]:443"),)),
        (haproxy(OWN_BIND, "frontend b", "bind 192.0.2.1:443"), (ELSEWHERE.format("", "192.0.2.1:443"),)),
    ],
)
def test_what_no_look_on_loopback_sees_is_told(service, told):
    kind, text = service
    (serving,) = kind(ConfiguredHost(text), None).observe(WANTED).servings
    assert (serving.named, serving.unproved) == (True, told)


PLACE = Endpoint("127.0.0.1", 443, "www.example.com")
LIMITED = Serving(True, True, (PLACE,), unproved=("elsewhere",))


@pytest.mark.parametrize(
    ("served", "warnings"),
    [("yes", ("first", "elsewhere")), ("no", ("first",)), ("other", ("first",)), ("unknown", ("first",))],
)
def test_served_comes_with_what_it_does_not_promise(served, warnings):
    class Stand:
        serving = LIMITED

    assert deploy._limit(Stand(), DeploymentOutcome(False, served, warnings=("first",))).warnings == warnings


def test_the_inventory_says_what_yes_does_not_promise():
    class Leaf:
        def fingerprint(self):
            return "ab"

    assert inventory._compare(Leaf(), LIMITED, (Look(PLACE, "ab"),)) == ("yes", "elsewhere")


@pytest.mark.parametrize(
    ("service", "staples"),
    [
        (nginx("listen 443 ssl; ssl_stapling on;"), True),
        (nginx("listen 443 ssl;"), False),
        ((Nginx, "http { ssl_stapling on; " + nginx("listen 443 ssl;")[1][7:]), True),
        ((Nginx, "http { ssl_stapling on; " + nginx("listen 443 ssl; ssl_stapling off;")[1][7:]), False),
        ((Nginx, "http { }"), False),
        (apache("Listen 443", OWN_HOST), False),
        (apache("Listen 443", "SSLUseStapling on", OWN_HOST), True),
        (apache("Listen 443", "SSLUseStapling on", OWN_HOST.replace("</", "SSLUseStapling off\n</")), False),
        (apache("Listen 443"), False),
        (haproxy(OWN_BIND), False),
        (lighttpd('ssl.engine = "enable"', OWN_NAME), False),
        (lighttpd('ssl.engine = "enable"', 'ssl.stapling-file = "x"', OWN_NAME), True),
        (haproxy("global", "  ocsp-update.mode on", OWN_BIND), True),
        (haproxy("global"), False),
        (haproxy(OWN_BIND, "global", "  ocsp-update.mode on"), True),
        (
            haproxy(
                "crt-store own", "  load crt /etc/port443/www.example.com/current/haproxy.pem ocsp-update on", OWN_BIND
            ),
            True,
        ),
        (haproxy("crt-store own", "  load crt /etc/port443/www.example.com/current/haproxy.pem", OWN_BIND), False),
        (haproxy("crt-store own", "  load crt /other.pem ocsp-update on", OWN_BIND), False),
    ],
)
def test_a_service_staples_where_its_configuration_says_so(service, staples):
    kind, text = service
    (serving,) = kind(ConfiguredHost(text), None).observe(WANTED).servings
    assert serving.staples is staples
