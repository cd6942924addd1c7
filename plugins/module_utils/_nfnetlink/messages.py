# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Parses nf_tables' messages about tables, chains, rules and sets."""

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
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.constants import (
    ChainAttr,
    HookAttr,
    NfProto,
    RuleAttr,
    SetAttr,
    SetDescAttr,
    SetElemListAttr,
    TableAttr,
    TableFlag,
    VerdictCode,
)

_FAMILIES = {
    NfProto.INET: "inet",
    NfProto.IPV4: "ip",
    NfProto.ARP: "arp",
    NfProto.NETDEV: "netdev",
    NfProto.BRIDGE: "bridge",
    NfProto.IPV6: "ip6",
}
_INET_HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
_HOOKS = {"netdev": ("ingress", "egress"), "arp": ("input", "output", "forward")}
_SIGNED_BE32 = Struct(">i")

_DEVICE_PREFIX = 2  # NFTA_DEVICE_PREFIX; NFTA_DEVICE_NAME is 1
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
    flags = read_number(attributes.get(TableAttr.FLAGS))
    return KernelTable(
        _family(family),
        read_string(attributes[TableAttr.NAME]),
        bool(flags & TableFlag.DORMANT),
        bool(flags & TableFlag.OWNER),
    )


def parse_chain(family: int, payload: bytes) -> KernelChain:
    """Reads the attributes of a NEWCHAIN message."""
    attributes = dict(read_attributes(payload))
    family_name = _family(family)
    table, name = read_string(attributes[ChainAttr.TABLE]), read_string(attributes[ChainAttr.NAME])
    use = read_number(attributes.get(ChainAttr.USE))
    if ChainAttr.HOOK not in attributes:
        return KernelChain(family_name, table, name, use=use)
    hook = read_nested(attributes, ChainAttr.HOOK)
    number = read_number(hook.get(HookAttr.HOOKNUM))
    drops = ChainAttr.POLICY in attributes and read_number(attributes[ChainAttr.POLICY]) == VerdictCode.DROP
    names = _HOOKS.get(family_name, _INET_HOOKS)
    return KernelChain(
        family_name,
        table,
        name,
        hook=names[number] if number < len(names) else "ingress",
        priority=_SIGNED_BE32.unpack(hook[HookAttr.PRIORITY])[0] if HookAttr.PRIORITY in hook else 0,
        kind=read_string(attributes.get(ChainAttr.TYPE, b"")),
        policy="drop" if drops else "accept",
        use=use,
        devices=_devices(hook),
    )


def _devices(hook: Dict[int, bytes]) -> Tuple[str, ...]:
    if HookAttr.DEVS in hook:
        listed = read_attributes(hook[HookAttr.DEVS])
        return tuple(read_string(value) + ("+" if kind == _DEVICE_PREFIX else "") for kind, value in listed)
    return (read_string(hook[HookAttr.DEV]),) if HookAttr.DEV in hook else ()


class RuleReader:
    """Reads the attributes of NEWRULE messages; the names repeat, so each is read once."""

    def __init__(self) -> None:
        self._names: Dict[bytes, str] = {}

    def parse(self, family: int, payload: bytes) -> KernelRule:
        """Returns a rule; what its expressions mean is not looked at."""
        attributes = dict(read_attributes(payload))
        comment = _comment(attributes[RuleAttr.USERDATA]) if RuleAttr.USERDATA in attributes else ""
        return KernelRule(
            _family(family),
            self._name(attributes[RuleAttr.TABLE]),
            self._name(attributes[RuleAttr.CHAIN]),
            read_number(attributes.get(RuleAttr.HANDLE)),
            attributes.get(RuleAttr.EXPRESSIONS, b""),
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
        read_string(attributes[SetAttr.TABLE]),
        read_string(attributes[SetAttr.NAME]),
        read_number(attributes.get(SetAttr.FLAGS)),
        read_number(attributes.get(SetAttr.KEY_TYPE)),
        read_number(attributes.get(SetAttr.KEY_LEN)),
        read_number(attributes.get(SetAttr.DATA_TYPE)),
        read_number(attributes.get(SetAttr.OBJ_TYPE)),
        read_number(read_nested(attributes, SetAttr.DESC).get(SetDescAttr.SIZE)),
    )


def parse_elements(messages: List[Tuple[int, bytes]]) -> Tuple[bytes, ...]:
    """Returns the lists of elements in NEWSETELEM messages, still as attributes."""
    return tuple(
        dict(read_attributes(payload)).get(SetElemListAttr.ELEMENTS, b"") for _family_number, payload in messages
    )


def _family(number: int) -> str:
    return _FAMILIES.get(number, str(number))
