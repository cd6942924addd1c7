# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Random filter tables: who was banned by name before our set came is banned after, and a second look moves nothing."""

from __future__ import annotations

import random

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.desired import (
    Terms,
    parse_lines,
    settle,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import put
from ansible_collections.port443.https.plugins.module_utils._netfilter.connection import ConnectionQuery
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.verdict import connection_verdict
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

BANNED = "203.0.113.5/32"
BANNED_SPAN = ((0xCB007105, 0xCB007105),)
OWN = ((0xC0000202, 0xC0000202),)
LINK = Link(4, True, "eth0", OWN)
REQUEST = parse_request({"ports": ["80/tcp", "443/tcp"]})
CHAINS = ("one", "two", "three")
MATCHES = (
    "",
    "",
    f"-s {BANNED} ",
    f"-s {BANNED} ",
    "-s 198.51.100.0/24 ",
    "! -s 198.51.100.0/24 ",
    "-i eth0 ",
    "-i eth1 ",
    "-p tcp ",
    "-p udp ",
    "-p tcp -m tcp --dport 22 ",
    "-p tcp -m multiport --dports 80,443 ",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN ",
    "-m conntrack --ctstate NEW ",
    "-m conntrack --ctstate RELATED,ESTABLISHED ",
    "-m set --match-set some src ",
    "-m limit --limit 5/min ",
)
TARGETS = ("-j DROP", "-j DROP", "-j REJECT", "-j ACCEPT", "-j RETURN", "-j LOG")


def random_table(seed):
    """A filter table in which any chain may lead to those behind it, from INPUT and FORWARD."""
    chance = random.Random(seed)
    lines = []
    for at, chain in enumerate(("INPUT", "FORWARD", *CHAINS)):
        onward = [f"-{chance.choice('jjg')} {name}" for name in CHAINS[max(0, at - 1) :]]
        for _rule in range(chance.randint(0, 5)):
            target = chance.choice(onward if onward and chance.random() < 0.35 else TARGETS)
            lines.append(f"-A {chain} {chance.choice(MATCHES)}{target}")
    policy = chance.choice(("ACCEPT", "DROP"))
    chains = [f":INPUT {policy} [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]"]
    chains += [f":{name} - [0:0]" for name in CHAINS]
    return parse_save("\n".join(["*filter", *chains, *lines, "COMMIT", ""]), "iptables-nft", "ip")[0]


def verdict_for_the_banned(table):
    return connection_verdict((table,), ConnectionQuery(4, 6, (443, 443), BANNED_SPAN, "eth0", OWN))


@pytest.mark.parametrize("start", range(0, 2000, 250))
def test_a_ban_by_name_holds_and_a_second_look_moves_nothing(start):
    banned = 0
    for seed in range(start, start + 250):
        table = random_table(seed)
        layout = wanted_layout(table, REQUEST, LINK, Terms())
        parsed = parse_lines(layout, REQUEST.chain, "ip", [chain.name for chain in table.chains])
        after = put(table, REQUEST.chain, layout, parsed)
        assert settle(table, layout, wanted_layout(table, REQUEST, LINK, Terms()), REQUEST, LINK, Terms()) == layout, (
            seed
        )
        before = verdict_for_the_banned(table)
        # "... but then": the host lets the first packet in already, and what comes after is no ban.
        if before.verdict == "blocked" and f"-s {BANNED}" in before.because and "but then" not in before.because:
            banned += 1
            assert verdict_for_the_banned(after).verdict != "open", f"seed {seed}: {before.because}"
    assert banned > 10
