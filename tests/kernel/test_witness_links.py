# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a connection ends is told by the interface that rules and routes know, a bridge's, not by the link below it."""

from __future__ import annotations

import socket

import pytest
from lab import tool
from witness_lab import filtering

HERE, THERE = "198.51.100.2", "198.51.100.1"


@pytest.fixture
def bridged(witness):
    """A second link to the router, which is a port of the host's bridge, as of a host of virtual machines."""
    (inside,) = [word for word in witness.lab._there if word.startswith("--net=")]
    router = inside.split("/")[2]
    tool("ip", "link", "add", "port1", "type", "veth", "peer", "name", "far1", "netns", router)
    tool("ip", "link", "add", "name", "bridge1", "type", "bridge")
    tool("ip", "link", "set", "port1", "master", "bridge1")
    for run, names, address in ((tool, ("port1", "bridge1"), HERE), (witness.on_router, ("far1",), THERE)):
        for name in names:
            run("ip", "link", "set", name, "up")
        run("ip", "addr", "add", f"{address}/24", "dev", names[-1])
    yield witness
    tool("ip", "link", "del", "bridge1")
    tool("ip", "link", "del", "port1")


@pytest.mark.parametrize(("interface", "by_rule"), [("bridge1", True), ("port1", False)])
def test_a_rule_of_the_bridge_counts_and_one_of_its_port_does_not(bridged, interface, by_rule):
    rules = f'iifname "{interface}" tcp dport 443 counter drop\ntcp dport 443 meta mark 0 drop'
    bridged.lab.load({"nft": filtering("input", rules)})
    ends, because = bridged.locate(HERE)
    assert ends == "in the host"
    assert because.startswith("the host drops it: nft inet t c handle ")
    assert (f"iifname {interface}" in because.replace('"', "")) is by_rule, because


def test_an_answer_that_is_lost_went_out_as_the_question_came(bridged):
    bridged.on_router("nft", "-f", "-", stdin=filtering("input", f"ip saddr {HERE} tcp sport 443 drop"))
    with socket.create_server((HERE, 443)):
        ends, because = bridged.locate(HERE)
    assert (ends, "asymmetric" in because, "route back leads" in because) == ("on the way back", False, False), because
