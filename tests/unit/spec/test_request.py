# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What may be asked for, and what is said of the rest."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.port443.https.plugins.module_utils._errors import RequestError
from ansible_collections.port443.https.plugins.module_utils._spec.ports import PortRule, parse_port, parse_ports
from ansible_collections.port443.https.plugins.module_utils._spec.request import (
    PortsRequest,
    parse_interfaces,
    parse_name,
    parse_request,
    parse_sources,
)

ACCEPTED = [
    ("443/tcp", PortRule("tcp", 443, 443)),
    ("1/udp", PortRule("udp", 1, 1)),
    ("65535/sctp", PortRule("sctp", 65535, 65535)),
    ("8000-8010/dccp", PortRule("dccp", 8000, 8010)),
    ("443-443/tcp", PortRule("tcp", 443, 443)),
    ("https", PortRule("tcp", 443, 443)),
    ("https/udp", PortRule("udp", 443, 443)),
]

# What was given, and what the message has to say besides.
REFUSED = [
    ("0/tcp", "between 1 and 65535"),
    ("65536/tcp", "between 1 and 65535"),
    ("99999/tcp", "between 1 and 65535"),
    ("443-80/tcp", "rising range"),
    ("443 /tcp", "without spaces"),
    ("443\n/tcp", "443\\n/tcp"),
    ("443/tcp\n", "443/tcp\\n"),
    (" 443/tcp", "443/tcp"),
    ("٤٤٣/tcp", "443/tcp"),
    ("\uff14\uff14\uff13/tcp", "443/tcp"),
    ("443/TCP", "443/tcp"),
    ("443/icmp", "tcp, udp, sctp, dccp"),
    ("443/", "443/tcp"),
    ("/tcp", "443/tcp"),
    ("-443/tcp", "443/tcp"),
    ("1-2-3/tcp", "443/tcp"),
    ("443", "443/tcp or 443/udp"),
    (443, "443/tcp or 443/udp"),
    ("8000-8010", "8000-8010/tcp"),
    ("gopherhole", "write its number"),
    ("https/quic", "tcp, udp, sctp, dccp"),
    ("443/tcp -j ACCEPT", "443/tcp"),
    ("", "443/tcp"),
    (None, "443/tcp"),
]


@pytest.mark.parametrize(("given", "want"), ACCEPTED)
def test_port_is_read(given, want):
    assert parse_port(given) == want


@pytest.mark.parametrize(("given", "told"), REFUSED)
def test_port_is_refused_with_what_would_work(given, told):
    with pytest.raises(RequestError) as refusal:
        parse_port(given)
    assert told in refusal.value.message
    assert repr(str(given)) in refusal.value.message or str(given) in refusal.value.message


def test_service_unknown_here_is_looked_up():
    assert parse_port("gopher", lambda name, protocol: {("gopher", "tcp"): 70}[name, protocol]) == PortRule(
        "tcp", 70, 70
    )


def lookup(name, protocol):
    raise OSError("service/proto not found")


def test_what_is_asked_for_most_needs_no_list_of_services():
    assert parse_port("https", lookup) == PortRule("tcp", 443, 443)


def test_service_nobody_knows_is_refused():
    with pytest.raises(RequestError, match="write its number"):
        parse_port("gopher", lookup)


def test_overlaps_and_repeats_merge_and_neighbours_stay_apart():
    given = ["90-100/tcp", "80/tcp", "443/udp", "80/tcp", "95-110/tcp", "81/tcp", "100/tcp"]
    assert [str(port) for port in parse_ports(given)] == ["80/tcp", "81/tcp", "90-110/tcp", "443/udp"]


def test_sources_are_sorted_and_those_within_others_left_out():
    given = ["2001:db8::1", "192.0.2.0/24", "192.0.2.7", "10.1.2.3/32"]
    assert [str(network) for network in parse_sources(given)] == ["10.1.2.3/32", "192.0.2.0/24", "2001:db8::1/128"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("192.0.2.1/24", "write 192.0.2.0/24 for the network"),
        ("2001:db8::1/32", "write 2001:db8::/32 for the network"),
        ("fe80::1%eth0", "scope id"),
        ("fe80::/10%eth0", "scope id"),
        ("192.0.2.0/33", "not an IPv4 or IPv6 address"),
        ("192.0.2.256", "not an IPv4 or IPv6 address"),
        ("١٩٢.0.2.1", "characters that no address has"),
        ("example.org", "not an IPv4 or IPv6 address"),
        ("192.0.2.1\n", "not an IPv4 or IPv6 address"),
        ("", "not an IPv4 or IPv6 address"),
        ("192.0.2.0/24 -j ACCEPT", "not an IPv4 or IPv6 address"),
    ],
)
def test_source_is_refused_with_what_would_work(given, told):
    with pytest.raises(RequestError) as refusal:
        parse_sources([given])
    assert told in refusal.value.message
    assert repr(given) in refusal.value.message


@pytest.mark.parametrize("name", ["https", "a", "web-internal", "a1234567890123456789"])
def test_name_is_taken(name):
    assert parse_name(name) == name
    assert len("port443-" + name) <= 28


@pytest.mark.parametrize("name", ["", "Https", "1web", "-web", "web_1", "a" * 21, "web\n", "wéb", "web -j", "٤"])
def test_name_that_cannot_be_a_chain_is_refused(name):
    with pytest.raises(RequestError, match="at most 20 characters"):
        parse_name(name)


@pytest.mark.parametrize("name", ["", "eth0 -j", "a" * 16, "eth0\n", "eth/0", "!eth0", "ethé", "eth+"])
def test_interface_that_no_host_has_is_refused(name):
    with pytest.raises(RequestError, match="such as eth0"):
        parse_interfaces([name])


def test_request_is_whole():
    options = {
        "name": "web",
        "ports": ["443/tcp"],
        "state": "present",
        "source": ["192.0.2.0/24"],
        "interface": ["eth1", "eth0", "eth1"],
        "direction": "in",
        "backend": "iptables",
        "position": "first",
        "persistent": False,
        "require_effective": True,
    }
    assert parse_request(options) == PortsRequest(
        name="web",
        ports=(PortRule("tcp", 443, 443),),
        state="present",
        source=(ipaddress.ip_network("192.0.2.0/24"),),
        interface=("eth0", "eth1"),
        backend="iptables",
        position="first",
        persistent=False,
        require_effective=True,
    )


def test_no_ports_are_refused_with_present_and_ignored_with_absent():
    with pytest.raises(RequestError, match=r"ports is empty.*state: absent"):
        parse_request({"ports": [], "state": "present"})
    with pytest.raises(RequestError, match=r"such as 443/tcp$"):
        parse_request({"ports": []})  # of a module that has no state
    with pytest.raises(RequestError, match="ports is empty"):
        parse_request({"ports": None})
    assert parse_request({"ports": ["nonsense"], "state": "absent"}).ports == ()


def test_empty_name_is_refused_and_not_taken_for_the_default():
    with pytest.raises(RequestError, match="at most 20 characters"):
        parse_request({"name": "", "ports": ["443/tcp"]})


def test_sources_of_a_family_tell_anyone_from_no_one():
    anyone = parse_request({"ports": ["443/tcp"]})
    only_four = parse_request({"ports": ["443/tcp"], "source": ["192.0.2.0/24"]})
    assert anyone.sources(4) == anyone.sources(6) == ()
    assert only_four.sources(4) == (ipaddress.ip_network("192.0.2.0/24"),)
    assert only_four.sources(6) is None
