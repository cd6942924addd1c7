# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses nf_tables' messages about tables, chains, rules and sets.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._nfnetlink.attributes import (
    read_attributes,
    read_nested,
    read_number,
    read_string,
)

_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_INET_HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
_HOOKS = {"netdev": ("ingress", "egress"), "arp": ("input", "output", "forward")}
_SIGNED_BE32 = Struct(">i")

_TABLE_NAME, _TABLE_FLAGS, _DORMANT, _OWNED = 1, 2, 1, 2
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_USE, _CHAIN_TYPE = 1, 3, 4, 5, 6, 7
_HOOK_NUMBER, _HOOK_PRIORITY, _HOOK_DEVICE, _HOOK_DEVICES = 1, 2, 3, 4
_DEVICE_PREFIX = 2
_RULE_TABLE, _RULE_CHAIN, _RULE_HANDLE, _RULE_EXPRESSIONS, _RULE_USERDATA = 1, 2, 3, 4, 7
_SET_TABLE, _SET_NAME, _SET_FLAGS, _SET_KEY_TYPE, _SET_KEY_LENGTH, _SET_DATA_TYPE = 1, 2, 3, 4, 5, 6
_SET_DESCRIPTION, _SET_OBJECT = 9, 15
_DESCRIPTION_SIZE = 1
_LIST_ELEMENTS = 3
_COMMENT = 0  # libnftnl's udata.h: the first kind of user data of a rule


@dataclass(frozen=True)
class KernelTable:
    """A table; a dormant one does nothing, an owned one only its owner may change."""

    family: str
    name: str
    dormant: bool = False
    owned: bool = False


@dataclass(frozen=True)
class KernelChain:
    """A chain; ``hook`` is None unless it is a base chain; ``use`` counts its rules and the jumps to it."""

    family: str
    table: str
    name: str
    hook: Optional[str] = None
    priority: int = 0
    kind: str = ""
    policy: str = "accept"
    use: int = 0
    devices: Tuple[str, ...] = ()


class KernelRule(NamedTuple):
    """A rule's place, its expressions as the kernel listed them, and its comment."""

    family: str
    table: str
    chain: str
    handle: int
    expressions: bytes
    comment: str = ""


@dataclass(frozen=True)
class KernelSet:
    """A set or map; ``size`` is how many elements it takes at most, 0 for any; ``elements`` are as they were listed."""

    family: str
    table: str
    name: str
    flags: int
    key_type: int
    key_length: int
    data_type: int = 0
    object_type: int = 0
    size: int = 0
    elements: Tuple[bytes, ...] = ()


def parse_table(family: int, payload: bytes) -> KernelTable:
    """Reads the attributes of a NEWTABLE message; ``family`` is its nfgenmsg's."""
    attributes = dict(read_attributes(payload))
    flags = read_number(attributes.get(_TABLE_FLAGS))
    return KernelTable(
        _family(family), read_string(attributes[_TABLE_NAME]), bool(flags & _DORMANT), bool(flags & _OWNED)
    )


def parse_chain(family: int, payload: bytes) -> KernelChain:
    """Reads the attributes of a NEWCHAIN message."""
    attributes = dict(read_attributes(payload))
    family_name = _family(family)
    table, name = read_string(attributes[_CHAIN_TABLE]), read_string(attributes[_CHAIN_NAME])
    use = read_number(attributes.get(_CHAIN_USE))
    if _CHAIN_HOOK not in attributes:
        return KernelChain(family_name, table, name, use=use)
    hook = read_nested(attributes, _CHAIN_HOOK)
    number = read_number(hook.get(_HOOK_NUMBER))
    names = _HOOKS.get(family_name, _INET_HOOKS)
    return KernelChain(
        family_name,
        table,
        name,
        hook=names[number] if number < len(names) else "ingress",
        priority=_SIGNED_BE32.unpack(hook[_HOOK_PRIORITY])[0] if _HOOK_PRIORITY in hook else 0,
        kind=read_string(attributes.get(_CHAIN_TYPE, b"")),
        policy="drop" if _CHAIN_POLICY in attributes and read_number(attributes[_CHAIN_POLICY]) == 0 else "accept",
        use=use,
        devices=_devices(hook),
    )


def _devices(hook: Dict[int, bytes]) -> Tuple[str, ...]:
    if _HOOK_DEVICES in hook:
        listed = read_attributes(hook[_HOOK_DEVICES])
        return tuple(read_string(value) + ("+" if kind == _DEVICE_PREFIX else "") for kind, value in listed)
    return (read_string(hook[_HOOK_DEVICE]),) if _HOOK_DEVICE in hook else ()


class RuleReader:
    """Reads the attributes of NEWRULE messages; the names repeat, so each is read once."""

    def __init__(self) -> None:
        self._names: Dict[bytes, str] = {}

    def parse(self, family: int, payload: bytes) -> KernelRule:
        """Returns a rule; what its expressions mean is not looked at."""
        attributes = dict(read_attributes(payload))
        comment = _comment(attributes[_RULE_USERDATA]) if _RULE_USERDATA in attributes else ""
        return KernelRule(
            _family(family),
            self._name(attributes[_RULE_TABLE]),
            self._name(attributes[_RULE_CHAIN]),
            read_number(attributes.get(_RULE_HANDLE)),
            attributes.get(_RULE_EXPRESSIONS, b""),
            comment,
        )

    def _name(self, value: bytes) -> str:
        name = self._names.get(value)
        if name is None:
            name = self._names[value] = read_string(value)
        return name


def _comment(userdata: bytes) -> str:
    """User data are kind, length and value, a byte the first two (libnftnl, src/udata.c)."""
    at = 0
    while at + 2 <= len(userdata):
        kind, length = userdata[at], userdata[at + 1]
        if kind == _COMMENT:
            return read_string(userdata[at + 2 : at + 2 + length])
        at += 2 + length
    return ""


def parse_set(family: int, payload: bytes) -> KernelSet:
    """Reads the attributes of a NEWSET message; the elements are listed apart."""
    attributes = dict(read_attributes(payload))
    return KernelSet(
        _family(family),
        read_string(attributes[_SET_TABLE]),
        read_string(attributes[_SET_NAME]),
        read_number(attributes.get(_SET_FLAGS)),
        read_number(attributes.get(_SET_KEY_TYPE)),
        read_number(attributes.get(_SET_KEY_LENGTH)),
        read_number(attributes.get(_SET_DATA_TYPE)),
        read_number(attributes.get(_SET_OBJECT)),
        read_number(read_nested(attributes, _SET_DESCRIPTION).get(_DESCRIPTION_SIZE)),
    )


def parse_elements(messages: List[Tuple[int, bytes]]) -> Tuple[bytes, ...]:
    """Returns the lists of elements in NEWSETELEM messages, still as attributes."""
    return tuple(dict(read_attributes(payload)).get(_LIST_ELEMENTS, b"") for _family_number, payload in messages)


def _family(number: int) -> str:
    return _FAMILIES.get(number, str(number))
