# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A look that a host has to know is known by its port and an odd segment size; any other one is as it always was."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.port443.https.plugins.module_utils._probe.attempt import (
    Attempt,
    describe_attempts,
    plan_attempts,
)
from ansible_collections.port443.https.plugins.module_utils._probe.finding import SocketPlace, finding

MARK = 1241


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as waiting:
        waiting.settimeout(5)
        yield waiting


def place_of(server):
    return SocketPlace("localhost", "127.0.0.1", "ipv4", server.getsockname()[1])


def test_a_marked_look_comes_from_the_port_that_it_names_and_asks_for_its_segment_size(server):
    attempt = Attempt(place_of(server), "tcp", MARK)
    attempt.knock(5.0)
    connection, (_address, port) = server.accept()
    with connection:
        assert attempt.port == port
        assert MARK - 40 <= connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) <= MARK


def test_any_other_look_asks_for_what_is_usual(server):
    attempt = Attempt(place_of(server), "tcp")
    attempt.knock(5.0)
    with server.accept()[0] as connection:
        assert attempt.port == 0
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) > 1460


def test_each_place_has_a_size_of_its_own_and_datagrams_have_none():
    places = [SocketPlace("a", f"192.0.2.{number}", "ipv4", 443) for number in range(9)]
    assert [one.segment for one in plan_attempts(places, "tcp", MARK)] == [
        *range(MARK, MARK + 16, 2),
        MARK,
    ]
    assert {one.segment for one in plan_attempts(places, "udp", MARK)} == {0}
    assert {one.segment for one in plan_attempts(places, "tcp", 0)} == {0}


def test_what_came_of_it_is_told_as_plain_values(server):
    place = place_of(server)
    attempts = [Attempt(place, "tcp", MARK, 4000), Attempt(place, "udp")]
    findings = [
        finding("tcp", "", place, "ok", "connected"),
        finding("tls", "a", place, "timed out", "..."),
        finding("quic", "", place, "not quic", "..."),
    ]
    lost, well = describe_attempts(attempts, findings)
    assert lost == {
        "host": "localhost",
        "address": "127.0.0.1",
        "family": "ipv4",
        "port": place.port,
        "protocol": "tcp",
        "outcome": "timed out",
        "sources": [["127.0.0.1", 4000]],
        "segment": MARK,
        "named": ["127.0.0.1"],
    }
    assert (well["outcome"], well["sources"]) == ("ok", [["127.0.0.1", 0]])
