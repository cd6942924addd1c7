# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes the statements of nf_tables: verdicts, translations, marks, and those without effect.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

import sys
from typing import Callable, Dict, Literal, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Effect, Match, RuleVerdict
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import Expression
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import IPV4, IPV6, NETWORK, Context, Value
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.nat import (
    Action,
    masquerade,
    opaque,
    redirect,
    translate,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.registers import Registers
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import quote
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import FEWEST_HOPS, HARMLESS, TARGETS

_ALL_BITS = 0xFFFFFFFF
TRACKED = Match("state", names=("ESTABLISHED", "NEW", "RELATED"))
"""A packet that belongs to a connection; without one, what asks for the connection does not match."""

_VERDICTS: Dict[int, RuleVerdict] = {0: "drop", 1: "accept", 0xFFFFFFFF: "continue", 0xFFFFFFFB: "return"}
_BREAK = 0xFFFFFFFE
_JUMPS: Dict[int, RuleVerdict] = {0xFFFFFFFD: "jump", 0xFFFFFFFC: "goto"}
_Mark = Literal["mark", "connmark"]
_MARK = 3  # NFT_META_MARK and NFT_CT_MARK
_MARKS: Dict[Tuple[object, ...], _Mark] = {("meta", _MARK): "mark", ("ct", _MARK): "connmark"}


def act(expression: Expression, registers: Registers, context: Context) -> Action:
    """Returns what a statement does; one that is not known may do anything."""
    read = _STATEMENTS.get(expression.name)
    return read(expression, registers, context) if read else opaque(f"[{expression.name}]")


def verdict_of(data: bytes) -> Action:
    """Returns the verdict in the attributes of an immediate value, or of what a map has for a key."""
    verdict = read_nested(dict(read_attributes(data)), 2)
    code, chain = read_number(verdict.get(1)), read_string(verdict.get(2, b""))
    if code in _JUMPS:
        return Action(f"{_JUMPS[code]} {chain}", _JUMPS[code], chain)
    word = _VERDICTS.get(code)
    return Action(word, word, word) if word else opaque("break" if code == _BREAK else f"[verdict {code}]")


def _plain(text: str) -> Callable[[Expression, Registers, Context], Action]:
    return lambda _expression, _registers, _context: Action(text)


def _may_do_anything(text: str) -> Callable[[Expression, Registers, Context], Action]:
    return lambda _expression, _registers, _context: opaque(text)


def _log(expression: Expression, _registers: Registers, _context: Context) -> Action:
    words = ["log"]
    if 2 in expression.attributes:
        words += ["prefix", quote(read_string(expression.attributes[2]))]
    if 1 in expression.attributes:
        words += ["group", str(int.from_bytes(expression.attributes[1], "big"))]
    levels = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit")
    if 5 in expression.attributes and expression.number(5) != 4 and expression.number(5) < len(levels):
        words += ["level", levels[expression.number(5)]]
    return Action(" ".join(words))


def _notrack(_expression: Expression, _registers: Registers, _context: Context) -> Action:
    return Action("notrack", effects=(Effect("notrack"),))


_LIMIT_UNITS = {1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week"}


def _limit(expression: Expression, _registers: Registers, _context: Context) -> Action:
    unit = _LIMIT_UNITS.get(expression.number(2), "second")
    over = "over " if expression.number(5) & 1 else ""
    amount = f"{expression.number(1)}{' bytes' if expression.number(4) else ''}/{unit}"
    burst = expression.number(3)
    usual = burst in (0, 5) or expression.number(4)
    text = f"limit rate {over}{amount}" + ("" if usual else f" burst {burst} packets")
    return Action(text, matches=(Match("unknown", names=(text,)),))


def _quota(expression: Expression, _registers: Registers, _context: Context) -> Action:
    number, units = expression.number(1), ["bytes", "kbytes", "mbytes", "gbytes"]
    while len(units) > 1 and number and number % 1024 == 0:
        number, units = number // 1024, units[1:]
    text = "quota {}{} {}".format("over " if expression.number(2) & 1 else "", number, units[0])
    return Action(text, matches=(Match("unknown", names=(text,)),))


def _count(expression: Expression, _registers: Registers, _context: Context) -> Action:
    text = "ct count {}{}".format("over " if expression.number(2) & 1 else "", expression.number(1))
    return Action(text, matches=(Match("unknown", names=(text,)),))


_REJECTS = {
    (0, IPV4): ("net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable"),
    (0, IPV6): ("no-route", "admin-prohibited", "", "addr-unreachable", "port-unreachable"),
    (2, None): ("no-route", "port-unreachable", "host-unreachable", "admin-prohibited"),
}
_FAR_REJECTS = {9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"}


def _reject(expression: Expression, _registers: Registers, context: Context) -> Action:
    kind, code = expression.number(1), expression.attributes.get(2, b"\0")[-1]
    if kind == 1:
        return Action("reject with tcp reset", "reject", "reject")
    names = _REJECTS.get((kind, None if kind == 2 else context.ethertype), ())
    name = names[code] if code < len(names) else _FAR_REJECTS.get(code, str(code))
    word = {2: "icmpx"}.get(kind, "icmpv6" if context.ethertype == IPV6 else "icmp")
    if name == "port-unreachable" and context.mixed == (kind == 2):
        return Action("reject", "reject", "reject")
    return Action(f"reject with {word} {name}", "reject", "reject")


def _queue(expression: Expression, _registers: Registers, _context: Context) -> Action:
    number = int.from_bytes(expression.attributes.get(1, b"\0\0"), "big")
    return opaque(f"queue to {number}")


def _set_meta(expression: Expression, registers: Registers, _context: Context) -> Action:
    key, value = expression.number(2), registers.value(expression.register(3))
    if key == _MARK:
        return _set_mark("mark", "meta mark set", value)
    names = {2: "priority", 12: "nftrace", 14: "secmark", 19: "pkttype", 35: "broute"}
    text = f"meta {names.get(key, str(key))} set {_spell(value)}"
    return Action(text) if key in (2, 12, 14) else opaque(text)


def _set_ct(expression: Expression, registers: Registers, _context: Context) -> Action:
    """A zone of its own may hide the reply from the connection, so it is not followed."""
    key, value = expression.number(2), registers.value(expression.register(4))
    if key == _MARK:
        return _set_mark("connmark", "ct mark set", value)
    names = {4: "secmark", 6: "helper", 13: "label", 17: "zone", 18: "event"}
    text = f"ct {names.get(key, str(key))} set {_spell(value)}"
    return Action(text) if key in (4, 6, 13, 18) else opaque(text)


def _set_mark(kind: _Mark, words: str, value: Value) -> Action:
    """The mark of a packet or of its connection, from a constant or from either mark."""
    source = _MARKS.get((value.kind, *value.key))
    text = f"{words} {_spell(value)}"
    matches = (TRACKED,) if value.kind == "ct" else ()
    if value.kind == "constant" and len(value.constant) == 4:
        number = int.from_bytes(value.constant, sys.byteorder)
        return Action(text, effects=(Effect(kind, (number, _ALL_BITS)),))
    if not source or value.swapped:
        return Action(text, effects=(Effect(kind),), matches=matches)
    mask = int.from_bytes(value.mask, sys.byteorder) if value.mask else _ALL_BITS
    flip = int.from_bytes(value.flip, sys.byteorder)
    if source == kind:
        return Action(text, effects=(Effect(kind, (flip, mask ^ _ALL_BITS)),), matches=matches)
    copied = Effect("save_mark", (mask, _ALL_BITS)) if kind == "connmark" else Effect("restore_mark", (_ALL_BITS, mask))
    return Action(text, effects=(copied, Effect(kind, (flip, 0))) if flip else (copied,), matches=matches)


def _spell(value: Value) -> str:
    if value.text:
        return value.text
    if value.kind == "constant":
        return f"0x{int.from_bytes(value.constant, sys.byteorder):08x}"
    name = f"{value.kind} mark" if (value.kind, *value.key) in _MARKS else value.kind
    mask, flip = (int.from_bytes(bits or b"", sys.byteorder) for bits in (value.mask, value.flip))
    if value.mask is not None and flip and flip == mask ^ _ALL_BITS:
        return f"{name} | 0x{flip:08x}"
    name = f"{name} & 0x{mask:08x}" if value.mask is not None else name
    return f"{name} ^ 0x{flip:08x}" if flip else name


# What may change of a header without leading a packet elsewhere, by byte: type of service, of IPv6 the flow label, too.
_FREE = {IPV4: {1: 0xFF}, IPV6: {0: 0x0F, 1: 0xFF, 2: 0xFF, 3: 0xFF}}
_HOPS = {IPV4: 8, IPV6: 7}


def _set_payload(expression: Expression, registers: Registers, context: Context) -> Action:
    """Type of service, hop limit and their like may change; addresses, protocol and ports may lead anywhere."""
    base, offset, length = expression.number(2), expression.number(3), expression.number(4)
    text = f"@{('ll', 'nh', 'th')[base] if base < 3 else base},{offset * 8},{length * 8} set"
    value, version = registers.value(expression.register(5)), context.ethertype or 0
    same = value.kind == "payload" and value.key == (base, offset) and value.length == length and not value.swapped
    kept = (value.mask or b"\xff" * length) if same else bytes(length)
    flip = value.constant if value.kind == "constant" else value.flip if same else b"\xff" * length
    flip = flip or bytes(length)
    changed = {offset + at: kept[at] ^ 0xFF | flip[at] for at in range(length) if len(flip) == len(kept) == length}
    if base != NETWORK or version not in _FREE or len(changed) != length:
        return opaque(text)
    hops = changed.pop(_HOPS[version], 0)
    if any(bits & ~_FREE[version].get(at, 0) for at, bits in changed.items()):
        return opaque(text)
    if not hops:
        return Action(text)
    # Known only where the whole byte is given. With few hops answers may not arrive; IPv6 neighbours want 255.
    given = flip[_HOPS[version] - offset] if kept[_HOPS[version] - offset] == 0 and (same or value.constant) else 0
    enough = given == 255 if version == IPV6 else given >= FEWEST_HOPS
    return Action(text, effects=(Effect("hop_limit", (given, given)),)) if enough else opaque(text)


_TARGETS: Dict[str, RuleVerdict] = {"REJECT": "reject", "MASQUERADE": "snat", "SNAT": "snat"}


def _extension(expression: Expression, _registers: Registers, _context: Context) -> Action:
    name = read_string(expression.attributes.get(1, b""))
    if expression.name == "match":
        return Action(f"xt match {quote(name)}", matches=(Match("unknown", names=(name,)),))
    text = f"xt target {quote(name)}"
    if TARGETS.get(name) == HARMLESS:
        return Action(text)
    return Action(text, _TARGETS.get(name, "opaque"), name)


_OBJECTS = {
    1: ("counter name", True),
    2: ("quota name", False),
    3: ("ct helper set", True),
    4: ("limit name", False),
    5: ("ct count name", False),
    6: ("tunnel name", True),
    7: ("ct timeout set", True),
    8: ("meta secmark set", True),
    9: ("ct expectation set", True),
}


def act_by_object(kind: int, name: str) -> Action:
    """Returns what a named object does, such as a counter or a limit."""
    if kind not in _OBJECTS:
        return opaque(f"synproxy name {name}" if kind == 10 else f"[object {kind}]")
    words, plain = _OBJECTS[kind]
    text = f"{words} {name}"
    return Action(text) if plain else Action(text, matches=(Match("unknown", names=(text,)),))


_STATEMENTS: Dict[str, Callable[[Expression, Registers, Context], Action]] = {
    "counter": _plain("counter"),
    "last": _plain("last"),
    "log": _log,
    "notrack": _notrack,
    "limit": _limit,
    "quota": _quota,
    "connlimit": _count,
    "reject": _reject,
    "nat": translate,
    "redir": redirect,
    "masq": masquerade,
    "meta": _set_meta,
    "ct": _set_ct,
    "payload": _set_payload,
    "exthdr": _plain("tcp option set"),
    "dup": _plain("dup"),
    "flow_offload": _plain("flow add"),
    "queue": _queue,
    "fwd": _may_do_anything("fwd"),
    "tproxy": _may_do_anything("tproxy"),
    "synproxy": _may_do_anything("synproxy"),
    "match": _extension,
    "target": _extension,
}
