# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is said of a host that has no recorder, and what is asked of one that has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.wire import recorder
from ansible_collections.port443.https.plugins.module_utils._host.wire.record import Heard
from ansible_collections.port443.https.plugins.module_utils._host.wire.recorder import Taken
from ansible_collections.port443.https.plugins.module_utils._witness import circumstances
from ansible_collections.port443.https.plugins.module_utils._witness.collect import begin, end
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch
from endings import DOOR, HERE, LOOKER
from wire import SYN, packet, tcp

RULE = {
    "family": "ipv4",
    "port": "443",
    "protocol": "tcp",
    "verdict": "blocked",
    "because": "pf, rule 3: block drop in proto tcp to port 443",
    "table": "pf",
    "chain": "",
    "rule": "block drop in proto tcp to port 443",
    "handle": 0,
    "file": "/etc/pf.conf line 9",
}


class Machine:
    """A host of any system, without files or programs."""

    def __init__(self, system):
        self._system = system

    def system(self):
        return self._system

    def read(self, path):
        return None

    def find(self, name):
        return None

    def list_folder(self, path):
        return ()


@pytest.fixture
def asked(monkeypatch):
    """What the rules are asked; they answer with ``RULE``, or raise what is put into ``problem``."""
    seen = SimpleNamespace(requests=[], problem=None)

    def report(host, request):
        seen.requests.append((list(map(str, request.ports)), list(map(str, request.source)), list(request.interface)))
        if seen.problem:
            raise seen.problem
        return {"effective": [{**RULE, "port": str(port).partition("/")[0]} for port in request.ports]}

    monkeypatch.setattr(circumstances, "platform_of", lambda host: SimpleNamespace(report=report))
    monkeypatch.setattr(circumstances, "list_addresses", lambda: (HERE,))
    return seen


@pytest.mark.parametrize("system", ["FreeBSD", "OpenBSD", "Darwin"])
def test_where_there_is_no_recorder_rules_tell_and_it_is_said_so(asked, system):
    begun = begin(Machine(system), Watch((443,)), 5)
    assert (begun.token, begun.blind) == ("", f"{system} has no recorder here")
    (found,) = end(Machine(system), begun.token, begun.blind, [DOOR])
    assert (found["ends"], found["because"]) == (
        "in the host",
        f"by rules and sockets alone ({system} has no recorder here): the host blocks it: "
        "pf, rule 3: block drop in proto tcp to port 443, from /etc/pf.conf line 9",
    )
    assert asked.requests == [(["443/tcp"], [f"{LOOKER}/32"], [])]


def test_rules_that_cannot_be_read_are_not_guessed(asked):
    asked.problem = HostError("only root can read and change a firewall: use become: true")
    (found,) = end(Machine("FreeBSD"), "", "FreeBSD has no recorder here", [DOOR])
    assert (found["ends"], found["because"]) == (
        "not known",
        "by rules and sockets alone (FreeBSD has no recorder here): the rules could not be read "
        "(only root can read and change a firewall: use become: true), and nothing more is known of the host",
    )


def test_rules_are_asked_for_the_very_source_port_and_interface_that_were_seen(asked, monkeypatch):
    came = packet("192.0.2.9", "10.0.0.5", tcp(7, 8443, SYN, segment=DOOR.segment))
    taken = Taken({}, (Heard(1.0, False, "eth7", came),), True)
    monkeypatch.setattr(recorder, "take", lambda token, folder: taken)
    (found,) = end(Machine("FreeBSD"), "0" * 32, "", [DOOR])
    assert asked.requests == [(["8443/tcp"], ["192.0.2.9/32"], ["eth7"])]
    assert found["because"].endswith("(it arrives as 10.0.0.5:8443: translated on the way)")


def test_a_token_that_is_none_is_no_path(tmp_path):
    (tmp_path / "port443-witness-x").touch()
    with pytest.raises(HostError, match="no token of a recorder"):
        recorder.take("x", str(tmp_path))
    assert (tmp_path / "port443-witness-x").exists()
