# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Packets as bytes, from their IP header on, and a machine that runs programs of classic BPF over them."""

from __future__ import annotations

import ipaddress
import struct

SYN, RST, ACK, PSH = 0x02, 0x04, 0x10, 0x08
IPV4, IPV6 = 0x800, 0x86DD


def tcp(sport, dport, flags, payload=b"", segment=0, sequence=1, acknowledged=0):
    options = struct.pack("!BBH", 2, 4, segment) + b"\1\3\3\7" if segment else b""
    head = 20 + len(options)
    fixed = struct.pack("!HHIIBBHHH", sport, dport, sequence, acknowledged, head // 4 << 4, flags, 64240, 0, 0)
    return 6, fixed + options + payload


def udp(sport, dport, payload=b""):
    return 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def error(family, kind, code, quoted):
    return (1 if family == 4 else 58), struct.pack("!BBHI", kind, code, 0, 0) + quoted


def packet(source, destination, inner, options=b"", extensions=(), fragment=0):
    """``options`` are those of IPv4, ``extensions`` kind and bytes behind the first two of headers of IPv6."""
    protocol, body = inner
    one, other = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    if one.version == 4:
        words = 5 + len(options) // 4
        whole = words * 4 + len(body)
        fixed = struct.pack("!BBHHHBBH", 0x40 | words, 0, whole, 7, fragment, 64, protocol, 0)
        return fixed + one.packed + other.packed + options + body
    kinds = [kind for kind, _rest in extensions] + [protocol]
    chain = b"".join(bytes([kinds[at + 1]]) + rest for at, (_kind, rest) in enumerate(extensions))
    fixed = struct.pack("!IHBB", 6 << 28, len(chain) + len(body), kinds[0], 64)
    return fixed + one.packed + other.packed + chain + body


def kept(program, data):
    """Returns how many bytes a program keeps of a packet, as the kernel would: 0 where it reads beyond the end."""
    kind = {4: IPV4, 6: IPV6}.get(data[0] >> 4, 0x806)
    a = x = at = 0
    cells = [0] * 16
    try:
        while True:
            code, yes, no, number = program[at]
            at += 1
            if code in (0x06, 0x16):
                return min(number if code == 0x06 else a, len(data))
            if code in (0x05, 0x15, 0x25, 0x35, 0x45):
                holds = {0x05: True, 0x15: a == number, 0x25: a > number, 0x35: a >= number, 0x45: bool(a & number)}
                at += number if code == 0x05 else yes if holds[code] else no
            elif code in (0x20, 0x28, 0x30, 0x40, 0x48, 0x50):
                size = {0x00: 4, 0x08: 2, 0x10: 1}[code & 0x18]
                start = number + (x if code & 0x40 else 0)
                a = kind if number == 0xFFFFF000 else read(data, start, size)
            elif code == 0x00:
                a = number
            elif code == 0x60:
                a = cells[number]
            elif code == 0x61:
                x = cells[number]
            elif code == 0xB1:
                x = (read(data, number, 1) & 15) * 4
            elif code == 0x02:
                cells[number] = a
            elif code == 0x03:
                cells[number] = x
            elif code == 0x87:
                a = x
            else:
                a = calculated(code, a, x, number)
    except EOFError:
        return 0


def calculated(code, a, x, number):
    results = {0x04: a + number, 0x0C: a + x, 0x54: a & number, 0x64: a << number, 0x74: a >> number}
    return results[code] & 0xFFFFFFFF


def read(data, start, size):
    if start + size > len(data):
        raise EOFError
    return int.from_bytes(data[start : start + size], "big")
