# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Makes the program by which the kernel keeps the headers of a look's packets, and nothing of anybody else's.

What it returns is how many bytes the recorder gets: IP and TCP headers with their options, or what an ICMP error quotes
up to the ports. So no byte of what a connection carries ever leaves the kernel.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Tuple

from ansible_collections.port443.https.plugins.module_utils._witness import assembler as bpf
from ansible_collections.port443.https.plugins.module_utils._witness.assembler import Assembler, Instruction

MARKS = 16
"""How many values of the maximum segment size stand for one look, from its mark on."""
IPV4, IPV6 = 0x0800, 0x86DD
TCP, UDP, ICMP, ICMPV6 = 6, 17, 1, 58
SYN, RST, ACK = 0x02, 0x04, 0x10
_AT, _KIND, _OURS, _NEXT = 0, 1, 2, 3  # cells: where the inner header begins, what it is, whose it is, a step's result
_EXTENSIONS = 5  # headers of IPv6 between the first and TCP that are stepped over
_LENGTH_OF_TWO = 0x0204  # how the option for the maximum segment size begins: kind 2, four bytes
_ERRORS = {ICMP: (3, 11), ICMPV6: (1, 2, 3)}  # unreachable, (too big,) time exceeded
_PORTS = 8  # bytes of a quoted header: its ports and what follows them


@dataclass(frozen=True)
class Watch:
    """Whose packets are kept.

    ``ports`` are those that are looked at; ``addresses`` are the looker's, as far as they are known: all of theirs are
    kept. Of others the first packet of a connection is kept if its maximum segment size is between ``mark`` and 15
    more, by which a look is known behind address translation; 0 is for no mark. Answers to others are kept as well, as
    one may come before it is known who looks, but not if ``strict``; ``datagrams`` keeps UDP of anybody at the ports.
    """

    ports: Tuple[int, ...]
    addresses: Tuple[str, ...] = ()
    mark: int = 0
    strict: bool = False
    datagrams: bool = False


def make_filter(watch: Watch) -> Tuple[Instruction, ...]:
    """Returns the program for packets that begin with their IP header (a socket of SOCK_DGRAM)."""
    code = Assembler()
    code.emit(bpf.LOAD_HALF, bpf.PROTOCOL)
    code.jump_if(bpf.EQUAL, IPV4, "ipv4")
    code.jump_if(bpf.EQUAL, IPV6, "ipv6")
    code.jump("drop")
    _read_ipv4(code, watch)
    _read_ipv6(code, watch)
    _choose_kind(code)
    _keep_tcp(code, watch)
    _keep_udp(code, watch)
    _keep_errors(code, watch)
    code.label("drop")
    code.emit(bpf.RETURN, 0)
    return code.finish()


def _read_ipv4(code: Assembler, watch: Watch) -> None:
    code.label("ipv4")
    code.emit(bpf.LOAD_HALF, 6)
    code.jump_if(bpf.ANY_BIT, 0x1FFF, "drop")  # a later fragment has no ports
    code.emit(bpf.LOAD_X_HEADER, 0)
    code.emit(bpf.STORE_X, _AT)
    code.emit(bpf.LOAD_BYTE, 9)
    code.emit(bpf.STORE, _KIND)
    _compare(code, watch, 4, (12, 16))


def _read_ipv6(code: Assembler, watch: Watch) -> None:
    code.label("ipv6")
    code.emit(bpf.LOAD, 40)
    code.emit(bpf.STORE, _AT)
    code.emit(bpf.LOAD_BYTE, 6)
    for number in range(_EXTENSIONS):
        code.emit(bpf.STORE, _KIND)
        for kind in (0, 43, 60):  # hop by hop, routing, destination options: RFC 8200
            code.jump_if(bpf.EQUAL, kind, f"options{number}")
        code.jump_unless(bpf.EQUAL, 44, "addresses6")
        code.emit(bpf.LOAD_X_STORED, _AT)
        code.emit(bpf.LOAD_HALF_X, 2)
        code.jump_if(bpf.ANY_BIT, 0xFFF8, "drop")
        code.emit(bpf.X_TO_A)
        code.emit(bpf.ADD, 8)
        code.jump(f"step{number}")
        code.label(f"options{number}")
        code.emit(bpf.LOAD_X_STORED, _AT)
        code.emit(bpf.LOAD_BYTE_X, 1)
        code.emit(bpf.ADD, 1)
        code.emit(bpf.SHIFT_LEFT, 3)
        code.emit(bpf.ADD_X)
        code.label(f"step{number}")
        code.emit(bpf.STORE, _AT)
        code.emit(bpf.LOAD_BYTE_X, 0)
    code.emit(bpf.STORE, _KIND)
    code.label("addresses6")
    _compare(code, watch, 6, (8, 24))


