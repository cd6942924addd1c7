# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The expressions of nf_tables: their names, attributes, what they load, and the registers that hold it."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    CtKey,
    DataAttr,
    ExprAttr,
    FibFlag,
    FibResult,
    MetaKey,
    Register,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import (
    BitwiseAttr,
    BitwiseOp,
    ByteorderAttr,
    ByteorderOp,
    CtAttr,
    Dreg,
    ExthdrAttr,
    ExthdrOp,
    FibAttr,
    ImmediateAttr,
    MetaAttr,
    NumgenAttr,
    NumgenType,
    PayloadAttr,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import Value

UNKNOWN = Value("unknown", text="register")


class Expression(NamedTuple):
    """One expression; where it loads something of the packet, ``value`` goes to ``slot``, counted in 4 bytes.

    ``may_break`` tells that a packet without it does not match the rule.
    """

    name: str
    attributes: Dict[int, bytes]
    slot: int = 0
    value: Optional[Value] = None
    may_break: bool = False

    def number(self, attribute: int) -> int:
        """Returns an attribute that is a number, 0 where it is missing."""
        return read_number(self.attributes.get(attribute))

    def register(self, attribute: int) -> int:
        """Returns the slot of the register that an attribute names."""
        return slot_of(self.number(attribute))

    def data(self, attribute: int) -> bytes:
        """Returns the bytes of an attribute that is a value."""
        return read_nested(self.attributes, attribute).get(DataAttr.VALUE, b"")


def slot_of(register: int) -> int:
    """Returns where a register begins, in units of 4 bytes."""
    return register - Register.FIRST_SHORT if register >= Register.FIRST_SHORT else (register - 1) * 4


def read_expression(raw: bytes) -> Expression:
    """Returns one of the expressions of a rule."""
    if raw[4:8] == b"cmp\0":  # most of all: no need to look for the attributes
        return Expression("cmp", dict(read_attributes(raw[12:])))
    outer = dict(read_attributes(raw))
    name = read_string(outer.get(ExprAttr.NAME, b""))
    attributes = dict(read_attributes(outer.get(ExprAttr.DATA, b"")))
    expression = Expression(name, attributes)
    if name in _LOADS:
        destination, is_load, value_of, may_break = _LOADS[name]
        if is_load in attributes:
            return Expression(name, attributes, expression.register(destination), value_of(expression), may_break)
    return expression


def _payload(expression: Expression) -> Value:
    base, offset = expression.number(PayloadAttr.BASE), expression.number(PayloadAttr.OFFSET)
    return Value("payload", (base, offset), expression.number(PayloadAttr.LEN))


_META_LENGTHS = {
    MetaKey.PROTOCOL: 2,
    MetaKey.NFTRACE: 1,
    MetaKey.NFPROTO: 1,
    MetaKey.L4PROTO: 1,
    MetaKey.PKTTYPE: 1,
    MetaKey.SECPATH: 1,
    MetaKey.TIME_DAY: 1,
    MetaKey.TIME_NS: 8,
    MetaKey.IFTYPE: 2,
    MetaKey.OIFTYPE: 2,
}
_META_NAMES = frozenset(
    (
        MetaKey.IIFNAME,
        MetaKey.OIFNAME,
        MetaKey.BRI_IIFNAME,
        MetaKey.BRI_OIFNAME,
        MetaKey.IIFKIND,
        MetaKey.OIFKIND,
        MetaKey.SDIFNAME,
    )
)
_CT_LENGTHS = {
    CtKey.DIRECTION: 1,
    CtKey.HELPER: 16,
    CtKey.L3PROTOCOL: 1,
    CtKey.SRC: 16,
    CtKey.DST: 16,
    CtKey.PROTOCOL: 1,
    CtKey.PROTO_SRC: 2,
    CtKey.PROTO_DST: 2,
    CtKey.LABELS: 16,
    CtKey.PKTS: 8,
    CtKey.BYTES: 8,
    CtKey.AVGPKT: 8,
    CtKey.ZONE: 2,
    CtKey.SRC_IP6: 16,
    CtKey.DST_IP6: 16,
}


def _meta(expression: Expression) -> Value:
    key = expression.number(MetaAttr.KEY)
    return Value("meta", (key,), 16 if key in _META_NAMES else _META_LENGTHS.get(key, 4))


def _ct(expression: Expression) -> Value:
    key = expression.number(CtAttr.KEY)
    return Value("ct", (key,), _CT_LENGTHS.get(key, 4))


def _fib(expression: Expression) -> Value:
    result, flags = expression.number(FibAttr.RESULT), expression.number(FibAttr.FLAGS)
    length = 16 if result == FibResult.OIFNAME else 4
    return Value("fib", (result, flags), 1 if flags & FibFlag.PRESENT else length)


_EXTENSION_HEADERS = {
    ExthdrOp.IPV6: "exthdr",
    ExthdrOp.TCPOPT: "tcp option",
    ExthdrOp.IPV4: "ip option",
    ExthdrOp.SCTP: "sctp chunk",
    ExthdrOp.DCCP: "dccp option",
}


def _exthdr(expression: Expression) -> Value:
    number = expression.attributes.get(ExthdrAttr.TYPE, b"\0")[-1]
    text = "{} {}".format(_EXTENSION_HEADERS.get(expression.number(ExthdrAttr.OP), "exthdr"), number)
    return Value("unknown", (), max(expression.number(ExthdrAttr.LEN), 1), text=text)


def _numgen(expression: Expression) -> Value:
    kind = "inc" if expression.number(NumgenAttr.TYPE) == NumgenType.INCREMENTAL else "random"
    modulus, offset = expression.number(NumgenAttr.MODULUS), expression.number(NumgenAttr.OFFSET)
    return Value("unknown", (modulus, offset), 4, text=f"numgen {kind} mod {modulus}")


def _other(text: str, length: int = 4) -> Callable[[Expression], Value]:
    return lambda _expression: Value("unknown", (), length, text=text)


# The number of the attribute with the register, one that a load has and a statement of that name has not, what is
# loaded, and whether a packet may have none.
_LOADS: Dict[str, Tuple[int, int, Callable[[Expression], Value], bool]] = {
    "payload": (PayloadAttr.DREG, PayloadAttr.DREG, _payload, False),
    "meta": (MetaAttr.DREG, MetaAttr.DREG, _meta, False),
    "ct": (CtAttr.DREG, CtAttr.DREG, _ct, False),
    "fib": (FibAttr.DREG, FibAttr.DREG, _fib, False),
    "exthdr": (ExthdrAttr.DREG, ExthdrAttr.DREG, _exthdr, True),
    "rt": (Dreg.RT, Dreg.RT, _other("rt"), True),
    "socket": (Dreg.SOCKET, Dreg.SOCKET, _other("socket"), True),
    "osf": (Dreg.OSF, Dreg.OSF, _other("osf name", 16), True),
    "xfrm": (Dreg.XFRM, Dreg.XFRM, _other("ipsec"), True),
    "tunnel": (Dreg.TUNNEL, Dreg.TUNNEL, _other("tunnel"), True),
    "numgen": (NumgenAttr.DREG, NumgenAttr.DREG, _numgen, False),
    "hash": (Dreg.HASH, Dreg.HASH, _other("jhash"), False),
}


class Registers:
    """What is where while a rule is decoded, counted in units of 4 bytes."""

    def __init__(self, values: Optional[Dict[int, Value]] = None) -> None:
        self._values: Dict[int, Value] = dict(values or {})

    def copy(self) -> Registers:
        """Returns registers that hold the same, for another way through the rule."""
        return Registers(self._values)

    def put(self, slot: int, value: Value) -> None:
        """Loads a register."""
        for covered in range(slot + 1, slot + (value.length + 3) // 4):
            self._values.pop(covered, None)
        self._values[slot] = value

    def value(self, slot: int) -> Value:
        """Returns what a register holds."""
        return self._values.get(slot, UNKNOWN)

    def constant(self, slot: int, length: int) -> Optional[bytes]:
        """Returns bytes at a register, which may be in the midst of a longer constant; None if they are none."""
        for back in range(4):
            value = self._values.get(slot - back)
            if value is not None:
                found = value.constant[4 * back : 4 * back + length]
                return found if value.kind == "constant" and len(found) == length else None
        return None

    def key(self, slot: int, length: int) -> List[Value]:
        """Returns the values that make a key of so many bytes."""
        found: List[Value] = []
        while length > 0:
            value = self.value(slot)
            found.append(value)
            units = max((value.length + 3) // 4, 1)
            slot, length = slot + units, length - 4 * units
        return found


def mask(value: Value, bits: bytes, flip: bytes) -> Value:
    """Returns a value & bits ^ flip."""
    if value.kind == "constant":
        changed = bytes(one & bit ^ turn for one, bit, turn in zip(value.constant, bits, flip))
        return replace(value, constant=changed)
    if value.mask is not None or any(value.flip) or value.swapped or len(bits) != value.length:
        return replace(UNKNOWN, length=value.length, text=value.text or value.kind)
    if all(bit == 0xFF for bit in bits):
        return replace(value, flip=flip) if any(flip) else value
    return replace(value, mask=bits, flip=flip)


def swap(value: Value, operation: int, size: int) -> Value:
    """Returns a number put into the network's byte order, or back."""
    if value.kind == "constant" and size == value.length:
        return replace(value, constant=value.constant[::-1])
    if value.swapped == (operation == ByteorderOp.HTON):
        return replace(UNKNOWN, length=value.length, text=value.text or value.kind)
    return replace(value, swapped=operation == ByteorderOp.HTON)


def compute(registers: Registers, expression: Expression) -> Optional[Tuple[int, Value]]:
    """Returns what an expression that only works on registers puts into one, and the slot of that."""
    if expression.name == "bitwise":
        return expression.register(BitwiseAttr.DREG), _bitwise(expression, registers)
    if expression.name == "byteorder":
        value = registers.value(expression.register(ByteorderAttr.SREG))
        swapped = swap(value, expression.number(ByteorderAttr.OP), expression.number(ByteorderAttr.LEN))
        return expression.register(ByteorderAttr.DREG), swapped
    if expression.name == "immediate" and expression.number(ImmediateAttr.DREG) != Register.VERDICT:
        raw = expression.data(ImmediateAttr.DATA)
        return expression.register(ImmediateAttr.DREG), Value("constant", (), len(raw), constant=raw)
    return None


def _bitwise(expression: Expression, registers: Registers) -> Value:
    """A mask and an exclusive or; shifts, and two registers with each other, are not followed."""
    value = registers.value(expression.register(BitwiseAttr.SREG))
    bits, flip = (expression.data(operand) for operand in (BitwiseAttr.MASK, BitwiseAttr.XOR))
    if expression.number(BitwiseAttr.OP) != BitwiseOp.MASK_XOR or not bits:
        return Value("unknown", (), value.length, text=value.text or value.kind)
    return mask(value, bits, flip or bytes(len(bits)))
