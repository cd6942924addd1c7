# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds the rules that a reload of firewalld takes away though firewalld did not make them.

Up to version 1.3.3 it empties the tables of iptables, ip6tables and ebtables (``flush`` and ``all_backends`` in
firewall/core/fw.py) whatever FirewallBackend says; 2.3.1 does so only where it has direct rules
(``may_skip_flush_direct_backends``), which distributions have put into other versions, too: no number tells. Its own
table it always makes anew, with all that others put there.
"""

from __future__ import annotations

import re
from typing import Any, FrozenSet, List, Mapping, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import ZONE, Daemon
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import parse_items
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Rule, Span, Table
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import IPTABLES_TABLES, NftView

# BUILT_IN_CHAINS in firewall/core/ipXtables.py and ebtables.py.
_EMPTIED = {"ip": IPTABLES_TABLES, "ip6": IPTABLES_TABLES, "bridge": ("broute", "nat", "filter")}
_NO_TABLE = "The kernel doesn't support the ebtables"  # ebt_get_kernel_table in ebtables' libebtc.c
_OWN_TABLE = "firewalld"
_OWN_CHAIN = re.compile(
    r"(?:raw|mangle|nat|filter)_(?:PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING|IN|FWD[IO]?|OUT|PRE|POST)(?:_.+)?"
)
_ZONE_CHAIN = re.compile(r"filter_IN_(?!policy_)(.+)_(pre|log|deny|allow|post)")
_MORE = ("rules_str", "icmp_blocks", "icmp_block_inversion")
_ASKED = frozenset(("source", "destination", "sport", "dport", "port"))


def find_flushed(host: FirewallHost, kernel: Kernel, daemon: Daemon) -> Tuple[str, ...]:
    """Returns rules and chains that a reload would take from others, one for each table, each with its table."""
    found = [_first_of_nft(kernel.nft or NftView(), kernel, family) for family in _EMPTIED]
    found += [_first_of_table(table) for table in kernel.ruleset if table.frontend == "iptables-legacy"]
    found += [_first_in_own(table, daemon) for table in kernel.ruleset if table.name == _OWN_TABLE]
    return tuple([place for place in found if place] + _find_bridged(host))


def _first_of_nft(view: NftView, kernel: Kernel, family: str) -> str:
    """The first rule or chain that others have in tables of nf_tables with the names of iptables' or ebtables'.

    Counted is what the kernel lists: what iptables-save cannot print is emptied, too.
    """
    filled = {(one.table, one.chain) for one in view.rules if one.family == family}
    named = {(one.table, one.name) for one in view.chains if one.family == family and not one.hook}
    for table, chain in sorted(place for place in filled | named if place[0] in _EMPTIED[family]):
        return f"{family} {table} {chain}: {_text_of(kernel, family, table, chain)}"
    return ""


def _text_of(kernel: Kernel, family: str, table: str, chain: str) -> str:
    for one in kernel.ruleset:
        named = one.chain(chain) if (one.family, one.name) == (family, table) else None
        if named is not None and named.rules:
            return named.rules[0].text
    return "a chain of another program"


def _first_of_table(table: Table) -> str:
    for chain in table.chains:
        if chain.rules or chain.policy is None:
            return f"{table.frontend} {table.family} {table.name} {chain.name}: {_first_text(chain)}"
    return ""


def _first_text(chain: Chain) -> str:
    return chain.rules[0].text if chain.rules else "a chain of another program"


def _find_bridged(host: FirewallHost) -> List[str]:
    """What others have in ebtables where that is the legacy one, which no table of nf_tables shows.

    firewalld lists the same tables when it starts, so that this loads no module. A table that cannot be listed may hold
    anything, unless the kernel has none of that name.
    """
    path = host.find("ebtables")
    if path is None or "legacy" not in host.real_path(path):
        return []
    found: List[str] = []
    for table in _EMPTIED["bridge"]:
        ended = host.run(("ebtables", "-t", table, "-L"))
        if ended.returncode and _NO_TABLE in ended.err:
            continue
        if ended.returncode or f"Bridge table: {table}\n" not in ended.out:
            words = f"{' '.join(ended.argv)} ended with code {ended.returncode} and said: {ended.words()}"
            found.append(f"what ebtables {table} holds, which cannot be told: {words}")
            continue
        chains = re.findall(r"^Bridge chain: (\S+), entries: (\d+)", ended.out, re.MULTILINE)
        found += [f"ebtables {table} {name}" for name, entries in chains if int(entries) or not name.isupper()][:1]
    return found


def _first_in_own(table: Table, daemon: Daemon) -> str:
    """The first rule in firewalld's own table that can be told to be another's, as far as its settings show that."""
    for chain in table.chains:
        stranger = "a chain of another program" if not _OWN_CHAIN.fullmatch(chain.name) else ""
        odd = [rule.text for rule in chain.rules if _is_odd(chain, rule, daemon)]
        if stranger or odd:
            return f"nft {table.family} {table.name} {chain.name}: {(odd or [stranger])[0]}"
    return ""


def _is_odd(chain: Chain, rule: Rule, daemon: Daemon) -> bool:
    """Tells whether firewalld cannot have made a rule of what comes in.

    Its chain for all that comes in asks for neither ports nor addresses, and a zone without rich rules has ports to let
    in and no more.
    """
    if chain.name == "filter_INPUT":
        return bool(_fields(rule) & _ASKED)
    zoned = _ZONE_CHAIN.fullmatch(chain.name)
    settings = daemon.runtime.get((ZONE, zoned.group(1))) if zoned else None
    if zoned is None or settings is None or any(settings.get(key) for key in _MORE):
        return False
    if zoned.group(2) != "allow":
        return True
    asked = [span for match in rule.matches if match.field == "dport" for span in match.spans]
    known = _spans_of(settings, daemon)
    return rule.verdict in ("drop", "reject") or bool(known and not all(_is_within(span, known) for span in asked))


def _fields(rule: Rule) -> FrozenSet[str]:
    return frozenset(field for match in rule.matches for field in match.fields)


def _spans_of(settings: Mapping[str, Any], daemon: Daemon) -> Sequence[Span]:
    """The ports that a zone lets in; none where a service has none itself, as one does that only includes others."""
    items = parse_items(settings)
    services = [daemon.services.get(item.service) for item in items if item.service]
    if not all(service and service.ports for service in services):
        return ()
    opened = [port for service in services if service for port in service.ports]
    opened += [item.port for item in items if item.port is not None]
    return [(port.low, port.high) for port in opened]


def _is_within(span: Span, known: Sequence[Span]) -> bool:
    return any(low <= span[0] and span[1] <= high for low, high in known)