def _compare(code: Assembler, watch: Watch, version: int, offsets: Tuple[int, int]) -> None:
    """Notes whether the packet comes from, or goes to, one of the addresses."""
    addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in watch.addresses]
    for number, address in enumerate(one for one in addresses if one.version == version):
        words = [int.from_bytes(address.packed[at : at + 4], "big") for at in range(0, len(address.packed), 4)]
        for offset in offsets:
            other = f"address {version} {number} {offset}"
            for place, word in enumerate(words):
                code.emit(bpf.LOAD_WORD, offset + 4 * place)
                code.jump_unless(bpf.EQUAL, word, other)
            code.emit(bpf.LOAD, 1)
            code.emit(bpf.STORE, _OURS)
            code.jump("kinds")
            code.label(other)
    code.emit(bpf.LOAD, 0)
    code.emit(bpf.STORE, _OURS)
    code.jump("kinds")


def _choose_kind(code: Assembler) -> None:
    code.label("kinds")
    code.emit(bpf.LOAD_STORED, _KIND)
    for kind, name in ((TCP, "tcp"), (UDP, "udp"), (ICMP, "icmp"), (ICMPV6, "icmpv6")):
        code.jump_if(bpf.EQUAL, kind, name)
    code.jump("drop")


def _keep_tcp(code: Assembler, watch: Watch) -> None:
    code.label("tcp")
    code.emit(bpf.LOAD_X_STORED, _AT)
    code.emit(bpf.LOAD_STORED, _OURS)
    code.jump_if(bpf.EQUAL, 1, "keep")
    if watch.mark:
        code.emit(bpf.LOAD_BYTE_X, 13)
        code.emit(bpf.AND, SYN | ACK)
        code.jump_unless(bpf.EQUAL, SYN, "answers")
        code.emit(bpf.LOAD_HALF_X, 20)  # the first option, where every system has it that sends one
        code.jump_unless(bpf.EQUAL, _LENGTH_OF_TWO, "answers")
        code.emit(bpf.LOAD_HALF_X, 22)
        code.jump_unless(bpf.AT_LEAST, watch.mark, "answers")
        code.jump_unless(bpf.GREATER, watch.mark + MARKS - 1, "keep")
    code.label("answers")
    if not watch.strict:
        code.emit(bpf.LOAD_BYTE_X, 13)
        code.jump_if(bpf.ANY_BIT, RST, "keep")
        code.emit(bpf.AND, SYN | ACK)
        code.jump_if(bpf.EQUAL, SYN | ACK, "keep")
    code.jump("drop")
    code.label("keep")
    code.emit(bpf.LOAD_BYTE_X, 12)
    code.emit(bpf.SHIFT_RIGHT, 2)
    code.emit(bpf.AND, 0x3C)
    code.emit(bpf.ADD_X)
    code.emit(bpf.RETURN_A)


def _keep_udp(code: Assembler, watch: Watch) -> None:
    code.label("udp")
    code.emit(bpf.LOAD_X_STORED, _AT)
    code.emit(bpf.LOAD_STORED, _OURS)
    code.jump_if(bpf.EQUAL, 1, "keep udp")
    for offset in (0, 2) if watch.datagrams and not watch.strict else ():
        code.emit(bpf.LOAD_HALF_X, offset)
        for port in watch.ports:
            code.jump_if(bpf.EQUAL, port, "keep udp")
    code.jump("drop")
    code.label("keep udp")
    code.emit(bpf.X_TO_A)
    code.emit(bpf.ADD, 8)
    code.emit(bpf.RETURN_A)


def _keep_errors(code: Assembler, watch: Watch) -> None:
    """ICMP errors that quote a packet from or to one of the ports, or that are the looker's."""
    for kind, name in ((ICMP, "icmp"), (ICMPV6, "icmpv6")):
        code.label(name)
        code.emit(bpf.LOAD_X_STORED, _AT)
        code.emit(bpf.LOAD_BYTE_X, 0)
        for error in _ERRORS[kind]:
            code.jump_if(bpf.EQUAL, error, f"{name} error")
        code.jump("drop")
        code.label(f"{name} error")
        if kind == ICMP:
            code.emit(bpf.LOAD_BYTE_X, 8)
            code.emit(bpf.AND, 0x0F)
            code.emit(bpf.SHIFT_LEFT, 2)
        else:
            code.emit(bpf.LOAD, 40)
        code.emit(bpf.ADD, 8)
        code.emit(bpf.ADD_X)
        code.emit(bpf.STORE, _NEXT)
        code.jump("quotes")
    code.label("quotes")
    code.emit(bpf.LOAD_X_STORED, _NEXT)
    code.emit(bpf.LOAD_STORED, _OURS)
    code.jump_if(bpf.EQUAL, 1, "keep quote")
    for offset in (0, 2) if not watch.strict else ():
        code.emit(bpf.LOAD_HALF_X, offset)
        for port in watch.ports:
            code.jump_if(bpf.EQUAL, port, "keep quote")
    code.jump("drop")
    code.label("keep quote")
    code.emit(bpf.X_TO_A)
    code.emit(bpf.ADD, _PORTS)
    code.emit(bpf.RETURN_A)
