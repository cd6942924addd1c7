# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of D-Bus as bytes, and back."""

from __future__ import annotations

import struct

import pytest
from ansible_collections.port443.https.plugins.module_utils._host.dbus_codec import Reader, Writer, split_types
from hypothesis import given
from hypothesis import strategies as st


def written(signature, *values):
    writer = Writer()
    writer.write_all(signature, values)
    return bytes(writer.content)


def test_a_signature_is_split_into_its_complete_types():
    assert split_types("") == ()
    assert split_types("ssi") == ("s", "s", "i")
    assert split_types("sa{sv}a(ss)aasv") == ("s", "a{sv}", "a(ss)", "aas", "v")
    assert split_types("((sa{s(ii)})b)y") == ("((sa{s(ii)})b)", "y")


# Worked out by hand from the section Marshaling of the D-Bus specification.
BYTES = [
    ("s", ("foo",), b"\x03\0\0\0foo\0"),
    ("ys", (7, "ä"), b"\x07\0\0\0\x02\0\0\0\xc3\xa4\0"),
    ("b", (True,), b"\x01\0\0\0"),
    ("yx", (1, -1), b"\x01" + bytes(7) + b"\xff" * 8),
    ("as", ([],), bytes(4)),
    ("at", ([5],), b"\x08\0\0\0" + bytes(4) + b"\x05" + bytes(7)),
    ("g", ("a{sv}",), b"\x05a{sv}\0"),
    ("v", (("u", 9),), b"\x01u\0\0\x09\0\0\0"),
    ("a(ss)", ([("1", "t")],), b"\x0e\0\0\0" + bytes(4) + b"\x01\0\0\x001\0\0\0\x01\0\0\0t\0"),
]


@pytest.mark.parametrize(("signature", "values", "expected"), BYTES, ids=[case[0] for case in BYTES])
def test_values_are_written_as_the_specification_says(signature, values, expected):
    assert written(signature, *values) == expected


def plain(kind, value):
    """A value as it is read: sequences are lists, structures tuples, variants lose their signature."""
    if kind == "v":
        return plain(*value)
    if kind.startswith("a{"):
        inner = split_types(kind[2:-1])
        return {plain(inner[0], key): plain(inner[1], one) for key, one in value.items()}
    if kind.startswith("a"):
        return [plain(kind[1:], one) for one in value]
    if kind.startswith("("):
        return tuple(plain(inner, one) for inner, one in zip(split_types(kind[1:-1]), value))
    return value


def values_of(kind):
    if kind in RANGES:
        return st.integers(*RANGES[kind])
    if kind == "v":
        return st.sampled_from(["s", "u", "as", "(yt)"]).flatmap(lambda one: st.tuples(st.just(one), values_of(one)))
    if kind.startswith("a{"):
        inner = split_types(kind[2:-1])
        return st.dictionaries(values_of(inner[0]), values_of(inner[1]), max_size=3)
    if kind.startswith("a"):
        return st.lists(values_of(kind[1:]), max_size=3)
    if kind.startswith("("):
        return st.tuples(*map(values_of, split_types(kind[1:-1])))
    return {"s": st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), "b": st.booleans()}[kind]


RANGES = {
    "y": (0, 255),
    "n": (-(2**15), 2**15 - 1),
    "i": (-(2**31), 2**31 - 1),
    "u": (0, 2**32 - 1),
    "t": (0, 2**64 - 1),
}
KINDS = st.sampled_from(
    ["y", "n", "i", "u", "t", "s", "b", "v", "as", "a(ss)", "a{sv}", "(ya{s(ii)}b)", "aay", "a(yv)"]
)


@given(st.data(), st.lists(KINDS, max_size=5))
def test_what_is_written_is_read_again(data, kinds):
    values = [data.draw(values_of(kind)) for kind in kinds]
    signature = "".join(kinds)
    reader = Reader(b"l" + bytes(7) + written(signature, *values))
    reader.read_all("y")
    reader.align(8)
    assert reader.read_all(signature) == tuple(plain(kind, value) for kind, value in zip(kinds, values))


def test_a_message_of_the_other_byte_order_is_read():
    reader = Reader(b"B" + bytes(3) + struct.pack(">I", 5) + b"hello\0")
    assert reader.read_all("ys") == (ord("B"), "hello")
