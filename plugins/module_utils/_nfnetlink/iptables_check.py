# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that iptables-save printed a rule of nf_tables right, by the expressions that it knows."""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, Optional, Tuple

# Expressions that iptables-nft writes and prints back: xt_match and xt_target carry the whole option in themselves.
_PLAIN = frozenset(("counter", "match", "target", "immediate verdict", "immediate value"))

# A field that a rule reads or sets, and the words one of which is in the printed rule if iptables understood it. Base 1
# is the network header, 2 the transport header; keys of meta are those of enum nft_meta_keys. Which of them are written
# or understood depends on iptables' version (1.8.7 reads no transport header), so the printed rule itself is asked.
_WORDS: Dict[str, Tuple[str, ...]] = {
    "payload 1 6": (" -f ", " -p "),  # IPv4's fragment offset, IPv6's next header
    "payload 1 9": (" -p ",),
    "payload 1 12": (" -s ",),
    "payload 1 16": (" -d ",),
    "payload 1 8": (" -s ", " --ttl-"),  # IPv6's source, IPv4's time to live
    "payload 1 24": (" -d ",),
    "payload 1 7": (" --hl-",),
    "payload 2 0": (" --sport ", " --icmp-type ", " --icmpv6-type "),
    "payload 2 2": (" --dport ",),
    "payload 2 13": (" --tcp-flags ",),
    "meta 3": (" --mark ",),
    "meta 4": (" -i ",),
    "meta 5": (" -o ",),
    "meta 6": (" -i ",),
    "meta 7": (" -o ",),
    "meta 16": (" -p ",),
    "meta 19": (" --pkt-type ",),
    "meta set 3": (" -j MARK ",),
    "meta set 12": (" -j TRACE",),
    "limit": (" -m limit ",),
    "log": (" -j LOG", " -j NFLOG"),
}
_EQUAL = frozenset(("cmp 0", "cmp 1"))
_PORTS = frozenset(("payload 2 0", "payload 2 2"))  # iptables also prints ranges of them
# Fields that iptables prints with a mask: addresses, fragment offset, TCP flags, the mark.
_MASKED = frozenset("payload " + place for place in ("1 6", "1 8", "1 12", "1 16", "1 24", "2 13")) | {"meta 3"}

Needs = Tuple[Tuple[Tuple[str, ...], int], ...]
"""Words, and how often one of them has to be in the printed rule."""


def printed_right(tokens: Tuple[str, ...], text: str) -> bool:
    """Tells whether iptables-save's line says all that a rule's expressions do.

    A rule without a counter was not written by iptables; of one with a counter, each field has to show in the line.
    """
    needs = _needs(tokens)
    if not needs:
        return needs is not None
    padded = f" {text} "
    return all(sum(padded.count(word) for word in words) >= times for words, times in needs)


def may_be_iptables(tokens: Tuple[str, ...]) -> bool:
    """Tells whether iptables-nft may have written a rule with these expressions, and prints it back."""
    return _needs(tokens) is not None


@lru_cache(maxsize=1024)
def _needs(tokens: Tuple[str, ...]) -> Optional[Needs]:
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
