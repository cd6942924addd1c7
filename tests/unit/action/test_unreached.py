# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a CA says that it could not connect, the message says as well where connections to port 80 end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.action import certbot_certificate
from ansible_collections.port443.https.plugins.plugin_utils import _unreached

# As these words are in the sources of Let's Encrypt and Pebble; no CA that could not connect has confirmed them here.
PLACE = "http://a.example/.well-known/acme-challenge/x"
FIREWALL = f"Detail: 192.0.2.7: Fetching {PLACE}: Timeout during connect (likely firewall problem)"
REFUSED = f'Detail: Get "{PLACE}": dial tcp 192.0.2.7:80: connect: connection refused'
CA_ITSELF = "HTTPSConnectionPool(host='ca.example', port=443): Max retries exceeded: Connection refused"
WRONG = "Detail: Invalid response from http://a.example/.well-known/acme-challenge/x: 404"
LOST = {"address": "192.0.2.7", "port": 80, "ends": "in the host", "because": "the host drops it"}


@pytest.mark.parametrize(("said", "expected"), [(FIREWALL, True), (REFUSED, True), (CA_ITSELF, False), (WRONG, False)])
def test_a_ca_that_could_not_connect_is_told_from_other_troubles(said, expected):
    assert _unreached.is_unreached(said) is expected


def test_it_is_told_where_connections_end():
    assert _unreached.tell_ends({"ends": [LOST]}) == "192.0.2.7 port 80 ends in the host: the host drops it"
    assert "look for rules by country or source" in _unreached.tell_ends({"ends": [{**LOST, "ends": "reached"}]})
    assert _unreached.tell_ends({"msg": "a.example has no address"}) == "a.example has no address"


@pytest.fixture
def perform(monkeypatch):
    """The action plugin over a host whose certbot fails with these words; what it looks at is noted."""
    asked = []

    def run(said, **given):
        monkeypatch.setattr(
            certbot_certificate.ActionModule, "execute", lambda *_arguments: {"failed": True, "msg": said}
        )
        monkeypatch.setattr(_unreached, "connect_controller", lambda *_arguments: SimpleNamespace(end=lambda: None))
        monkeypatch.setattr(
            _unreached,
            "Locator",
            lambda action, params, task_vars: SimpleNamespace(
                run=lambda look: asked.append(params["host"]) or {"ends": [LOST]}
            ),
        )
        action = object.__new__(certbot_certificate.ActionModule)
        action._task = SimpleNamespace(check_mode=False, async_val=0, _role=None)
        action._connection = SimpleNamespace(_shell=SimpleNamespace())
        arguments = {"terms_agreed": True, **given}
        return action.perform(arguments, action._check(arguments, []), {"inventory_hostname": "web"})

    run.asked = asked
    return run


def test_port_80_of_the_names_is_looked_at_where_the_ca_could_not_connect(perform):
    ended = perform(FIREWALL, sites=[{"name": "a.example"}, {"name": "b", "names": ["b.example", "c.example"]}])
    assert perform.asked == [["a.example", "b.example", "c.example"]]
    assert ended["msg"] == (
        f"{FIREWALL}\nLooked at from the controller: 192.0.2.7 port 80 ends in the host: the host drops it"
    )
    assert ended["ends"] == [LOST]


def test_nothing_is_looked_at_where_something_else_is_wrong(perform):
    assert perform(WRONG, name="a.example") == {"failed": True, "msg": WRONG}
    assert perform.asked == []
