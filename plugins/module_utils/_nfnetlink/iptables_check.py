# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that iptables-save printed a rule of nf_tables right, by the expressions that it knows."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    HEADER,
    read_attributes,
    read_nested,
    read_number,
    read_string,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    DataAttr,
    ExprAttr,
    MetaKey,
    PayloadBase,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.expression_constants import (
    CmpAttr,
    CmpOp,
    ImmediateAttr,
    MetaAttr,
    PayloadAttr,
)

_MOST_TOKENS = 100_000
_DETAILED = frozenset(("payload", "meta", "cmp", "immediate"))

_NETWORK = f"payload {PayloadBase.NETWORK_HEADER}"
_TRANSPORT = f"payload {PayloadBase.TRANSPORT_HEADER}"

Tokens = Tuple[str, ...]
"""A rule's expressions in order: the name, with the field that it reads or writes, such as ``payload 1 12``."""

# Expressions that iptables-nft writes and prints back: xt_match and xt_target carry the whole option in themselves.
_PLAIN = frozenset(("counter", "match", "target", "immediate verdict", "immediate value"))

# A field that a rule reads or sets, and the words one of which is in the printed rule if iptables understood it. Which
# of them are written or understood depends on iptables' version (1.8.7 reads no transport header), so the printed rule
# itself is asked.
_WORDS: Dict[str, Tuple[str, ...]] = {
    f"{_NETWORK} 6": (" -f ", " -p "),  # IPv4's fragment offset, IPv6's next header
    f"{_NETWORK} 9": (" -p ",),
    f"{_NETWORK} 12": (" -s ",),
    f"{_NETWORK} 16": (" -d ",),
    f"{_NETWORK} 8": (" -s ", " --ttl-"),  # IPv6's source, IPv4's time to live
    f"{_NETWORK} 24": (" -d ",),
    f"{_NETWORK} 7": (" --hl-",),
    f"{_TRANSPORT} 0": (" --sport ", " --icmp-type ", " --icmpv6-type "),
    f"{_TRANSPORT} 2": (" --dport ",),
    f"{_TRANSPORT} 13": (" --tcp-flags ",),
    f"meta {MetaKey.MARK}": (" --mark ",),
    f"meta {MetaKey.IIF}": (" -i ",),
    f"meta {MetaKey.OIF}": (" -o ",),
    f"meta {MetaKey.IIFNAME}": (" -i ",),
    f"meta {MetaKey.OIFNAME}": (" -o ",),
    f"meta {MetaKey.L4PROTO}": (" -p ",),
    f"meta {MetaKey.PKTTYPE}": (" --pkt-type ",),
    f"meta set {MetaKey.MARK}": (" -j MARK ",),
    f"meta set {MetaKey.NFTRACE}": (" -j TRACE",),
    "limit": (" -m limit ",),
    "log": (" -j LOG", " -j NFLOG"),
}
_EQUAL = frozenset((f"cmp {CmpOp.EQ}", f"cmp {CmpOp.NEQ}"))
_PORTS = frozenset((f"{_TRANSPORT} 0", f"{_TRANSPORT} 2"))  # iptables also prints ranges of them
# Fields that iptables prints with a mask: addresses, fragment offset, TCP flags, the mark.
_MASKED = frozenset(f"{_NETWORK} {offset}" for offset in (6, 8, 12, 16, 24)) | {
    f"{_TRANSPORT} 13",
    f"meta {MetaKey.MARK}",
}

Needs = Tuple[Tuple[Tuple[str, ...], int], ...]
"""Words, and how often one of them has to be in the printed rule."""


@lru_cache(maxsize=_MOST_TOKENS)
def read_tokens(expressions: bytes) -> Tokens:
    """Returns the tokens of a rule; the same rules are listed again after a change, and in the rehearsal's child."""
    return tuple([_token(expression) for _kind, expression in read_attributes(expressions)])


@lru_cache(maxsize=_MOST_TOKENS)
def _token(expression: bytes) -> str:
    name = read_string(expression[4 : HEADER.unpack_from(expression)[0]])  # the name is the first attribute
    if name not in _DETAILED:
        return name
    return _detail(name, read_nested(dict(read_attributes(expression)), ExprAttr.DATA))


def _detail(name: str, details: Dict[int, bytes]) -> str:
    if name == "payload":
        verb = "payload set" if PayloadAttr.SREG in details else "payload"
        return f"{verb} {read_number(details.get(PayloadAttr.BASE))} {read_number(details.get(PayloadAttr.OFFSET))}"
    if name == "meta":
        return f"{'meta set' if MetaAttr.SREG in details else 'meta'} {read_number(details.get(MetaAttr.KEY))}"
    if name == "cmp":
        return f"cmp {read_number(details.get(CmpAttr.OP))}"
    verdict = DataAttr.VERDICT in read_nested(details, ImmediateAttr.DATA)
    return "immediate verdict" if verdict else "immediate value"


def printed_right(tokens: Tokens, text: str) -> bool:
    """Tells whether iptables-save's line says all that a rule's expressions do.

    A rule without a counter was not written by iptables; of one with a counter, each field has to show in the line.
    """
    needs = _needs(tokens)
    if not needs:
        return needs is not None
    padded = f" {text} "
    return all(sum(padded.count(word) for word in words) >= times for words, times in needs)


def may_be_iptables(tokens: Tokens) -> bool:
    """Tells whether iptables-nft may have written a rule with these expressions, and prints it back."""
    return _needs(tokens) is not None


@lru_cache(maxsize=1024)
def _needs(tokens: Tokens) -> Optional[Needs]:
    """What has to be in the line, or None where iptables prints no line that is right."""
    if "counter" not in tokens:
        return None
    fields: Dict[str, int] = {}
    field = ""
    for expression in tokens:
        if expression in _WORDS:
            field = expression
            fields[field] = fields.get(field, 0) + 1
        elif not _is_known(expression, field):
            return None
    if "immediate value" in tokens and not any(each.startswith("meta set") for each in tokens):
        return None
    return tuple((_WORDS[each], times) for each, times in fields.items())


def _is_known(expression: str, field: str) -> bool:
    if expression == "bitwise":
        return field in _MASKED
    if expression == "range":
        return field in _PORTS
    if expression.startswith("cmp"):
        return expression in _EQUAL or field in _PORTS
    return expression in _PLAIN
