# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel keeps of which packet: headers to the byte, of the look alone, and nothing of what it carries."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.wire.record import LONGEST
from ansible_collections.port443.https.plugins.module_utils._witness.assembler import MOST_INSTRUCTIONS, Assembler
from ansible_collections.port443.https.plugins.module_utils._witness.headers import read_headers
from ansible_collections.port443.https.plugins.module_utils._witness.packet_filter import MARKS, Watch, make_filter
from hypothesis import given
from hypothesis import strategies as st
from wire import ACK, IPV4, PSH, RST, SYN, error, kept, packet, tcp, udp

MARK = 1241
HERE = {4: "203.0.113.2", 6: "2001:db8:2::2"}
LOOKER = {4: "198.51.100.1", 6: "2001:db8:1::1"}
OTHER = {4: "198.51.100.9", 6: "2001:db8:1::9"}
SECRET = b"the marker of a test"
KNOWN = make_filter(Watch((443, 80), tuple(LOOKER.values()), MARK))
UNKNOWN = make_filter(Watch((443, 80), (), MARK))
STRICT = make_filter(Watch((443, 80), (), MARK, strict=True))
BOTH = pytest.mark.parametrize("family", [4, 6])


def head(family):
    return 20 if family == 4 else 40


def coming(family, inner, source=None, **more):
    return packet((source or LOOKER)[family], HERE[family], inner, **more)


@BOTH
def test_of_the_looker_all_headers_are_kept_and_no_byte_behind_them(family):
    for inner, length in (
        (tcp(40000, 443, SYN, SECRET), 20),
        (tcp(40000, 443, ACK | PSH, SECRET, segment=1460), 28),
        (tcp(40000, 9, ACK | PSH, SECRET), 20),
        (udp(40000, 443, SECRET), 8),
    ):
        assert kept(KNOWN, coming(family, inner)) == head(family) + length
        assert kept(KNOWN, packet(HERE[family], LOOKER[family], inner)) == head(family) + length


@BOTH
def test_of_others_nothing_is_kept_but_what_the_host_answers_them(family):
    assert kept(KNOWN, coming(family, tcp(40000, 443, SYN, SECRET, segment=1460), OTHER)) == 0
    assert kept(KNOWN, coming(family, tcp(40000, 443, ACK | PSH, SECRET), OTHER)) == 0
    assert kept(KNOWN, coming(family, udp(40000, 443, SECRET), OTHER)) == 0
    answer = packet(HERE[family], OTHER[family], tcp(443, 40000, SYN | ACK, segment=1460))
    assert kept(KNOWN, answer) == head(family) + 28
    assert kept(KNOWN, packet(HERE[family], OTHER[family], tcp(443, 40000, ACK | PSH, SECRET))) == 0
    assert kept(KNOWN, packet(HERE[family], OTHER[family], tcp(8443, 40000, RST, SECRET))) == head(family) + 20
    assert kept(STRICT, answer) == 0


@BOTH
@pytest.mark.parametrize(("segment", "is_kept"), [(0, 0), (-1, 0), (MARKS - 1, 1), (MARKS, 0)])
def test_who_is_not_known_is_known_by_the_segment_size_that_he_asks_for(family, segment, is_kept):
    asked = MARK + segment if segment else 1460
    inner = tcp(40000, 8443, SYN, SECRET, segment=asked)
    assert kept(STRICT, coming(family, inner)) == is_kept * (head(family) + 28)
    assert kept(STRICT, coming(family, tcp(40000, 443, SYN, segment=MARK))) == head(family) + 28


@BOTH
def test_datagrams_of_anybody_are_kept_where_that_is_asked_for(family):
    wide = make_filter(Watch((443,), datagrams=True))
    assert kept(wide, coming(family, udp(40000, 443, SECRET), OTHER)) == head(family) + 8
    assert kept(wide, coming(family, udp(40000, 53, SECRET), OTHER)) == 0
    assert kept(UNKNOWN, coming(family, udp(40000, 443, SECRET), OTHER)) == 0


