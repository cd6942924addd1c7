# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whose a table is that iptables-save does not print."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.unprinted import join_families

DROP = (Rule((), "drop", "drop", text="drop"),)


def laid_out(frontend, family, name="filter", chain="INPUT", hook="input", priority=0, rules=DROP, unprintable="it"):
    return Table(frontend, family, name, (Chain(chain, rules, "accept", hook, priority),), unprintable=unprintable)


@pytest.mark.parametrize(
    ("table", "beside", "frontend"),
    [
        (laid_out("nft", "ip"), laid_out("iptables-nft", "ip6", unprintable=""), "iptables-nft"),
        (laid_out("nft", "ip"), laid_out("iptables-nft", "ip6"), "iptables-nft"),
        (laid_out("nft", "ip"), laid_out("iptables-nft", "ip6", rules=()), "nft"),
        (laid_out("nft", "ip"), laid_out("iptables-nft", "ip", "nat"), "nft"),
        (laid_out("nft", "ip"), laid_out("iptables-legacy", "ip6"), "nft"),
        (laid_out("nft", "ip", chain="input"), laid_out("iptables-nft", "ip6"), "nft"),
        (laid_out("nft", "ip", priority=10), laid_out("iptables-nft", "ip6"), "nft"),
        (laid_out("nft", "ip", unprintable=""), laid_out("iptables-nft", "ip6"), "nft"),
        (laid_out("nft", "ip", "mangle", priority=-150), laid_out("iptables-nft", "ip"), "iptables-nft"),
        (laid_out("nft", "ip", "mangle", priority=-150), laid_out("iptables-nft", "ip6"), "nft"),
        (laid_out("nft", "ip", "nat", priority=100), laid_out("iptables-nft", "ip"), "iptables-nft"),
        (laid_out("nft", "ip", "nat", priority=-100), laid_out("iptables-nft", "ip"), "nft"),
    ],
)
def test_a_table_beside_iptables_own_is_iptables(table, beside, frontend):
    assert [one.frontend for one in join_families((table, beside))] == [frontend, beside.frontend]
