# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads the expressions of a rule as tokens, with the fields that they read or write.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Dict, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    HEADER,
    read_attributes,
    read_nested,
    read_number,
    read_string,
)

_EXPRESSION_DATA = 2
_PAYLOAD_BASE, _PAYLOAD_OFFSET, _PAYLOAD_SOURCE = 2, 3, 5
_META_KEY, _META_SOURCE = 2, 3
_CMP_OPERATION = 2
_IMMEDIATE_DATA, _DATA_VERDICT = 2, 2
_MOST_TOKENS = 100_000
_DETAILED = frozenset(("payload", "meta", "cmp", "immediate"))

Tokens = Tuple[str, ...]
"""A rule's expressions in order: the name, with the field that it reads or writes, such as ``payload 1 12``."""


@lru_cache(maxsize=_MOST_TOKENS)
def read_tokens(expressions: bytes) -> Tokens:
    """Returns the tokens of a rule; the same rules are listed again after a change, and in the rehearsal's child."""
    return tuple([_token(expression) for _kind, expression in read_attributes(expressions)])


@lru_cache(maxsize=_MOST_TOKENS)
def _token(expression: bytes) -> str:
    name = read_string(expression[4 : HEADER.unpack_from(expression)[0]])  # the name is the first attribute
    if name not in _DETAILED:
        return name
    return _detail(name, read_nested(dict(read_attributes(expression)), _EXPRESSION_DATA))


def _detail(name: str, details: Dict[int, bytes]) -> str:
    if name == "payload":
        verb = "payload set" if _PAYLOAD_SOURCE in details else "payload"
        return f"{verb} {read_number(details.get(_PAYLOAD_BASE))} {read_number(details.get(_PAYLOAD_OFFSET))}"
    if name == "meta":
        return f"{'meta set' if _META_SOURCE in details else 'meta'} {read_number(details.get(_META_KEY))}"
    if name == "cmp":
        return f"cmp {read_number(details.get(_CMP_OPERATION))}"
    verdict = _DATA_VERDICT in read_nested(details, _IMMEDIATE_DATA)
    return "immediate verdict" if verdict else "immediate value"