@BOTH
def test_an_error_is_kept_up_to_the_ports_that_it_quotes(family):
    quoted = packet(OTHER[family], HERE[family], tcp(40000, 443, ACK | PSH, SECRET))
    told = packet(HERE[family], OTHER[family], error(family, 3 if family == 4 else 1, 13 if family == 4 else 1, quoted))
    assert kept(UNKNOWN, told) == head(family) + 8 + head(family) + 8
    assert kept(STRICT, told) == 0
    elsewhere = packet(OTHER[family], HERE[family], tcp(40000, 22, ACK | PSH, SECRET))
    assert kept(UNKNOWN, packet(HERE[family], OTHER[family], error(family, 3, 1, elsewhere))) == 0
    ping = packet(OTHER[family], HERE[family], error(family, 8 if family == 4 else 128, 0, quoted))
    assert kept(UNKNOWN, ping) == 0


def test_options_of_ipv4_and_extension_headers_of_ipv6_are_stepped_over():
    inner = tcp(40000, 443, SYN, SECRET)
    assert kept(KNOWN, packet(LOOKER[4], HERE[4], inner, options=b"\1" * 8)) == 20 + 8 + 20
    one, two = (0, b"\0" + b"\1" * 6), (60, b"\1" + b"\1" * 14)
    first_fragment = (44, b"\0\0\1\0\0\0\7")
    assert kept(KNOWN, packet(LOOKER[6], HERE[6], inner, extensions=[one, two])) == 40 + 8 + 16 + 20
    assert kept(KNOWN, packet(LOOKER[6], HERE[6], inner, extensions=[one, first_fragment])) == 40 + 8 + 8 + 20
    assert kept(KNOWN, packet(LOOKER[6], HERE[6], inner, extensions=[one] * 5)) == 40 + 5 * 8 + 20
    assert kept(KNOWN, packet(LOOKER[6], HERE[6], inner, extensions=[one] * 6)) == 0


def test_a_later_fragment_has_no_ports():
    inner = tcp(40000, 443, SYN, SECRET)
    assert kept(KNOWN, packet(LOOKER[4], HERE[4], inner, fragment=0x2000)) == 40
    assert kept(KNOWN, packet(LOOKER[4], HERE[4], inner, fragment=0x0010)) == 0
    assert kept(KNOWN, packet(LOOKER[6], HERE[6], inner, extensions=[(44, b"\0\0\x10\0\0\0\7")])) == 0


def test_what_is_no_ip_is_left():
    assert kept(KNOWN, bytes(60)) == 0
    assert IPV4 == 0x800


ADDRESSES = st.ip_addresses()
PACKETS = st.builds(
    lambda pair, inner, at: (packet(*pair, inner), at),
    st.one_of(
        *(st.tuples(st.ip_addresses(v=family), st.ip_addresses(v=family)) for family in (4, 6)),
    ),
    st.one_of(
        st.builds(
            tcp,
            st.integers(0, 65535),
            st.sampled_from([443, 80, 22]),
            st.integers(0, 63),
            st.binary(max_size=200),
            st.integers(0, 1500),
        ),
        st.builds(udp, st.sampled_from([443, 22]), st.integers(0, 65535), st.binary(max_size=200)),
    ),
    st.integers(0, 300),
)


@given(PACKETS, st.lists(ADDRESSES, max_size=4), st.booleans())
def test_of_any_packet_no_more_than_its_headers_is_kept(made, addresses, strict):
    whole, cut = made
    watch = Watch((443, 80), tuple(str(ipaddress.ip_address(one)) for one in addresses), MARK, strict, True)
    length = kept(make_filter(watch), whole)
    seen = read_headers(0.0, False, "eth0", whole)
    assert length == 0 or length == len(whole) - seen.length
    assert length <= LONGEST
    kept(make_filter(watch), whole[:cut] or b"\0")


def test_a_filter_for_many_addresses_is_one_that_the_kernel_takes():
    many = tuple(f"2001:db8::{number:x}" for number in range(1, 33)) + tuple(f"192.0.2.{one}" for one in range(32))
    program = make_filter(Watch((443, 80), many, MARK))
    assert len(program) < MOST_INSTRUCTIONS
    assert all(0 <= yes < 256 and 0 <= no < 256 for _code, yes, no, _number in program)
    assert kept(program, packet("2001:db8::20", HERE[6], tcp(1, 443, ACK))) == 60
    with pytest.raises(ValueError, match="too long"):
        make_filter(Watch((443,), tuple(f"2001:db8::{number:x}" for number in range(1, 500))))


def test_a_filter_that_goes_back_is_refused():
    code = Assembler()
    code.label("here")
    code.emit(0x00)
    code.jump("here")
    with pytest.raises(ValueError, match="cannot go back"):
        code.finish()
