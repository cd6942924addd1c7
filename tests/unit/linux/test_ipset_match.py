# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sets of ipset, from the kernel's messages to what a rule asks of a packet.

Messages are made as ``ip_set_dump_do`` and the types' ``data_list`` of Linux 6.1 make them, for types that not every
kernel has, too; ``tests/kernel/test_ipsets.py`` holds what a kernel says beside them.
"""

from __future__ import annotations

import errno
import ipaddress
import struct

import pytest
from ansible_collections.port443.https.plugins.module_utils._host import nfnetlink
from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind, bind_sets
from ansible_collections.port443.https.plugins.module_utils._netfilter.match import rule_matches
from ansible_collections.port443.https.plugins.module_utils._netfilter.packet import ANY_SOURCE, Packet
from ansible_collections.port443.https.plugins.module_utils._netfilter.placement import Placement
from ansible_collections.port443.https.plugins.module_utils._nfnetlink import socket as _netlink
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.ipset import IpSet, parse_ipset
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save

# An address, and its length, of the first and the second dimension; the numbers of ip_set.h.
ADDRESS, LENGTH, PORT, PROTOCOL, FLAGS, MARK, MARK_MASK, ETHER, NAME = 1, 3, 4, 7, 8, 10, 11, 17, 18
ADDRESS2, LENGTH2, INTERFACE, NETMASK, BIT_MASK = 20, 21, 23, 20, 12
NO_MATCH = (FLAGS, struct.pack(">I", 4))
MAC = (ETHER, b"\2\0\0\0\0\1")


def attribute(number, value):
    return struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)


def nested(number, *attributes):
    return attribute(number | 0x8000, b"".join(attribute(*one) for one in attributes))


def at(word, number=ADDRESS):
    raw = ipaddress.ip_address(word).packed
    return number | 0x8000, attribute((1 if len(raw) == 4 else 2) | 0x4000, raw)


def network(word, address=ADDRESS, length=LENGTH):
    base, _slash, prefix = word.partition("/")
    return (at(base, address), (length, bytes((int(prefix),))))


def port(protocol, number):
    return (PORT, struct.pack(">H", number)), (PROTOCOL, bytes((protocol,)))


def message(kind, *elements, family=2, header=(), name="s"):
    """The answer to IPSET_CMD_LIST for a set with these elements."""
    head = attribute(1, b"\6") + attribute(2, name.encode() + b"\0") + attribute(3, kind.encode() + b"\0")
    head += attribute(4, b"\1") + attribute(5, bytes((family,))) + nested(7, *header)
    return head + attribute(8 | 0x8000, b"".join(nested(7, *element) for element in elements))


def holds(kind, elements, packet, directions="src,dst,dst", **options):
    """Whether a packet is in a set."""
    have = parse_ipset([message(kind, *elements, **options)])
    version = {4: "ip", 6: "ip6"}[packet.family]
    (table,) = bind(table_of(f"--match-set s {directions}", version=version), {"s": have})
    return rule_matches(table.chains[0].rules[0], packet)


def table_of(*conditions, version="ip"):
    lines = [f"-A INPUT -m set {one} -j DROP" for one in conditions]
    return parse_save("\n".join(("*filter", *lines, "COMMIT", "")), "iptables-nft", version)


def number(word):
    return ((int(ipaddress.ip_address(word)),) * 2,)


HERE = {"source": number("10.0.0.5"), "destination": number("192.0.2.2"), "dport": (443, 443)}
PACKET = Packet(4, 6, in_interface="eth0", **HERE)
ELSEWHERE = Packet(4, 6, in_interface="eth0", **{**HERE, "source": number("10.0.0.6")})


@pytest.mark.parametrize(
    ("kind", "element", "inside", "outside"),
    [
        ("hash:ip", (at("10.0.0.5"),), True, False),
        ("bitmap:ip", (at("10.0.0.5"),), True, False),
        ("hash:net", network("10.0.0.4/31"), True, False),
        ("bitmap:ip,mac", (at("10.0.0.5"),), None, False),
        ("bitmap:ip,mac", (at("10.0.0.5"), MAC), None, False),
        ("hash:ip,mac", (at("10.0.0.5"), MAC), None, False),
        ("hash:mac", (MAC,), None, None),
        ("hash:ip,mark", (at("10.0.0.5"), (MARK, struct.pack(">I", 0))), True, False),
        ("hash:ip,mark", (at("10.0.0.5"), (MARK, struct.pack(">I", 1))), False, False),
        ("hash:net,net", (*network("10.0.0.4/31"), *network("192.0.2.0/24", ADDRESS2, LENGTH2)), True, False),
        ("hash:net,net", (*network("10.0.0.4/31"), *network("192.0.3.0/24", ADDRESS2, LENGTH2)), False, False),
        ("hash:ip,port", (at("10.0.0.5"), *port(6, 443)), True, False),
        ("hash:ip,port", (at("10.0.0.5"), *port(17, 443)), False, False),
        ("hash:net,port", (*network("10.0.0.4/31"), *port(6, 443)), True, False),
        ("hash:ip,port,ip", (at("10.0.0.5"), *port(6, 443), at("192.0.2.2", ADDRESS2)), True, False),
        ("hash:ip,port,net", (at("10.0.0.5"), *port(6, 443), *network("192.0.2.0/24", ADDRESS2, LENGTH2)), True, False),
        (
            "hash:net,port,net",
            (*network("10.0.0.4/31"), *port(6, 443), *network("192.0.2.0/24", ADDRESS2, LENGTH2)),
            True,
            False,
        ),
    ],
)
def test_element_holds_what_it_is_made_of(kind, element, inside, outside):
    assert (holds(kind, [element], PACKET), holds(kind, [element], ELSEWHERE)) == (inside, outside)


@pytest.mark.parametrize(
    ("interface", "flags", "expected"),
    [("eth0", 0, True), ("eth1", 0, False), ("eth", 0, False), ("eth", 0x80, True), ("eth0", 0x2, None)],
)
def test_interface_is_one_or_a_prefix_of_some(interface, flags, expected):
    element = (*network("10.0.0.0/24"), (INTERFACE, interface.encode() + b"\0"), (FLAGS, struct.pack(">I", flags)))
    assert holds("hash:net,iface", [element], PACKET, "src,src") is expected


def test_port_alone_is_that_of_tcp_and_udp_at_either_end():
    elements = [((PORT, struct.pack(">H", 443)),)]
    protocols = {name: Packet(4, name, dport=(443, 443)) for name in (6, 17, 132)}
    assert [holds("bitmap:port", elements, one, "dst", family=0) for one in protocols.values()] == [True, True, False]
    assert holds("bitmap:port", elements, protocols[6], "src", family=0) is False


def test_icmp_has_its_type_and_code_for_a_port():
    elements = [(at("10.0.0.5"), *port(1, 8 << 8)), (at("10.0.0.5"), *port(1, 3 << 8 | 4))]
    asked = [Packet(4, 1, icmp=icmp, source=HERE["source"]) for icmp in ((8, 0), (3, 4), (3, 3), (0, 0))]
    assert [holds("hash:ip,port", elements, packet) for packet in asked] == [True, True, False, False]


def test_netmask_cuts_addresses_and_a_mask_that_is_no_prefix_is_not_understood():
    near = Packet(4, 6, source=number("10.0.0.77"))
    assert holds("hash:ip", [(at("10.0.0.0"),)], near, header=[(NETMASK, b"\x18")]) is True
    assert holds("hash:ip", [(at("10.0.0.0"),)], near, header=[(BIT_MASK, attribute(1, b"\xff\xff\xff\0"))]) is True
    assert holds("hash:ip", [(at("10.0.0.0"),)], near, header=[(BIT_MASK, attribute(1, b"\xff\0\xff\0"))]) is None


def test_mask_of_marks_cuts_the_packets_mark():
    element = (at("10.0.0.5"), (MARK, struct.pack(">I", 1)))
    marked = Packet(4, 6, mark=5, **HERE)
    assert holds("hash:ip,mark", [element], marked, header=[(MARK_MASK, struct.pack(">I", 3))]) is True
    assert holds("hash:ip,mark", [element], marked) is False


def test_longest_prefix_decides_about_an_exception():
    elements = [network("10.0.0.0/8"), (*network("10.0.0.4/30"), NO_MATCH), network("10.0.0.6/32")]
    asked = [Packet(4, 6, source=number(f"10.0.0.{last}")) for last in (3, 5, 6, 8)]
    assert [holds("hash:net", elements, packet) for packet in asked] == [True, False, True, True]
    assert [holds("hash:net", elements, one, "src --return-nomatch") for one in asked] == [False, True, False, False]


def test_option_about_exceptions_means_nothing_to_a_type_that_has_none():
    assert holds("hash:ip", [(at("10.0.0.5"),)], PACKET, "src --return-nomatch") is True
    assert holds("hash:net", [network("10.0.0.5/32")], PACKET, "src --return-nomatch") is False


def test_exception_among_pairs_of_prefixes_is_not_followed():
    pairs = [(*network("10.0.0.0/8"), *network("192.0.2.0/24", ADDRESS2, LENGTH2))]
    assert (
        holds("hash:net,net", [*pairs, (*pairs[0][:2], *network("192.0.2.2/32", ADDRESS2, LENGTH2), NO_MATCH)], PACKET)
        is None
    )
    far = Packet(4, 6, **{**HERE, "source": number("11.0.0.1")})
    assert holds("hash:net,net", [*pairs, (*pairs[0], NO_MATCH)], far) is False


def test_set_of_another_version_or_of_more_dimensions_holds_nobody():
    elements = [(at("10.0.0.5"), *port(6, 443))]
    assert holds("hash:ip,port", elements, PACKET, "src") is False
    assert holds("hash:ip,port", elements, PACKET, "src,dst") is True
    assert holds("hash:net", [network("::/0")], PACKET, family=10) is False
    assert holds("hash:net", [network("::/0")], Packet(6, 6), family=10) is True


EIGHTH = [network("96.0.0.0/4"), network("112.0.0.0/4")]


@pytest.mark.parametrize(
    ("kind", "elements", "stranger", "anyone"),
    [
        ("hash:net", EIGHTH, None, None),
        ("hash:net", EIGHTH[:1], False, None),
        ("hash:net", [network(f"{n}.0.0.0/8") for n in range(256)], True, None),
        ("hash:net,port", [(*one, *port(6, 443)) for one in EIGHTH], None, None),
        ("hash:net,port", [(*one, *port(6, 80)) for one in EIGHTH], False, None),
        ("hash:net,port", [(*one, *port(6, 443 + n)) for n, one in enumerate(EIGHTH)], False, None),
        ("hash:net", [], False, None),
        ("hash:ip,port", [], False, None),
    ],
)
def test_stranger_may_be_in_what_holds_an_eighth_of_all_addresses(kind, elements, stranger, anyone):
    asked = [Packet(4, 6, dport=(443, 443)), Packet(4, 6, dport=(443, 443), source=ANY_SOURCE)]
    found = [holds(kind, elements, packet) for packet in asked]
    assert found == [stranger, True if stranger else anyone]


def test_list_holds_whom_one_of_its_sets_holds():
    sets = {
        "s": parse_ipset([message("list:set", ((NAME, b"a\0"),), ((NAME, b"b\0"),), ((NAME, b"six\0"),), family=0)]),
        "a": parse_ipset([message("hash:ip", (at("10.0.0.5"),), name="a")]),
        "b": parse_ipset([message("hash:ip,port", (at("10.0.0.6"), *port(6, 443)), name="b")]),
        "six": parse_ipset([message("hash:net", family=10, name="six")]),
    }
    assert sets["s"].members == ("a", "b", "six")
    asked = [PACKET, ELSEWHERE, Packet(4, 6, **{**HERE, "source": number("10.0.0.7")})]
    for directions, expected in (("src,dst", [True, True, False]), ("src", [True, False, False])):
        (table,) = bind(table_of(f"--match-set s {directions}"), sets)
        assert [rule_matches(table.chains[0].rules[0], packet) for packet in asked] == expected
    (table,) = bind(table_of("--match-set s src"), {name: sets[name] for name in ("s", "a", "b")})
    assert rule_matches(table.chains[0].rules[0], PACKET) is None  # of one within, nothing is known


def test_only_sets_that_rules_name_are_read():
    asked = []

    def read(names):
        asked.append(names)
        return {}

    plain = parse_save("*filter\n-A INPUT -p tcp --dport 443 -j DROP\nCOMMIT\n", "iptables-nft", "ip")
    assert bind_sets(plain, read) == (plain, {})
    named = table_of("! --match-set one src", "--match-set two dst --packets-gt 3")
    assert bind_sets(named, read) == (named, {})
    assert asked == [frozenset(("one", "two"))]


@pytest.mark.parametrize("have", [(), ("10.0.0.5",)])
def test_ban_by_a_set_is_left_ahead_of_what_lets_in(have):
    """An empty set is a set about sources, too."""
    ban = parse_ipset([message("hash:ip,port", *((at(one), *port(6, 443)) for one in have), name="ban")])
    text = "*filter\n:INPUT DROP\n-A INPUT -m set --match-set ban src,dst -j DROP\n-A INPUT -j DROP\nCOMMIT\n"
    for sets in ({}, {"ban": ban}):
        (table,) = bind(parse_save(text, "iptables-nft", "ip"), sets)
        place = Placement(table).find(Packet(4, 6, dport=(443, 443)), "auto")
        assert (place.chain, place.index) == ("INPUT", 1)


class Kernel:
    """Answers what it is told for each set; of what it is not told there is nothing."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, *_kind):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_raised):
        pass

    def settimeout(self, seconds):
        assert seconds > 0

    def send(self, request):
        kind, flags, sequence = struct.unpack_from("=HHI", request, 4)
        assert (kind, flags, request[16:28]) == (0x607, 0x301, b"\0\0\0\0" + attribute(1, b"\6"))
        name = request[32:].rstrip(b"\0").decode()
        self.asked.append(name)
        answers = self.answers.get(name, [])
        packed = [struct.pack("=IHHII", 20 + len(one), kind, 2, sequence, 0) + b"\2\0\0\0" + one for one in answers]
        code = 0 if answers else -errno.ENOENT
        end = struct.pack("=IHHIIi", 20, 3 if answers else 2, 2, sequence, 0, code)
        self.datagrams = [*packed, end]

    def recv(self, _size):
        return self.datagrams.pop(0)


def test_sets_are_asked_for_by_name_with_those_within(monkeypatch):
    listed = message("list:set", ((NAME, b"in\0"),), family=0, name="all")
    more = attribute(1, b"\6") + attribute(2, b"in\0") + attribute(8 | 0x8000, nested(7, at("10.0.0.6")))
    kernel = Kernel({"all": [listed], "in": [message("hash:ip", (at("10.0.0.5"),), name="in"), more]})
    monkeypatch.setattr(nfnetlink.socket, "socket", kernel)
    found = _netlink.read_ipsets(frozenset(("all", "nix")))
    assert kernel.asked == ["all", "nix", "in"]
    assert found["all"] == IpSet("all", "list:set", 0, elements=found["all"].elements, members=("in",))
    assert len(found["in"].elements) == 2


def test_where_there_is_no_netlink_no_set_is_known(monkeypatch):
    def refuse(*_kind):
        raise OSError(errno.EAFNOSUPPORT, "none")

    monkeypatch.setattr(nfnetlink.socket, "socket", refuse)
    assert _netlink.read_ipsets(frozenset(("s",))) == {}
