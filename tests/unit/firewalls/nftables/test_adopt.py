# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which rules of others let in nothing but what is asked for, and are taken over."""

from __future__ import annotations

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.adopt import (
    find_equivalents,
    without_found,
)
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain
from ansible_collections.port443.https.plugins.module_utils._spec.request import parse_request
from tables import BANNED, LINKS, dport, rule, table

MINE = rule(4, "accept", *dport(443), text="tcp dport 443 accept")
TAKEN, MORE = [("input", 0, False)], [("input", 0, True)]


FOUND = [
    ("all that is asked for", table(rule(4, "accept", *dport(80, 443))), TAKEN),
    ("a part", table(MINE), TAKEN),
    ("more", table(rule(4, "accept", *dport(443, 8443))), MORE),
    ("something else", table(rule(4, "accept", *dport(22))), []),
    ("a drop", table(rule(4, "drop", *dport(443))), []),
    ("ports of a set that may change", table(rule(4, "accept", *dport(443), text="tcp dport @web accept")), []),
    ("a log", table(rule(4, "accept", *dport(443), text="tcp dport 443 log accept")), []),
    ("a part of a map", table(rule(4, "accept", *dport(80)), rule(4, "accept", *dport(443))), []),
    ("our own table", table(MINE, name="port443"), []),
    ("a table of a program", table(MINE, name="f2b-table"), []),
    ("another hook", table(MINE, hook="forward"), []),
    ("the way out", table(MINE, hook="output"), []),
    ("a chain without a hook", table(chains=(Chain("web", (MINE,)),)), []),
    ("a later rule", table(rule(3, "drop", *BANNED), MINE), [("input", 1, False)]),
]


@pytest.mark.parametrize(("_title", "given", "wanted"), FOUND, ids=[title for title, _given, _wanted in FOUND])
def test_what_lets_in_nothing_else_is_found(_title, given, wanted):
    found = find_equivalents((given,), parse_request({"ports": ["80/tcp", "443/tcp"]}), LINKS)
    assert [(one.chain, one.index, one.more) for one in found] == wanted
    rules = [each for each in given.chains[0].rules if (given.chains[0].name, each) not in gone(found)]
    assert list(without_found(given, found).chains[0].rules) == rules


def gone(found):
    return [(one.chain, one.rule) for one in found if not one.more]


def test_a_chain_of_the_same_name_in_another_table_keeps_its_rules():
    other = table(rule(9, "drop"), name="guard")
    found = find_equivalents((table(MINE), other), parse_request({"ports": ["443/tcp"]}), LINKS)
    assert without_found(other, found) is other
    assert without_found(table(MINE), found).chains[0].rules == ()
