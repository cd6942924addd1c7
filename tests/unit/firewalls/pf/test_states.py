# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Connections that are open go on, whatever a set does; ending them takes a command of its own."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._ports.engine import ensure
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from fake_pf import states

BLOCKING = "block all\npass in proto tcp from any to any port 22 keep state\n"
ADMINISTRATOR, CLIENT, LATER = "203.0.113.9", "203.0.113.10", "203.0.113.11"


def run(host, **options):
    return ensure(host, parse_request({"ports": ["80/tcp", "443/tcp"], **options}), False)


def shown(host):
    code, out, _err = host.machine.run(["pfctl", "-s", "states"])
    assert code == 0
    return out.splitlines()


def test_a_session_survives_opening_mending_and_closing(system, played):
    host = played(system, BLOCKING)
    kernel = host.machine.kernel
    assert states.connect(kernel, ADMINISTRATOR, 22)
    before = shown(host)
    assert len(before) == 1
    run(host)
    host.machine.run(["pfctl", "-a", "port443.https", "-F", "rules"])
    run(host)
    run(host, position="first")
    run(host, state="absent")
    assert shown(host) == before
    assert states.goes_on(kernel, ADMINISTRATOR, 22)


def test_a_client_stays_when_the_port_closes_and_no_new_one_comes(system, played):
    host = played(system, BLOCKING)
    kernel = host.machine.kernel
    assert not states.connect(kernel, CLIENT, 443)
    run(host)
    assert states.connect(kernel, CLIENT, 443)
    run(host, state="absent")
    assert states.goes_on(kernel, CLIENT, 443)
    assert not states.connect(kernel, LATER, 443)


def test_a_label_ends_the_connections_of_a_closed_set_alone(system, played):
    host = played(system, BLOCKING)
    kernel = host.machine.kernel
    run(host)
    for client, port in ((ADMINISTRATOR, 22), (CLIENT, 443), (LATER, 443)):
        assert states.connect(kernel, client, port)
    run(host, state="absent")
    assert host.machine.run(["pfctl", "-k", "label", "-k", "port443.https"])[2].endswith(
        "killed 2 states from 1 sources and 0 destinations\n"
    )
    assert not states.goes_on(kernel, CLIENT, 443)
    assert states.goes_on(kernel, ADMINISTRATOR, 22)


@pytest.mark.parametrize(("argument", "left"), [(["-F", "states"], 0), (["-k", CLIENT], 1)])
def test_only_a_command_that_names_states_ends_them(system, played, argument, left):
    host = played(system, "pass\n")
    states.connect(host.machine.kernel, CLIENT, 80)
    states.connect(host.machine.kernel, LATER, 80)
    for harmless in (["-f", "/etc/pf.conf"], ["-F", "rules"], ["-d"]):
        host.machine.run(["pfctl", *harmless])
        assert len(shown(host)) == 2
    host.machine.run(["pfctl", *argument])
    assert len(shown(host)) == left


def test_no_run_of_ours_names_states(system, played):
    host = played(system, BLOCKING)
    run(host)
    run(host, state="absent")
    assert [call for call in host.machine.kernel.calls if "states" in call or "-k" in call or "-d" in call] == []


def test_with_pf_off_there_is_nothing_to_survive(system, played):
    host = played(system, BLOCKING)
    host.machine.run(["pfctl", "-d"])
    assert states.connect(host.machine.kernel, CLIENT, 443)
    assert shown(host) == []
