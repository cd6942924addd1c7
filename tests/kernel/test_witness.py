# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where a connection ends is told rightly on a real kernel: rules, sockets, datagrams."""

from __future__ import annotations

import socket

import pytest
from lab import HOSTS
from witness_lab import CHAIN, filtering

CASES = {
    "nothing is wrong": (None, "", "reached", "it arrives and is answered"),
    "what lies between drops": (
        "router",
        filtering("output", "tcp dport 443 drop"),
        "before the host",
        "nothing arrives at the host: what lies between drops it",
    ),
    "the host drops": (
        "host",
        filtering("input", "tcp dport 443 counter drop"),
        "in the host",
        "the host drops it: nft inet t c handle 2: tcp dport 443 counter drop, its counter went from 0 to",
    ),
    "the host drops early": (
        "host",
        CHAIN.format(kind="filter", hook="prerouting", priority=-300, rule="tcp dport 443 drop"),
        "in the host",
        "the host drops it: nft inet t c",
    ),
    "the host drops its answers": (
        "host",
        filtering("output", "tcp sport 443 drop"),
        "in the host",
        "it gets in, but the answer is blocked: nft inet t c",
    ),
    "the host rejects": (
        "host",
        filtering("input", "tcp dport 443 reject with icmpx type admin-prohibited"),
        "in the host",
        "dministratively prohibited: nft inet t c",
    ),
    "the host resets": (
        "host",
        filtering("input", "tcp dport 443 reject with tcp reset"),
        "in the host",
        "a rule of the host resets it: nft inet t c",
    ),
    "the answer is kept back": (
        "router",
        filtering("input", "tcp sport 443 drop"),
        "on the way back",
        "the answer does not arrive: what lies between keeps answers",
    ),
}


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("case", CASES)
def test_it_is_told_where_a_connection_ends(witness, case, family):
    where, rules, ends, because = CASES[case]
    if where == "host":
        witness.lab.load({"nft": rules})
    elif where == "router":
        witness.on_router("nft", "-f", "-", stdin=rules)
    found = witness.locate(HOSTS[family])
    assert (found[0], because in found[1]) == (ends, True), found


@pytest.mark.parametrize("family", [4, 6])
def test_nothing_listens(witness, family):
    found = witness.locate(HOSTS[family], {"ports": (4443,)}, port=4443)
    assert found == (
        "in the host",
        f"nothing listens at {bracketed(HOSTS[family])}:4443: start the service, or correct its port",
    )


def test_it_listens_for_the_host_alone(witness):
    with socket.create_server(("127.0.0.1", 4443)):
        found = witness.locate(HOSTS[4], {"ports": (4443,)}, port=4443)
    assert found[0] == "in the host"
    assert "nothing listens at 192.0.2.2:4443; " in found[1]
    assert "at 127.0.0.1:4443 is all that does" in found[1]


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def test_the_counter_of_the_rule_goes_up(witness):
    witness.lab.load(
        {("iptables-nft", 4): "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 443 -j DROP\nCOMMIT\n"}
    )
    found = witness.locate(HOSTS[4])
    assert "-A INPUT -p tcp -m tcp --dport 443 -j DROP" in found[1]
    assert ", its counter went from 0 to " in found[1]
    witness.lab.load({"nft": filtering("input", "tcp dport 443 counter drop")})
    assert ", its counter went from 0 to " in witness.locate(HOSTS[4])[1]


@pytest.mark.parametrize("family", [4, 6])
def test_datagrams_are_told_with_less_certainty(witness, family):
    asked = {"checks": ["quic"], "port": 4443}
    watch = {"ports": (4443,), "datagrams": True}
    found = witness.locate(HOSTS[family], watch, **asked)
    assert (found[0], found[1].startswith("most likely: nothing listens at ")) == ("in the host", True), found
    witness.lab.load({"nft": filtering("input", "udp dport 4443 drop")})
    found = witness.locate(HOSTS[family], watch, **asked)
    assert (found[0], found[1].startswith("most likely: the host drops it: nft")) == ("in the host", True), found
    witness.on_router("nft", "-f", "-", stdin=filtering("output", "udp dport 4443 drop"))
    assert witness.locate(HOSTS[family], watch, **asked)[0] == "before the host"


def test_a_look_of_the_host_at_itself_is_told(witness):
    witness.begin()
    witness.lab, looking = type("Here", (), {"_there": ()}), witness.lab
    attempts = witness.look(HOSTS[4])
    witness.lab = looking
    (found,) = witness.end(attempts)
    assert found["ends"] == "reached"
