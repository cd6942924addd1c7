# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The expressions of nf_tables: their names, attributes, and the registers that they load.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

from typing import Callable, Dict, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_number,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import Value

_NAME, _DATA = 1, 2
_FIRST_SHORT_REGISTER = 8  # NFT_REG32_00; 1 to 4 are registers of 16 bytes


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


def slot_of(register: int) -> int:
    """Returns where a register begins, in units of 4 bytes."""
    return register - _FIRST_SHORT_REGISTER if register >= _FIRST_SHORT_REGISTER else (register - 1) * 4


def read_expression(raw: bytes) -> Expression:
    """Returns one of the expressions of a rule."""
    if raw[4:8] == b"cmp\0":  # most of all: no need to look for the attributes
        return Expression("cmp", dict(read_attributes(raw[12:])))
    outer = dict(read_attributes(raw))
    name = read_string(outer.get(_NAME, b""))
    attributes = dict(read_attributes(outer.get(_DATA, b"")))
    expression = Expression(name, attributes)
    if name in _LOADS:
        destination, is_load, value_of, may_break = _LOADS[name]
        if is_load in attributes:
            return Expression(name, attributes, expression.register(destination), value_of(expression), may_break)
    return expression


def _payload(expression: Expression) -> Value:
    return Value("payload", (expression.number(2), expression.number(3)), expression.number(4))


_META_LENGTHS = {1: 2, 12: 1, 15: 1, 16: 1, 19: 1, 25: 1, 31: 1, 30: 8, 8: 2, 9: 2}
_META_NAMES = frozenset((6, 7, 17, 18, 26, 27, 34))
_CT_LENGTHS = {1: 1, 6: 16, 7: 1, 8: 16, 9: 16, 10: 1, 11: 2, 12: 2, 13: 16, 14: 8, 15: 8, 16: 8, 17: 2, 21: 16, 22: 16}


def _meta(expression: Expression) -> Value:
    key = expression.number(2)
    return Value("meta", (key,), 16 if key in _META_NAMES else _META_LENGTHS.get(key, 4))


def _ct(expression: Expression) -> Value:
    key = expression.number(2)
    return Value("ct", (key,), _CT_LENGTHS.get(key, 4))


def _fib(expression: Expression) -> Value:
    result, flags = expression.number(2), expression.number(3)
    present = flags & 0x20
    return Value("fib", (result, flags), 1 if present else 16 if result == 2 else 4)


def _exthdr(expression: Expression) -> Value:
    kind = {0: "exthdr", 1: "tcp option", 2: "ip option", 3: "sctp chunk", 4: "dccp option"}
    number = expression.attributes.get(2, b"\0")[-1]
    text = "{} {}".format(kind.get(expression.number(6), "exthdr"), number)
    return Value("unknown", (), max(expression.number(4), 1), text=text)


def _numgen(expression: Expression) -> Value:
    kind = "random" if expression.number(3) else "inc"
    return Value(
        "unknown", (expression.number(2), expression.number(4)), 4, text=f"numgen {kind} mod {expression.number(2)}"
    )


def _other(text: str, length: int = 4) -> Callable[[Expression], Value]:
    return lambda _expression: Value("unknown", (), length, text=text)


# The number of the attribute with the register, one that a load has and a statement of that name has not, what is
# loaded, and whether a packet may have none.
_LOADS: Dict[str, Tuple[int, int, Callable[[Expression], Value], bool]] = {
    "payload": (1, 1, _payload, False),
    "meta": (1, 1, _meta, False),
    "ct": (1, 1, _ct, False),
    "fib": (1, 1, _fib, False),
    "exthdr": (1, 1, _exthdr, True),
    "rt": (1, 1, _other("rt"), True),
    "socket": (2, 2, _other("socket"), True),
    "osf": (1, 1, _other("osf name", 16), True),
    "xfrm": (1, 1, _other("ipsec"), True),
    "tunnel": (2, 2, _other("tunnel"), True),
    "numgen": (1, 1, _numgen, False),
    "hash": (2, 2, _other("jhash"), False),
}
