# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where in the nft files a rule that decides is written."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict

MAIN = b"""#!/usr/sbin/nft -f
flush ruleset
define web = { 80, 443 }
include "/etc/nftables.d/*.nft"

table inet filter {
\tchain input {
\t\ttype filter hook input priority filter; policy drop;
\t\tct state established,related accept
\t\t# nobody from there
\t\tip saddr 192.0.2.0/24 drop; tcp dport 22 accept
\t}
}
"""
INCLUDED = b"""table ip bans {
  chain first {
    type filter hook input priority -10
    tcp dport $web drop
  }
}
"""
SOURCES = NftSources(
    "/etc/nftables.conf",
    {"/etc/nftables.conf": MAIN, "/etc/nftables.d/bans.nft": INCLUDED},
    {"/etc/nftables.d/*.nft": ("/etc/nftables.d/bans.nft",)},
)


def answer(number, table="filter", chain="input", family="inet"):
    return Verdict("blocked", "", "nft", family, table, chain, number, "a rule" if number else "")


@pytest.mark.parametrize(
    ("asked", "count", "origin"),
    [
        (answer(0), 3, "/etc/nftables.conf line 7"),
        (answer(1), 3, "/etc/nftables.conf line 9"),
        (answer(3), 3, "/etc/nftables.conf line 11"),
        (answer(1, "bans", "first", "ip"), 1, "/etc/nftables.d/bans.nft line 4"),
        (answer(2), 4, ""),  # somebody added one since
        (answer(1, "other"), 1, ""),
    ],
)
def test_the_statement_is_found_where_the_file_makes_what_the_kernel_has(asked, count, origin):
    assert find_origin(SOURCES, asked, count) == origin


def test_a_file_that_cannot_be_read_as_statements_tells_nothing():
    assert (
        find_origin(NftSources("/etc/nftables.conf", {"/etc/nftables.conf": b"table ip {{{ '\""}), answer(1), 1) == ""
    )
