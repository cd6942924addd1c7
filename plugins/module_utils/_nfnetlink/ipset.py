# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses the kernel's messages about ipsets: their types and elements.

Numbers are those of include/uapi/linux/netfilter/ipset/ip_set.h.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import Any, Dict, Hashable, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.intervals import Spans, merge_spans
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import ALL_BITS, Span
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
    read_string,
)

SET_NAME, _TYPE_NAME, _FAMILY, _DATA, _ELEMENTS = 2, 3, 5, 7, 8
_ADDRESS, _LENGTH, _PORT, _PROTOCOL, _FLAGS, _MARK, _MARK_MASK, _BIT_MASK = 1, 3, 4, 7, 8, 10, 11, 12
_NETMASK, _NAME, _ADDRESS2, _LENGTH2, _INTERFACE = 20, 18, 20, 21, 23
_OF_PHYSICAL_DEVICE, _NO_MATCH, _WILDCARD = 0x2, 0x4, 0x80
_VERSIONS = {2: 4, 10: 6}  # AF_INET and AF_INET6
_BITS = {4: 32, 6: 128}
LIST = "list:set"

Dimension = Tuple[Any, ...]
"""All values of a dimension that go with the other dimensions of a row: spans of addresses, protocols or ports, names
of interfaces (a trailing ``+`` is a prefix, nothing for a port of a bridge), marks; of MAC addresses that it is one."""

Row = Tuple[Dimension, ...]


@dataclass(frozen=True)
class IpSet:
    """A set; ``family`` is 4 or 6, 0 where it holds no addresses. ``elements`` are as the kernel listed them.

    ``prefix`` is the length to which addresses are cut before they are looked up, None for no such prefix;
    ``scattered`` tells that they are cut in another way, which is not followed. ``members`` are the sets of a list:set.
    """

    name: str
    kind: str
    family: int
    prefix: Optional[int] = None
    scattered: bool = False
    mark_mask: int = ALL_BITS
    elements: Tuple[bytes, ...] = ()
    members: Tuple[str, ...] = ()

    @property
    def dimensions(self) -> Tuple[str, ...]:
        """What is looked up: ip, net, port, mac, mark, iface, or the set of a list."""
        return tuple(self.kind.partition(":")[2].split(","))


class Contents(NamedTuple):
    """What is in a set: the rows of ordinary elements and those of elements with ``nomatch``.

    A port is two dimensions, protocol and port. ``exact`` is unset where an element with nomatch may keep a packet from
    matching a row, which the rows do not show.
    """

    rows: Tuple[Row, ...]
    excepted: Tuple[Row, ...]
    exact: bool


def parse_ipset(messages: Sequence[bytes]) -> IpSet:
    """Returns the set that the answers to IPSET_CMD_LIST tell of; the first has the header, all have elements."""
    listed = [dict(read_attributes(payload)) for payload in messages]
    first = listed[0]
    header = read_nested(first, _DATA)
    family = _VERSIONS.get((first.get(_FAMILY) or b"\0")[0], 0)
    mask = b"".join(read_nested(header, _BIT_MASK).values())
    prefix = header[_NETMASK][0] if header.get(_NETMASK) else _prefix_of(mask)
    kind = read_string(first.get(_TYPE_NAME, b""))
    elements = tuple(attributes[_ELEMENTS] for attributes in listed if attributes.get(_ELEMENTS))
    return IpSet(
        read_string(first.get(SET_NAME, b"")),
        kind,
        family,
        prefix,
        (bool(mask) and prefix is None) or (prefix is not None and "net" in kind),
        read_number(header[_MARK_MASK]) if _MARK_MASK in header else ALL_BITS,
        elements,
        tuple(read_string(one.get(_NAME, b"")) for one in _each(elements)) if kind == LIST else (),
    )


def _prefix_of(mask: bytes) -> Optional[int]:
    """The length of a mask that is a prefix."""
    bits = "".join(f"{byte:08b}" for byte in mask)
    return len(bits.rstrip("0")) if bits and "01" not in bits else None


def _each(elements: Iterable[bytes]) -> Iterable[Dict[int, bytes]]:
    return (dict(read_attributes(raw)) for payload in elements for _number, raw in read_attributes(payload))


