# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Decodes the statements of nf_tables: verdicts, translations, marks, and those without effect."""

from __future__ import annotations

import sys
from typing import Callable, Dict, Literal, Tuple

from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import (
    ALL_BITS,
    Effect,
    Match,
    RuleVerdict,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    CtKey,
    DataAttr,
    LogLevel,
    MetaKey,
    ObjectType,
    VerdictAttr,
    VerdictCode,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import (
    ConnlimitAttr,
    CtAttr,
    Inverted,
    LimitAttr,
    LimitType,
    LogAttr,
    MetaAttr,
    QueueAttr,
    QuotaAttr,
    RejectAttr,
    RejectType,
    XtAttr,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expressions import Expression, Registers
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.fields import IPV4, IPV6, Context, Value
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.nat import (
    Action,
    masquerade,
    opaque,
    redirect,
    rewrite,
    translate,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.spelling import quote
from ansible_collections.port443.https.plugins.module_utils._xtables.extensions import HARMLESS, TARGETS

TRACKED = Match("state", names=("ESTABLISHED", "NEW", "RELATED"))
"""A packet that belongs to a connection; without one, what asks for the connection does not match."""

_VERDICTS: Dict[int, RuleVerdict] = {
    VerdictCode.DROP: "drop",
    VerdictCode.ACCEPT: "accept",
    VerdictCode.CONTINUE: "continue",
    VerdictCode.RETURN: "return",
}
_JUMPS: Dict[int, RuleVerdict] = {VerdictCode.JUMP: "jump", VerdictCode.GOTO: "goto"}
_Mark = Literal["mark", "connmark"]
MARKS: Dict[Tuple[object, ...], _Mark] = {("meta", MetaKey.MARK): "mark", ("ct", CtKey.MARK): "connmark"}
"""The marks that a register may be loaded from, by kind and key of its value."""


def act(expression: Expression, registers: Registers, context: Context) -> Action:
    """Returns what a statement does; one that is not known may do anything."""
    read = _STATEMENTS.get(expression.name)
    return read(expression, registers, context) if read else opaque(f"[{expression.name}]")


def verdict_of(data: bytes) -> Action:
    """Returns the verdict in the attributes of an immediate value, or of what a map has for a key."""
    verdict = read_nested(dict(read_attributes(data)), DataAttr.VERDICT)
    code, chain = read_number(verdict.get(VerdictAttr.CODE)), read_string(verdict.get(VerdictAttr.CHAIN, b""))
    if code in _JUMPS:
        return Action(f"{_JUMPS[code]} {chain}", _JUMPS[code], chain)
    word = _VERDICTS.get(code)
    return Action(word, word, word) if word else opaque("break" if code == VerdictCode.BREAK else f"[verdict {code}]")


def _plain(text: str) -> Callable[[Expression, Registers, Context], Action]:
    return lambda _expression, _registers, _context: Action(text)


def _may_do_anything(text: str) -> Callable[[Expression, Registers, Context], Action]:
    return lambda _expression, _registers, _context: opaque(text)


def _log(expression: Expression, _registers: Registers, _context: Context) -> Action:
    words, attributes = ["log"], expression.attributes
    if LogAttr.PREFIX in attributes:
        words += ["prefix", quote(read_string(attributes[LogAttr.PREFIX]))]
    if LogAttr.GROUP in attributes:
        words += ["group", str(int.from_bytes(attributes[LogAttr.GROUP], "big"))]
    levels = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit")
    level = expression.number(LogAttr.LEVEL)
    if LogAttr.LEVEL in attributes and level != LogLevel.WARNING and level < len(levels):
        words += ["level", levels[level]]
    return Action(" ".join(words))


def _notrack(_expression: Expression, _registers: Registers, _context: Context) -> Action:
    return Action("notrack", effects=(Effect("notrack"),))


_LIMIT_UNITS = {1: "second", 60: "minute", 3600: "hour", 86400: "day", 604800: "week"}


def _limit(expression: Expression, _registers: Registers, _context: Context) -> Action:
    unit = _LIMIT_UNITS.get(expression.number(LimitAttr.UNIT), "second")
    over = "over " if expression.number(LimitAttr.FLAGS) & Inverted.LIMIT else ""
    of_bytes = expression.number(LimitAttr.TYPE) != LimitType.PKTS
    amount = f"{expression.number(LimitAttr.RATE)}{' bytes' if of_bytes else ''}/{unit}"
    burst = expression.number(LimitAttr.BURST)
    usual = burst in (0, 5) or of_bytes
    text = f"limit rate {over}{amount}" + ("" if usual else f" burst {burst} packets")
    return Action(text, matches=(Match("unknown", names=(text,)),))


def _quota(expression: Expression, _registers: Registers, _context: Context) -> Action:
    number, units = expression.number(QuotaAttr.BYTES), ["bytes", "kbytes", "mbytes", "gbytes"]
    while len(units) > 1 and number and number % 1024 == 0:
        number, units = number // 1024, units[1:]
    over = "over " if expression.number(QuotaAttr.FLAGS) & Inverted.QUOTA else ""
    text = f"quota {over}{number} {units[0]}"
    return Action(text, matches=(Match("unknown", names=(text,)),))


def _count(expression: Expression, _registers: Registers, _context: Context) -> Action:
    over = "over " if expression.number(ConnlimitAttr.FLAGS) & Inverted.CONNLIMIT else ""
    text = f"ct count {over}{expression.number(ConnlimitAttr.COUNT)}"
    return Action(text, matches=(Match("unknown", names=(text,)),))


_REJECTS = {
    (RejectType.ICMP_UNREACH, IPV4): ("net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable"),
    (RejectType.ICMP_UNREACH, IPV6): ("no-route", "admin-prohibited", "", "addr-unreachable", "port-unreachable"),
    (RejectType.ICMPX_UNREACH, None): ("no-route", "port-unreachable", "host-unreachable", "admin-prohibited"),
}
_FAR_REJECTS = {9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"}


def _reject(expression: Expression, _registers: Registers, context: Context) -> Action:
    kind, code = expression.number(RejectAttr.TYPE), expression.attributes.get(RejectAttr.ICMP_CODE, b"\0")[-1]
    of_any = kind == RejectType.ICMPX_UNREACH
    if kind == RejectType.TCP_RST:
        return Action("reject with tcp reset", "reject", "reject")
    names = _REJECTS.get((kind, None if of_any else context.ethertype), ())
    name = names[code] if code < len(names) else _FAR_REJECTS.get(code, str(code))
    word = "icmpx" if of_any else "icmpv6" if context.ethertype == IPV6 else "icmp"
    if name == "port-unreachable" and context.mixed == of_any:
        return Action("reject", "reject", "reject")
    return Action(f"reject with {word} {name}", "reject", "reject")


def _queue(expression: Expression, _registers: Registers, _context: Context) -> Action:
    number = int.from_bytes(expression.attributes.get(QueueAttr.NUM, b"\0\0"), "big")
    return opaque(f"queue to {number}")


# What may be set of a packet and of a connection: nft's word, and whether the packet then goes where it went before.
_META_SET = {
    MetaKey.PRIORITY: ("priority", True),
    MetaKey.NFTRACE: ("nftrace", True),
    MetaKey.SECMARK: ("secmark", True),
    MetaKey.PKTTYPE: ("pkttype", False),
    MetaKey.BRI_BROUTE: ("broute", False),
}
_CT_SET = {
    CtKey.SECMARK: ("secmark", True),
    CtKey.HELPER: ("helper", True),
    CtKey.LABELS: ("label", True),
    CtKey.ZONE: ("zone", False),
    CtKey.EVENTMASK: ("event", True),
}


def _set_meta(expression: Expression, registers: Registers, _context: Context) -> Action:
    key, value = expression.number(MetaAttr.KEY), registers.value(expression.register(MetaAttr.SREG))
    if key == MetaKey.MARK:
        return _set_mark("mark", "meta mark set", value)
    words, harmless = _META_SET.get(key, (str(key), False))
    text = f"meta {words} set {_spell(value)}"
    return Action(text) if harmless else opaque(text)


def _set_ct(expression: Expression, registers: Registers, _context: Context) -> Action:
    """A zone of its own may hide the reply from the connection, so it is not followed."""
    key, value = expression.number(CtAttr.KEY), registers.value(expression.register(CtAttr.SREG))
    if key == CtKey.MARK:
        return _set_mark("connmark", "ct mark set", value)
    words, harmless = _CT_SET.get(key, (str(key), False))
    text = f"ct {words} set {_spell(value)}"
    return Action(text) if harmless else opaque(text)


def _set_mark(kind: _Mark, words: str, value: Value) -> Action:
    """The mark of a packet or of its connection, from a constant or from either mark."""
    source = MARKS.get((value.kind, *value.key))
    text = f"{words} {_spell(value)}"
    matches = (TRACKED,) if value.kind == "ct" else ()
    if value.kind == "constant" and len(value.constant) == 4:
        number = int.from_bytes(value.constant, sys.byteorder)
        return Action(text, effects=(Effect(kind, (number, ALL_BITS)),))
    if not source or value.swapped:
        return Action(text, effects=(Effect(kind),), matches=matches)
    mask = int.from_bytes(value.mask, sys.byteorder) if value.mask else ALL_BITS
    flip = int.from_bytes(value.flip, sys.byteorder)
    if source == kind:
        return Action(text, effects=(Effect(kind, (flip, mask ^ ALL_BITS)),), matches=matches)
    copied = Effect("save_mark", (mask, ALL_BITS)) if kind == "connmark" else Effect("restore_mark", (ALL_BITS, mask))
    return Action(text, effects=(copied, Effect(kind, (flip, 0))) if flip else (copied,), matches=matches)


def _spell(value: Value) -> str:
    if value.text:
        return value.text
    if value.kind == "constant":
        return f"0x{int.from_bytes(value.constant, sys.byteorder):08x}"
    name = f"{value.kind} mark" if (value.kind, *value.key) in MARKS else value.kind
    mask, flip = (int.from_bytes(bits or b"", sys.byteorder) for bits in (value.mask, value.flip))
    if value.mask is not None and flip and flip == mask ^ ALL_BITS:
        return f"{name} | 0x{flip:08x}"
    name = f"{name} & 0x{mask:08x}" if value.mask is not None else name
    return f"{name} ^ 0x{flip:08x}" if flip else name


_TARGETS: Dict[str, RuleVerdict] = {"REJECT": "reject", "MASQUERADE": "snat", "SNAT": "snat"}


def _extension(expression: Expression, _registers: Registers, _context: Context) -> Action:
    name = read_string(expression.attributes.get(XtAttr.NAME, b""))
    if expression.name == "match":
        return Action(f"xt match {quote(name)}", matches=(Match("unknown", names=(name,)),))
    text = f"xt target {quote(name)}"
    if TARGETS.get(name) == HARMLESS:
        return Action(text)
    return Action(text, _TARGETS.get(name, "opaque"), name)


_OBJECTS = {
    ObjectType.COUNTER: ("counter name", True),
    ObjectType.QUOTA: ("quota name", False),
    ObjectType.CT_HELPER: ("ct helper set", True),
    ObjectType.LIMIT: ("limit name", False),
    ObjectType.CONNLIMIT: ("ct count name", False),
    ObjectType.TUNNEL: ("tunnel name", True),
    ObjectType.CT_TIMEOUT: ("ct timeout set", True),
    ObjectType.SECMARK: ("meta secmark set", True),
    ObjectType.CT_EXPECT: ("ct expectation set", True),
}


def act_by_object(kind: int, name: str) -> Action:
    """Returns what a named object does, such as a counter or a limit."""
    if kind not in _OBJECTS:
        return opaque(f"synproxy name {name}" if kind == ObjectType.SYNPROXY else f"[object {kind}]")
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
    "payload": rewrite,
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
