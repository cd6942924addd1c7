# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read in the headers of a packet, in any number of bytes that there are of it; what a recorder writes."""

from __future__ import annotations

from ansible_collections.port443.https.plugins.module_utils._host.wire.record import (
    Heard,
    pack_head,
    pack_heard,
    unpack,
)
from ansible_collections.port443.https.plugins.module_utils._witness.headers import SeenPacket, read_headers
from ansible_collections.port443.https.plugins.module_utils._witness.keeper import MOST_STRANGERS, Keeper
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import Watch
from hypothesis import given
from hypothesis import strategies as st
from wire import ACK, SYN, error, packet, tcp, udp

HERE, LOOKER = "203.0.113.2", "198.51.100.1"


def read(data, outgoing=False):
    return read_headers(1.5, outgoing, "eth0", data)


def test_the_headers_of_tcp_are_read():
    data = packet(LOOKER, HERE, tcp(40000, 443, SYN | ACK, b"hello", segment=1241, sequence=7, acknowledged=9))
    assert read(data[:48]) == SeenPacket(
        1.5, False, "eth0", 4, 6, LOOKER, HERE, 40000, 443, SYN | ACK, 7, 9, length=5, segment=1241
    )


def test_the_headers_of_udp_over_ipv6_are_read_behind_extensions():
    data = packet("2001:db8::1", "2001:db8::2", udp(40000, 443, b"hello"), extensions=[(0, b"\0" + b"\1" * 6)])
    assert read(data) == SeenPacket(1.5, False, "eth0", 6, 17, "2001:db8::1", "2001:db8::2", 40000, 443, length=5)


def test_what_an_error_quotes_is_read_as_far_as_it_goes():
    quoted = packet(LOOKER, HERE, tcp(40000, 443, SYN, sequence=7))
    seen = read(packet(HERE, LOOKER, error(4, 3, 13, quoted[:28])), True)
    assert (seen.error, seen.quoted.sport, seen.quoted.dport, seen.quoted.sequence) == ((3, 13), 40000, 443, 7)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_packet_or_none(data):
    assert read(data) is None or read(data).family in (4, 6)


HEARD = st.builds(Heard, st.floats(0, 1e9), st.booleans(), st.text(max_size=15), st.binary(min_size=1, max_size=160))


@given(st.lists(HEARD, max_size=8), st.integers(0, 2000))
def test_what_was_recorded_is_read_again_and_of_a_file_that_was_cut_off_what_is_there(heard, left):
    parts = [pack_head({"a": 1}), *map(pack_heard, heard)]
    assert unpack(b"".join(parts) + bytes(100)) == ({"a": 1}, tuple(heard), False)
    about, there, lost = unpack(b"".join(parts)[:left])
    assert there == tuple(heard)[: len(there)]
    assert (about, lost) in (({"a": 1}, False), ({}, True))


def test_a_recorder_learns_who_looks_by_the_mark_and_keeps_what_follows_of_him_alone():
    keeper = Keeper(Watch((443,), (), 1241))
    first = keeper.program

    def keep(source, destination, inner):
        return keeper.keep(Heard(0.0, False, "eth0", packet(source, destination, inner)))[0]

    assert not keep(LOOKER, HERE, tcp(1, 443, SYN, segment=1460))
    assert not keep(HERE, LOOKER, tcp(443, 1, SYN | ACK))
    assert keep(LOOKER, HERE, tcp(2, 443, SYN, segment=1241))
    assert keep(HERE, LOOKER, tcp(443, 2, SYN | ACK))
    assert keep(HERE, LOOKER, error(4, 3, 13, packet(LOOKER, HERE, tcp(2, 443, SYN))))
    assert not keep("192.0.2.7", HERE, tcp(2, 443, SYN))
    assert keeper.program != first


def test_a_recorder_takes_no_more_of_others_than_it_can_bear():
    keeper = Keeper(Watch((443,), (), 1241))
    other = Heard(0.0, True, "eth0", packet(HERE, LOOKER, tcp(443, 1, SYN | ACK)))
    first = keeper.program
    for _one in range(MOST_STRANGERS - 1):
        keeper.keep(other)
    assert keeper.program is first
    assert keeper.keep(other) == (False, keeper.program)
    assert keeper.program is not first
