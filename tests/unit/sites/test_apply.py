# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is told to a server, in which order, and what is told to it again where the sites are not served."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._sites import apply
from ansible_collections.port443.https.plugins.module_utils._sites.apply import Application
from ansible_collections.port443.https.plugins.module_utils._sites.plan import SitesPlan
from ansible_collections.port443.https.plugins.module_utils._tls.proof import Expectation
from ansible_collections.port443.https.plugins.module_utils._webservers.base import ServiceControl

EXPECTED = Expectation("www.example.com", "ab" * 32, "", ())


@pytest.fixture
def told(monkeypatch):
    """What a server is told; nothing that it serves is ever seen."""
    told = []
    monkeypatch.setattr(apply, "start", lambda host, state: told.append("start") or [("start",)])
    monkeypatch.setattr(apply, "stop", lambda host, state: told.append("undo start") or "")
    monkeypatch.setattr(apply._proof, "look_until_met", lambda expected, seconds: {})
    return told


def make_run(told, running, enabled):
    def say(word):
        return lambda: told.append(word) or Completed((word,), 0, "", "")

    control = ServiceControl(("test",), ("reload",), say("test"), say("reload"))
    state = SimpleNamespace(control=control, running=running, enabled=enabled, language=SimpleNamespace(title="nginx"))
    request = SimpleNamespace(prove_timeout=0, settings=SimpleNamespace(http_port=80))
    return Application(None, request, state, SitesPlan((), {}, (), (EXPECTED,), {}), None, lambda _path: None, {})


@pytest.mark.parametrize(
    ("running", "enabled", "done", "undone"),
    [
        (True, True, ["test", "reload"], ["test", "reload"]),
        (False, True, ["test", "start"], ["undo start"]),
        (False, False, ["test", "start"], ["undo start"]),
        # It runs, and does not start at boot: it has loaded the refused sites, so it has to load the former again.
        (True, False, ["test", "start", "reload"], ["undo start", "test", "reload"]),
    ],
)
def test_a_server_that_has_loaded_refused_sites_loads_the_former_again(told, running, enabled, done, undone):
    run = make_run(told, running, enabled)
    with pytest.raises(HostError, match="took the sites up, but after 0 seconds"):
        run.carry_out()
    assert told == done
    told.clear()
    assert run.take_back() == "all files and pairs are as they were"
    assert told == undone