# A run reads the same sets several times: before and after, and in the rehearsal's child.
@lru_cache(maxsize=64)
def read_contents(have: IpSet) -> Contents:
    """Returns what is in a set of any type but list:set, rows that differ in one dimension alone as one.

    The longest prefix decides where an element with nomatch is within another (hash:net and the like).
    """
    if have.dimensions in (("ip",), ("net",)):
        decided = _decided(_read_nets(have))
        fine, excepted = (((spans,),) if spans else () for spans in (decided.get(False, ()), decided.get(True, ())))
        return Contents(fine, excepted, True)
    rows, exceptions = _read_rows(have)
    if have.dimensions == ("net", "iface"):
        return _by_interface(have, rows, exceptions)
    if not exceptions:
        return Contents(_merged(have, rows), (), True)
    if have.dimensions.count("net") == 1:
        return _by_length(have, rows, exceptions)
    return Contents(_merged(have, rows), _merged(have, exceptions), False)


_Net = Tuple[int, int, bool]
"""The first address, the last one, and whether it does not match."""


def _read_nets(have: IpSet) -> List[_Net]:
    """The elements of a set of addresses or prefixes; the kernel lists the address first, and the rest repeats."""
    rests: Dict[bytes, Tuple[int, bool]] = {}
    found: List[_Net] = []
    bits = _BITS.get(have.family, 32)
    for payload in have.elements:
        for low, rest in _addresses(payload, have.family):
            known = rests.get(rest)
            if known is None:
                attributes = dict(read_attributes(rest))
                known = (1 << (bits - _length(have, attributes.get(_LENGTH)))) - 1, _is_excepted(attributes)
                if len(rests) < 256:  # with counters or timeouts they are all different
                    rests[rest] = known
            found.append((low, low + known[0], known[1]))
    return found


def _addresses(payload: bytes, family: int) -> Iterable[Tuple[int, bytes]]:
    """Address and what is said of it, of each element; those of IPv4 that are all of one size are cut at once."""
    size = (int.from_bytes(payload[:2], sys.byteorder) + 3) & ~3
    if family == 4 and size > 16 and len(payload) % size == 0:
        cut = list(Struct(f">12sI{size - 16}s").iter_unpack(payload))
        if all(head == payload[:12] for head, _address, _rest in cut):
            return [(address, rest) for _head, address, rest in cut]
    head = 24 if family == 6 else 12
    listed = read_attributes(payload)
    return [(int.from_bytes(raw[8:head], "big"), raw[head:]) for _number, raw in listed]


def _length(have: IpSet, value: Optional[bytes]) -> int:
    if value:
        return value[0]
    return _BITS.get(have.family, 32) if have.prefix is None else have.prefix


def _is_excepted(attributes: Dict[int, bytes]) -> bool:
    return bool(read_number(attributes.get(_FLAGS)) & _NO_MATCH)


def _decided(nets: Sequence[Tuple[int, int, Hashable]]) -> Dict[Hashable, Spans]:
    """By tag: the addresses for which one of its prefixes is the longest. Prefixes lie within each other or apart."""
    if len({tag for _low, _high, tag in nets}) == 1:
        return {nets[0][2]: merge_spans([(low, high) for low, high, _tag in nets])}
    found: Dict[Hashable, List[Span]] = {}
    around: List[Tuple[int, int, Hashable]] = []
    at = 0
    for net in [*sorted(nets, key=lambda one: (one[0], -one[1])), None]:
        while around and (net is None or around[-1][1] < net[0]):
            _low, high, tag = around.pop()
            if at <= high:
                found.setdefault(tag, []).append((at, high))
                at = high + 1
        if net is None:
            break
        if around and at < net[0]:
            found.setdefault(around[-1][2], []).append((at, net[0] - 1))
        at = net[0]
        around.append(net)
    return {tag: merge_spans(spans) for tag, spans in found.items()}


def _read_rows(have: IpSet) -> Tuple[List[Row], List[Row]]:
    """A row for each element: those that match, and those that are exceptions."""
    rows: Tuple[List[Row], List[Row]] = ([], [])
    for attributes in _each(have.elements):
        rows[_is_excepted(attributes)].append(tuple(_values(have, attributes)))
    return rows


