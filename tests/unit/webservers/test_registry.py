# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every service that has a file can be chosen, and only those."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.port443.https.plugins.module_utils import _webservers
from ansible_collections.port443.https.plugins.module_utils._certificate import request
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._sites.registry import LANGUAGES
from ansible_collections.port443.https.plugins.module_utils._spec.web_servers import WEB_SERVERS
from ansible_collections.port443.https.plugins.module_utils._webservers.base import NoService, OwnCommands, WantedPair
from ansible_collections.port443.https.plugins.module_utils._webservers.registry import SERVICES, choose_service
from ansible_collections.port443.https.plugins.module_utils._webservers.site import ServerSettings, Site


class Bare(Host):
    """A host on which no service is installed."""

    def find(self, name):
        return None


def make_request(**options):
    params = {option: spec.get("default") for option, spec in request.ARGUMENT_SPEC.items()}
    return request.parse(dict(params, name="www.example.com", **options))


def test_the_registry_is_the_folder():
    folders = {path.parent.name for path in Path(_webservers.__file__).parent.glob("[a-z]*/control.py")}
    assert folders == set(SERVICES) == set(LANGUAGES) == set(WEB_SERVERS)
    assert {load().name for load in LANGUAGES.values()} == set(LANGUAGES)


@pytest.mark.parametrize("kind", SERVICES)
def test_a_service_that_is_not_installed_says_so(kind):
    service = choose_service(Bare(), kind, None, (), ())
    (serving,) = service.observe(WantedPair("/etc/port443/x", "www.example.com", ())).servings
    title = LANGUAGES[kind]().title
    assert (serving.named, serving.running, serving.reason) == (False, False, f"{title} is not installed")


@pytest.mark.parametrize("kind", WEB_SERVERS)
def test_a_server_asks_applications_whether_they_are_well_or_says_that_it_does_not(kind):
    backends = ("http://127.0.0.1:1", "http://127.0.0.1:2")
    site = Site("www.example.com", ("www.example.com",), "/c.pem", "/k.pem", backends=backends, health_path="/up")
    told = LANGUAGES[kind]().complaints((site,), ServerSettings())
    assert (told == ()) == (kind in ("apache", "haproxy")), told
    assert all("health_path: " in one and "leave it out, or take HAProxy" in one for one in told)


def test_none_is_nobody_or_the_users_own_commands():
    assert isinstance(choose_service(Host(), "none", None, (), ()), NoService)
    own = choose_service(Host(), "none", None, ("false",), ("true",))
    assert isinstance(own, OwnCommands)
    control = own.observe().control
    assert (control.test().returncode, control.reload().returncode) == (1, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"reload_command": ["true"]},
            "nginx is reloaded in its own way: reload_command goes with service: none alone",
        ),
        (
            {"service": "none", "test_command": ["true"]},
            "test_command goes with reload_command, which is what it is a test for",
        ),
        (
            {"service": "none", "reload_command": ["systemctl reload caddy"]},
            "reload_command is a list, the program first and each argument on its own, such as [systemctl, reload, "
            "caddy]; given: ['systemctl reload caddy']",
        ),
    ],
)
def test_commands_that_would_not_run_are_refused(options, message):
    with pytest.raises(RequestError) as refused:
        make_request(**options)
    assert refused.value.message == message
