# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Native tables made by hand, as the kernel's are read: a rule is its verdict and what it asks."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Match, Rule, Table

LINKS = (Link(4, True, "eth0", ((0xC0000202, 0xC0000202),)), Link(6, True, "eth0", ((0x20010DB8 << 96 | 2,) * 2,)))
TCP, UDP = Match("protocol", ((6, 6),)), Match("protocol", ((17, 17),))
NEIGHBOURS = (Match("protocol", ((58, 58),)), Match("icmp_type", ((135, 136),)))
BANNED = (Match("ethertype", ((0x0800, 0x0800),)), Match("source", ((0xCB007105, 0xCB007105),)))


def dport(*ports):
    return (TCP, Match("dport", tuple((port, port) for port in ports)))


def rule(handle, verdict, *matches, target="", text=""):
    return Rule(tuple(matches), verdict, target, text=text or f"rule {handle}", handle=handle)


def accept_neighbours(handle):
    return rule(handle, "accept", *NEIGHBOURS)


def table(*rules, policy="accept", name="filter", family="inet", hook="input", chains=(), chain="input", **flags):
    base = Chain(chain, rules, policy, hook)
    return Table("nft", family, name, (base, *chains), **flags)
