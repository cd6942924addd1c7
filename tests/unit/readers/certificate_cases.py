# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What openssl, certbot, systemd and web servers print when they cannot answer."""

from __future__ import annotations

from types import SimpleNamespace

from ansible_collections.port443.https.plugins.module_utils._certificate import openssl as _openssl
from ansible_collections.port443.https.plugins.module_utils._certificate import placeholder
from ansible_collections.port443.https.plugins.module_utils._host import service
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._pki.decrypt import CannotOpenError
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import timer
from ansible_collections.port443.https.plugins.module_utils._sites import server
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._webservers.apache import control as apache
from ansible_collections.port443.https.plugins.module_utils._webservers.nginx import control as nginx
from ansible_collections.port443.https.plugins.module_utils._webservers.server_log import ServerLog
from ansible_collections.port443.https.plugins.module_utils._webservers.site import SiteLayout
from mute_host import Case, Mute

SYSTEMD = service.ServiceCommands((), (), ("systemctl", "is-enabled", "nginx"), (), ())
NGINX = SiteLayout(("nginx",), "nginx", "nginx", "/etc/nginx/nginx.conf")


def unlock(host):
    """What comes of a locked key."""
    try:
        return _openssl.Openssl(host).open_key(b"locked", b"secret")
    except CannotOpenError:
        return "cannot be opened"


CERTIFICATES = [
    Case("_certificate.openssl:Openssl._open", "silence", Mute(), unlock, "", "cannot be opened"),
    Case(
        "_webservers.apache.control:_find_layout",
        "silence: what its documentation says",
        Mute(),
        lambda host: apache._find_layout(
            SimpleNamespace(find=lambda name: name if name == "httpd" else None, run=host.run)
        ),
        "",
        apache._Layout("httpd", "/etc/httpd", "/etc/httpd/conf/httpd.conf", "/etc/httpd/run/httpd.pid", {}, "httpd"),
    ),
    Case(
        "_webservers.nginx.control:Nginx._built_with",
        "silence: what its documentation says, which is told where it cannot be read",
        Mute(),
        lambda host: nginx.Nginx(host, None)._built_with(),
        "",
        {},
    ),
    Case(
        "_host.service:is_enabled",
        "systemd that cannot be asked: what nobody can tell is not changed",
        Mute(1, "", "Failed to connect to bus: No such file or directory"),
        lambda host: service.is_enabled(host, "nginx", SYSTEMD),
        value=True,
    ),
    Case(
        "_sites.server:_observe_build",
        "silence",
        Mute(),
        lambda host: server._observe_build(host, LANGUAGES["nginx"](), NGINX),
        "does not say which release of nginx it is",
    ),
    Case(
        "_renewal.certbot:read_version",
        "silence",
        Mute(),
        _certbot.read_version,
        "does not tell a version, it said: no output",
    ),
    Case(
        "_renewal.certbot:read_version",
        "a broken installation",
        Mute(1, "", "ModuleNotFoundError: No module named 'josepy'"),
        _certbot.read_version,
        "it said: ModuleNotFoundError: No module named 'josepy'",
    ),
    Case(
        "_renewal.certbot:run",
        "a failure is handed on with its code",
        Mute(1, "", "Segmentation fault"),
        lambda host: _certbot.run(host, ("certbot", "renew")),
        "",
        Completed(("certbot", "renew"), 1, "", "Segmentation fault"),
    ),
    Case(
        "_certificate.placeholder:make",
        "silence",
        Mute(),
        lambda host: placeholder.make(host, ["a.example"]),
        "openssl made no certificate",
    ),
    Case(
        "_renewal.timer:_show",
        "no systemd to ask",
        Mute(1, "", "Failed to connect to bus: No such file or directory"),
        lambda host: timer.is_on(host, "certbot.timer"),
        "does not tell what is with certbot.timer: .*Failed to connect to bus",
    ),
    Case("_renewal.timer:_show", "silence", Mute(), lambda host: timer.is_on(host, "certbot.timer"), "no output"),
    Case(
        "_renewal.timer:find_unknown",
        "silence: nobody has seen it set",
        Mute(),
        lambda host: timer.find_unknown(host, "certbot.timer", ("HTTPS_PROXY",)),
        "",
        ("HTTPS_PROXY",),
    ),
    Case(
        "_webservers.server_log:ServerLog.read_journal",
        "silence: nothing is told beside what failed",
        Mute(),
        lambda host: ServerLog(host, (), ("nginx",)).read_journal(0.0),
        "",
        [],
    ),
    Case(
        "_renewal.timer:read_commands",
        "no systemd to ask",
        Mute(1, "", "Failed to connect to bus: No such file or directory"),
        lambda host: timer.read_commands(host, "certbot.service"),
        "systemd does not tell what certbot.service runs: .*Failed to connect to bus",
    ),
    Case(
        "_renewal.timer:read_commands",
        "silence: it runs nothing",
        Mute(),
        lambda host: timer.read_commands(host, "certbot.service"),
        "",
        (),
    ),
]
