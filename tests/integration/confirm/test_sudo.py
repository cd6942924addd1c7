# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody who becomes root by sudo, over real ssh: their session is known, and their host can be asked what it saw."""

from __future__ import annotations

import re
import time

import pytest

RULES = """flush ruleset
table inet t {
\tchain c {
\t\ttype filter hook input priority 0; policy drop;
\t\tct state established accept
\t}
}
"""
SSH = {"name": "ssh", "ports": ["22/tcp"]}
LETS_IN = ("nft", "insert", "rule", "inet", "t", "c", "tcp", "dport", "22", "accept")
PATIENCE = 40  # seconds


@pytest.fixture
def host(remote):
    """A host that drops what it is not asked for, with their port open."""
    remote.become_by_sudo()
    remote.put("/etc/nftables.conf", RULES)
    remote.put("/etc/systemd/system/multi-user.target.wants/nftables.service", "")
    remote.run("nft", "-f", "-", stdin=RULES)
    remote.run(*LETS_IN)
    return remote


def test_a_change_is_confirmed_over_a_new_connection_of_theirs(host):
    before = host.rules(), host.files()
    done = host.play(ports=["443/tcp"], confirm="20s")
    assert done.get("confirmed"), done
    assert host.play(state="absent", confirm="20s").get("confirmed")
    assert (host.rules(), host.files()) == before


def test_what_shuts_their_port_waits_for_them_though_nobody_asked_for_that(host):
    assert host.play(**SSH)["changed"]
    chain = ("inet", "t", "c")
    theirs = re.search(r"dport 22 accept # handle (\d+)\n.*ct state", host.run("nft", "-a", "list", "chain", *chain))
    host.run("nft", "delete", "rule", *chain, "handle", theirs.group(1))
    running = host.start(name="ssh", state="absent")
    deadline = time.monotonic() + PATIENCE
    while host.lets_in():
        assert time.monotonic() < deadline
    host.run(*LETS_IN)
    gone = host.result_of(running)
    assert gone.get("confirmed"), gone


def test_what_the_host_drops_ends_there_with_the_rule(host):
    asked = {"checks": ["tcp"], "locate": "on_failure", "timeout": 1.0}
    found = host.play_task({"port443.https.probe": asked, "delegate_to": "localhost", "become": False})
    (told,) = found["ends"]
    assert told["ends"] == "in the host", found
    assert "the host drops it: " in told["because"]
    assert not [line for line in host.files() if "/run/port443" in line]