def _values(have: IpSet, attributes: Dict[int, bytes]) -> Iterable[Dimension]:
    places = [(_ADDRESS, _LENGTH), (_ADDRESS2, _LENGTH2)]
    for dimension in have.dimensions:
        if dimension in ("ip", "net"):
            address, length = places.pop(0)
            raw = b"".join(read_nested(attributes, address).values())
            low = int.from_bytes(raw, "big")
            yield ((low, low + (1 << (_BITS[have.family] - _length(have, attributes.get(length)))) - 1),)
        elif dimension == "port":
            # bitmap:port looks at those of TCP and UDP alone (ip_set_bitmap_port.c)
            yield tuple((one, one) for one in attributes.get(_PROTOCOL, b"\x06\x11"))
            port = int.from_bytes(attributes.get(_PORT, b""), "big")
            yield ((port, port),)
        elif dimension == "iface":
            flags, name = read_number(attributes.get(_FLAGS)), read_string(attributes.get(_INTERFACE, b""))
            yield ("" if flags & _OF_PHYSICAL_DEVICE else name + "+" if flags & _WILDCARD else name,)
        else:
            yield (read_number(attributes.get(_MARK)) if dimension == "mark" else dimension,)


def _spanning(have: IpSet) -> List[int]:
    """The places in a row of what has spans that may be joined: addresses and ports."""
    return [place for place, part in enumerate(_places(have)) if part in ("ip", "net", "port")]


def _places(have: IpSet) -> List[str]:
    """What stands at each place of a row."""
    return [part for name in have.dimensions for part in (("protocol", "port") if name == "port" else (name,))]


def _merged(have: IpSet, rows: Sequence[Row]) -> Tuple[Row, ...]:
    """Joins rows that differ in one place alone, one place after the other."""
    for place in _spanning(have):
        rows = [_put(key, place, merge_spans(spans)) for key, spans in _grouped(rows, place).items()]
    return tuple(rows)


def _grouped(rows: Sequence[Row], place: int) -> Dict[Row, List[Span]]:
    groups: Dict[Row, List[Span]] = {}
    for row in rows:
        groups.setdefault(row[:place] + row[place + 1 :], []).extend(row[place])
    return groups


def _put(key: Row, place: int, value: Dimension) -> Row:
    return (*key[:place], value, *key[place:])


def _by_length(have: IpSet, rows: Sequence[Row], exceptions: Sequence[Row]) -> Contents:
    """Decides by the longest prefix among the elements that are the same but for the prefix."""
    place = _places(have).index("net")
    nets: Dict[Row, List[_Net]] = {}
    for listed, excepted in ((rows, False), (exceptions, True)):
        for key, spans in _grouped(listed, place).items():
            nets.setdefault(key, []).extend((low, high, excepted) for low, high in spans)
    found: Dict[bool, List[Row]] = {False: [], True: []}
    for key, group in nets.items():
        for no_match, decided in _decided(group).items():
            found[bool(no_match)].append(_put(key, place, decided))
    return Contents(_merged(have, found[False]), _merged(have, found[True]), True)


def _by_interface(have: IpSet, rows: Sequence[Row], exceptions: Sequence[Row]) -> Contents:
    """Of hash:net,iface the longest prefix that is there with any interface decides (ip_set_hash_gen.h, ``multi``)."""
    nets = sorted({row[0][0] for row in (*rows, *exceptions)})
    decided = _decided([(low, high, (low, high)) for low, high in nets]) if nets else {}
    kept, excepted = (
        [(decided[row[0][0]], row[1]) for row in listed if row[0][0] in decided] for listed in (rows, exceptions)
    )
    both = {row[0] for row in rows} & {row[0] for row in exceptions}
    exact = all(_is_single(row[1][0]) for row in (*rows, *exceptions) if row[0] in both)
    return Contents(_merged(have, kept), _merged(have, excepted), exact)


def _is_single(name: str) -> bool:
    """Whether an interface is meant that no other element may mean, too."""
    return bool(name) and not name.endswith("+")
