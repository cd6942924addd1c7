# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Observes the rulesets that a Linux kernel holds, of every frontend, without making a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from typing import Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import beside
from ansible_collections.port443.https.plugins.module_utils._linux.ipset_match import bind_sets
from ansible_collections.port443.https.plugins.module_utils._linux.links import observe_links, observe_listeners
from ansible_collections.port443.https.plugins.module_utils._netfilter.link import Link
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import BASES, filters
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.ipset import IpSet
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import (
    read_ipsets,
    read_nft_tables,
    read_nftables,
)
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.unprinted import join_families
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import (
    NftView,
    mark_native_rules,
    native_tables,
)
from ansible_collections.port443.https.plugins.module_utils._xtables.parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import command_of

NFT, LEGACY = "iptables-nft", "iptables-legacy"
FAMILIES = {4: "ip", 6: "ip6"}
_SAID_VERSION = re.compile(r"\bv1\.\d+")
_TRIES = 3  # a rule that comes between the two looks is gone at the next try
_LEGACY_NAMES = {4: "/proc/net/ip_tables_names", 6: "/proc/net/ip6_tables_names"}


@dataclass(frozen=True)
class Kernel:
    """The rules of every frontend as one ruleset, and what is needed to change them.

    ``now`` is when they were read, in seconds of the epoch. ``commands`` maps each frontend that the host has tools for
    to the start of their names; ``default`` is the one that ``iptables`` stands for, which the boot uses. ``sets`` are
    those of ipset that the rules name.
    """

    ruleset: Ruleset
    links: Tuple[Link, ...]
    commands: Dict[str, str]
    default: Optional[str]
    nft: NftView
    now: float = 0.0
    sets: Mapping[str, IpSet] = field(default_factory=dict)

    def table(self, frontend: str, family: int, name: str = "filter") -> Optional[Table]:
        """Returns the table of that frontend and IP version, or None."""
        for table in self.ruleset:
            if (table.frontend, table.family, table.name) == (frontend, FAMILIES[family], name):
                return table
        return None

    def filters(self, frontend: str, family: int, directions: Sequence[str] = ("in",)) -> bool:
        """Tells whether rules in that frontend do anything to what comes in, or goes out, over that IP version."""
        table = self.table(frontend, family)
        return table is not None and any(filters(table, BASES[direction]) for direction in directions)

    def link(self, family: int) -> Link:
        """Returns the link of that IP version."""
        return next(link for link in self.links if link.family == family)


def observe_kernel(host: FirewallHost) -> Kernel:
    """Reads the rules of iptables-nft, iptables-legacy and native nft; raises HostError without rights or tools."""
    if not host.is_root():
        raise HostError("only root can read and change a firewall: use become: true")
    commands, default = find_frontends(host)
    for _try in range(_TRIES):
        nft, tables = _read_tables(host, commands)
        if not any(table.unprintable for table in tables):
            break
    bound, sets = bind_sets(tables, read_ipsets)
    ruleset = bound + native_tables(nft)
    links = observe_links(host)
    if any(_redirects(table) for table in ruleset):
        links = observe_listeners(host, links)
    return Kernel(ruleset, links, commands, default, nft, host.now(), sets)


def _redirects(table: Table) -> bool:
    """Whether a port may lead to another, so that it matters who listens there."""
    if not any(chain.kind == "nat" for chain in table.chains):
        return False
    return any(rule.verdict in ("redirect", "dnat") for chain in table.chains for rule in chain.rules)


def _read_tables(host: FirewallHost, commands: Dict[str, str]) -> Tuple[NftView, Tuple[Table, ...]]:
    # The tool reads the same rules as we do, for about as long: both at once.
    first = read_nft_tables()
    saves = {
        name: beside(partial(_save, host, commands, NFT, family))
        for family, name in FAMILIES.items()
        if first.has_iptables_tables(name)
    }
    nft = read_nftables()
    tables: Tuple[Table, ...] = ()
    for family, name in FAMILIES.items():
        if nft.has_iptables_tables(name):
            saved = saves[name]() if name in saves else _save(host, commands, NFT, family)
            tables += mark_native_rules(parse_save(saved, NFT, name, host.now()), nft, name)
        names = host.read(_LEGACY_NAMES[family])
        if names:
            saved = _save(host, commands, LEGACY, family)
            _refuse_unsaid(saved, names.decode("ascii", "replace").split(), commands, family)
            tables += parse_save(saved, LEGACY, name, host.now())
    return nft, join_families(tables)


def _refuse_unsaid(saved: str, names: Sequence[str], commands: Dict[str, str], family: int) -> None:
    """Raises HostError where a table of iptables-legacy is missing from the text, or has no end there."""
    ends = [line for line in saved.split("\n") if line[:1] == "*" or line == "COMMIT"]
    whole = {table[1:].strip() for table, end in zip(ends, ends[1:]) if table[:1] == "*" and end == "COMMIT"}
    missing = [name for name in names if name not in whole]
    if missing:
        tool = command_of(commands[LEGACY], family) + "-save"
        raise HostError(f"{tool} prints no whole table {missing[0]}, which the kernel has: what filters cannot be seen")


def refuse_unprintable(kernel: Kernel, frontend: str, family: int) -> None:
    """Raises HostError where iptables-save does not print the table filter: its text has no place of a rule."""
    if frontend != NFT:
        return
    for table in kernel.ruleset:
        if (table.family, table.name) == (FAMILIES[family], "filter") and table.unprintable:
            raise HostError(
                f"{NFT} table {table.family} {table.name} holds what iptables-save cannot print, so rules of iptables "
                f"cannot be placed in it, nor taken out: {table.unprintable}. Move that rule into a table of "
                "its own (nft add table inet NAME), or open the ports with the program that made it"
            )


def find_frontends(host: FirewallHost) -> Tuple[Dict[str, str], Optional[str]]:
    """Returns the command prefix of each frontend that is installed, and the frontend that ``iptables`` means."""
    commands = {frontend: frontend for frontend in (NFT, LEGACY) if host.find(frontend + "-save")}
    plain = host.find("iptables-save")
    if plain is None:
        return commands, None
    default = NFT if "nft" in host.real_path(plain) else LEGACY
    if "xtables" not in host.real_path(plain):
        default = _ask_frontend(host)
    commands.setdefault(default, "iptables")
    return commands, default


def _ask_frontend(host: FirewallHost) -> str:
    """Versions before 1.8 had no other frontend than the one that is legacy now, and did not name it."""
    ended = host.run(("iptables-save", "--version"))
    said = _SAID_VERSION.search(ended.out)
    if said is None:
        raise HostError(
            f"'iptables-save --version' does not tell which frontend it is: it ended with code {ended.returncode} and "
            f"said: {ended.words()}"
        )
    return NFT if "nf_tables" in ended.out else LEGACY


def _save(host: FirewallHost, commands: Dict[str, str], frontend: str, family: int) -> str:
    if frontend not in commands:
        raise HostError(
            f"the kernel holds rules of {frontend}, but {frontend}-save is not installed: install the iptables package"
        )
    prefix = command_of(commands[frontend], family)
    ended = host.run((prefix + "-save",))
    # iptables-nft-save 1.8.11 stops at some native rules with code 3; the caller finds that something is missing.
    if ended.returncode and frontend != NFT:
        raise HostError(f"{prefix}-save failed with code {ended.returncode} and said: {ended.words()}")
    return ended.out
