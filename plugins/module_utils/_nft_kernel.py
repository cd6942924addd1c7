# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What nf_tables' own messages say: base chains of any tool, and rules that iptables-save cannot have printed right.

Numbers are those of include/uapi/linux/netfilter/nf_tables.h and nfnetlink.h.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import Struct
from typing import Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._nft_rules import printed_right
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Rule, Ruleset, Table

IPTABLES_TABLES = ("raw", "mangle", "nat", "filter", "security")
_FAMILIES = {1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_INET_HOOKS = ("prerouting", "input", "forward", "output", "postrouting", "ingress")
_HOOKS = {"netdev": ("ingress", "egress"), "arp": ("input", "output", "forward")}

_ATTRIBUTE = Struct("=HH")
_BE32 = Struct(">I")
_SIGNED_BE32 = Struct(">i")
_TYPE_MASK = 0x3FFF  # the upper two bits of a type are flags
_TABLE_NAME, _TABLE_FLAGS, _DORMANT = 1, 2, 1
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY, _CHAIN_USE, _CHAIN_TYPE = 1, 3, 4, 5, 6, 7
_HOOK_NUMBER, _HOOK_PRIORITY, _HOOK_DEVICE, _HOOK_DEVICES = 1, 2, 3, 4
_RULE_TABLE, _RULE_CHAIN, _RULE_EXPRESSIONS = 1, 2, 4
_EXPRESSION_DATA = 2
_PAYLOAD_BASE, _PAYLOAD_OFFSET, _PAYLOAD_SOURCE = 2, 3, 5
_META_KEY, _META_SOURCE = 2, 3
_CMP_OPERATION = 2
_IMMEDIATE_DATA, _DATA_VERDICT = 2, 2

Tokens = Tuple[str, ...]
"""A rule's expressions in order: the name, with the field that it reads or writes, such as ``payload 1 12``."""


@dataclass(frozen=True)
class KernelTable:
    """A table; a dormant one does nothing."""

    family: str
    name: str
    dormant: bool = False


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


@dataclass(frozen=True)
class KernelRule:
    """A rule's place and expressions."""

    family: str
    table: str
    chain: str
    tokens: Tokens


@dataclass(frozen=True)
class NftView:
    """All tables and chains of nf_tables, and the rules of those tables that bear iptables' names."""

    tables: Tuple[KernelTable, ...] = ()
    chains: Tuple[KernelChain, ...] = ()
    rules: Tuple[KernelRule, ...] = ()

    def has_iptables_tables(self, family: str) -> bool:
        """Tells whether iptables-save (``family`` ip) or ip6tables-save (ip6) has something to print."""
        return any(table.family == family and table.name in IPTABLES_TABLES for table in self.tables)

    def has_chain(self, family: str, table: str, chain: str) -> bool:
        """Tells whether the kernel has that chain."""
        return any((one.family, one.table, one.name) == (family, table, chain) for one in self.chains)

    def is_dormant(self, family: str, table: str) -> bool:
        """Tells whether a table is switched off."""
        return any((one.family, one.name, one.dormant) == (family, table, True) for one in self.tables)


def native_tables(view: NftView) -> Ruleset:
    """Returns the tables that are not iptables' as far as their base chains may decide: each is one opaque rule.

    A base chain without rules and with policy accept is harmless; Debian's nftables.conf makes three of them.
    """
    return _opaque_tables(view, [chain for chain in view.chains if not _is_iptables(chain.family, chain.table)])


def mark_native_rules(tables: Tuple[Table, ...], view: NftView, family: str) -> Tuple[Table, ...]:
    """Returns what iptables-save printed of one family, each rule opaque that cannot be printed right.

    iptables-save 1.8.9 prints native rules of tables with iptables' names as far as it understands them and says
    nothing: ``tcp dport { 80, 8080 } accept`` becomes ``-p tcp -j ACCEPT``. Base chains that it leaves out come as
    further tables of frontend nft.
    """
    tokens: Dict[Tuple[str, str], List[Tokens]] = {}
    for rule in view.rules:
        if rule.family == family:
            tokens.setdefault((rule.table, rule.chain), []).append(rule.tokens)
    marked = tuple(_mark_table(table, tokens, view) for table in tables)
    printed = {(table.name, chain.name, chain.hook, chain.priority) for table in tables for chain in table.chains}
    left = [
        chain
        for chain in view.chains
        if chain.family == family
        and _is_iptables(chain.family, chain.table)
        and (chain.table, chain.name, chain.hook, chain.priority) not in printed
    ]
    return marked + _opaque_tables(view, left)


def _is_iptables(family: str, table: str) -> bool:
    return family in ("ip", "ip6") and table in IPTABLES_TABLES


def _mark_table(table: Table, tokens: Dict[Tuple[str, str], List[Tokens]], view: NftView) -> Table:
    chains = tuple(_mark_chain(table, chain, tokens.get((table.name, chain.name), [])) for chain in table.chains)
    if view.is_dormant(table.family, table.name):
        chains = tuple(replace(chain, hook=None) for chain in chains)
    return replace(table, chains=chains)


def _mark_chain(table: Table, chain: Chain, expressions: List[Tokens]) -> Chain:
    if len(expressions) != len(chain.rules):  # the text leaves some out, or somebody changed the chain in between
        return replace(chain, rules=(_opaque_rule(table.family, table.name, chain.name),))
    wrong = [not printed_right(tokens, rule.text) for tokens, rule in zip(expressions, chain.rules)]
    if not any(wrong):
        return chain
    rules = tuple(
        replace(rule, matches=(), verdict="opaque", target="") if native else rule
        for native, rule in zip(wrong, chain.rules)
    )
    return replace(chain, rules=rules)


def _opaque_rule(family: str, table: str, chain: str) -> Rule:
    return Rule((), "opaque", text=f"nft table {family} {table}, chain {chain}")


def _opaque_tables(view: NftView, chains: List[KernelChain]) -> Ruleset:
    tables: Dict[Tuple[str, str], List[Chain]] = {}
    for chain in chains:
        harmless = not chain.use and chain.policy == "accept"
        if chain.hook is None or harmless or view.is_dormant(chain.family, chain.table) or chain.devices == ("lo",):
            continue
        rules = (_opaque_rule(chain.family, chain.table, chain.name),)
        kind = "nat" if chain.kind == "nat" else "filter"
        made = Chain(chain.name, rules, chain.policy, chain.hook, chain.priority, kind)
        tables.setdefault((chain.family, chain.table), []).append(made)
    return tuple(Table("nft", family, name, tuple(made)) for (family, name), made in tables.items())


def parse_table(family: int, payload: bytes) -> KernelTable:
    """Reads the attributes of a NEWTABLE message; ``family`` is its nfgenmsg's."""
    attributes = dict(_attributes(payload))
    dormant = bool(_number(attributes.get(_TABLE_FLAGS)) & _DORMANT)
    return KernelTable(_FAMILIES.get(family, str(family)), _string(attributes[_TABLE_NAME]), dormant)


def parse_chain(family: int, payload: bytes) -> KernelChain:
    """Reads the attributes of a NEWCHAIN message."""
    attributes = dict(_attributes(payload))
    family_name = _FAMILIES.get(family, str(family))
    table, name = _string(attributes[_CHAIN_TABLE]), _string(attributes[_CHAIN_NAME])
    use = _number(attributes.get(_CHAIN_USE))
    if _CHAIN_HOOK not in attributes:
        return KernelChain(family_name, table, name, use=use)
    hook = dict(_attributes(attributes[_CHAIN_HOOK]))
    number = _number(hook.get(_HOOK_NUMBER))
    names = _HOOKS.get(family_name, _INET_HOOKS)
    return KernelChain(
        family_name,
        table,
        name,
        hook=names[number] if number < len(names) else "ingress",
        priority=_SIGNED_BE32.unpack(hook[_HOOK_PRIORITY])[0] if _HOOK_PRIORITY in hook else 0,
        kind=_string(attributes.get(_CHAIN_TYPE, b"")),
        policy="drop" if _CHAIN_POLICY in attributes and _number(attributes[_CHAIN_POLICY]) == 0 else "accept",
        use=use,
        devices=_devices(hook),
    )


def _devices(hook: Dict[int, bytes]) -> Tuple[str, ...]:
    if _HOOK_DEVICES in hook:
        return tuple(_string(value) for _kind, value in _attributes(hook[_HOOK_DEVICES]))
    return (_string(hook[_HOOK_DEVICE]),) if _HOOK_DEVICE in hook else ()


_TOKENS: Dict[bytes, Tokens] = {}
_MOST_TOKENS = 100_000


class RuleReader:
    """Reads the attributes of NEWRULE messages; expressions repeat, so each is read once."""

    def __init__(self) -> None:
        self._known: Dict[bytes, str] = {}
        self._names: Dict[bytes, str] = {}

    def parse(self, family: int, payload: bytes) -> KernelRule:
        """Returns a rule's place and tokens."""
        table = chain = ""
        tokens: Tokens = ()
        for kind, value in _attributes(payload):
            if kind == _RULE_TABLE:
                table = self._name(value)
            elif kind == _RULE_CHAIN:
                chain = self._name(value)
            elif kind == _RULE_EXPRESSIONS:
                tokens = self._tokens(value)
        return KernelRule(_FAMILIES.get(family, str(family)), table, chain, tokens)

    def _tokens(self, expressions: bytes) -> Tokens:
        """The same rules are listed again after a change, and in the rehearsal's child."""
        tokens = _TOKENS.get(expressions)
        if tokens is None:
            tokens = tuple([self._token(expression) for _kind, expression in _attributes(expressions)])
            if len(_TOKENS) < _MOST_TOKENS:
                _TOKENS[expressions] = tokens
        return tokens

    def _name(self, value: bytes) -> str:
        name = self._names.get(value)
        if name is None:
            name = self._names[value] = _string(value)
        return name

    def _token(self, expression: bytes) -> str:
        token = self._known.get(expression)
        if token is not None:
            return token
        name = self._name(expression[4 : _ATTRIBUTE.unpack_from(expression)[0]])  # the name is the first attribute
        if name not in _DETAILED:
            return name
        details = dict(_attributes(dict(_attributes(expression)).get(_EXPRESSION_DATA, b"")))
        token = self._known[expression] = _detail(name, details)
        return token


_DETAILED = frozenset(("payload", "meta", "cmp", "immediate"))


def _detail(name: str, details: Dict[int, bytes]) -> str:
    if name == "payload":
        verb = "payload set" if _PAYLOAD_SOURCE in details else "payload"
        return f"{verb} {_number(details.get(_PAYLOAD_BASE))} {_number(details.get(_PAYLOAD_OFFSET))}"
    if name == "meta":
        return f"{'meta set' if _META_SOURCE in details else 'meta'} {_number(details.get(_META_KEY))}"
    if name == "cmp":
        return f"cmp {_number(details.get(_CMP_OPERATION))}"
    verdict = _DATA_VERDICT in dict(_attributes(details.get(_IMMEDIATE_DATA, b"")))
    return "immediate verdict" if verdict else "immediate value"


def _attributes(payload: bytes) -> List[Tuple[int, bytes]]:
    """The netlink attributes of a message, number and value; each is padded to 4 bytes."""
    found: List[Tuple[int, bytes]] = []
    at, end, unpack = 0, len(payload) - 3, _ATTRIBUTE.unpack_from
    while at < end:
        length, kind = unpack(payload, at)
        if length < 4:
            break
        found.append((kind & _TYPE_MASK, payload[at + 4 : at + length]))
        at += (length + 3) & ~3
    return found


def _string(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "surrogateescape")


def _number(value: Optional[bytes]) -> int:
    return int(_BE32.unpack(value)[0]) if value and len(value) == 4 else 0
