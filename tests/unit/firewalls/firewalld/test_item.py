# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a zone lets in, from rich rules and from D-Bus settings."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    ZoneItem,
    find_ours,
    find_sharer,
    is_ours,
    number_of,
    parse_items,
    parse_rich_rule,
    port_items,
    rich_rule,
    service_items,
)
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule

HTTPS = PortRule("tcp", 443, 443)
NETWORK = ipaddress.ip_network("192.0.2.0/24")
SIX = ipaddress.ip_network("2001:db8::15/128")
NUMBER = number_of("https", False)
OURS = find_ours("https", ())

# As `firewall-cmd --list-rich-rules` of 0.9.3, 1.3.3 and 2.3.1 prints them.
UNDERSTOOD = {
    'rule service name="https" accept': ZoneItem("https", rich=True),
    'rule family="ipv4" source address="192.0.2.0/24" service name="https" accept': ZoneItem(
        "https", source=NETWORK, rich=True
    ),
    'rule family="ipv6" source address="2001:db8::15" port port="443" protocol="tcp" accept': ZoneItem(
        "", HTTPS, SIX, rich=True
    ),
    'rule priority="1002" port port="8000-8010" protocol="udp" accept': ZoneItem(
        "", PortRule("udp", 8000, 8010), None, 1002, True
    ),
    'rule family="ipv4" port port="443" protocol="tcp" accept': ZoneItem(
        "", HTTPS, ipaddress.ip_network("0.0.0.0/0"), rich=True
    ),
}
MORE_THAN_THAT = [
    'rule family="ipv4" source NOT address="192.0.2.0/24" service name="https" accept',
    'rule family="ipv4" source mac="00:00:5e:00:53:01" service name="https" accept',
    'rule family="ipv4" source ipset="friends" service name="https" accept',
    'rule family="ipv4" source address="192.0.2.0/24" accept',
    'rule family="ipv4" destination address="192.0.2.1" service name="https" accept',
    'rule service name="https" log prefix="web" level="info" accept',
    'rule service name="https" accept limit value="10/m"',
    'rule service name="https" reject',
    'rule port port="443" protocol="tcp" drop',
    'rule protocol value="esp" accept',
    'rule family="ipv4" masquerade',
    "rule service name='https",
    "",
]


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_a_rule_that_only_accepts_is_understood(text):
    assert parse_rich_rule(text) == UNDERSTOOD[text]


@pytest.mark.parametrize("text", MORE_THAN_THAT)
def test_a_rule_that_does_anything_else_is_no_item(text):
    assert parse_rich_rule(text) is None


@pytest.mark.parametrize(
    "item",
    [
        *port_items("https", (HTTPS, PortRule("udp", 8000, 8010)), (), timed=False),
        *port_items("https", (HTTPS,), (NETWORK, SIX), timed=True),
        *service_items("port443-https", (NETWORK, SIX), rich=False),
        *service_items("port443-https", (), rich=True),
    ],
    ids=rich_rule,
)
def test_our_rules_are_found_again(item):
    assert parse_rich_rule(rich_rule(item)) == item
    assert is_ours(item, OURS)
    assert not is_ours(item, find_ours("other", ()))


def test_a_set_has_a_number_for_good_and_one_for_a_time():
    assert (NUMBER, number_of("https", True)) == (21540, 21541)
    numbers = [number_of(name, timed) for name in ("a", "b", "https", "web-internal") for timed in (False, True)]
    assert len(set(numbers)) == len(numbers)
    assert all(1000 <= number < 30000 for number in numbers)


def test_a_plain_port_or_a_service_of_others_is_not_ours():
    assert not is_ours(ZoneItem("", HTTPS), OURS)
    assert not is_ours(ZoneItem("https"), OURS)
    assert not is_ours(ZoneItem("", HTTPS, None, NUMBER + 2, True), OURS)


@pytest.mark.parametrize(
    ("known", "sharer", "numbers"),
    [
        ((), "", {16794, 16795}),
        (("port443-icinga", "port443-https"), "", {16794, 16795}),
        (("port443-games",), "games", set()),
        (("port443-games", "port443-icinga"), "games", {16794, 16795}),
        (("port443-gämes",), "", {16794, 16795}),
    ],
)
def test_a_number_that_two_names_have_is_the_one_that_is_there(known, sharer, numbers):
    assert find_sharer("icinga", known) == sharer
    assert find_ours("icinga", known).numbers == numbers
    assert find_ours("icinga", known).service == "port443-icinga"


def test_settings_of_zones_and_policies_are_read():
    accept = 'rule service name="https" accept'
    zone = {"services": ["ssh"], "ports": [("443", "tcp"), ("", "esp")], "rules_str": [accept, "rule masquerade"]}
    assert parse_items(zone) == (ZoneItem("ssh"), ZoneItem("", HTTPS), ZoneItem("https", rich=True))
    assert parse_items({"rich_rules": [accept]}) == (ZoneItem("https", rich=True),)
    assert [item.text for item in parse_items(zone)] == ["", "", accept]
