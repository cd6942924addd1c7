# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the kernel of a Linux host filters with at this moment, read without making a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Dict, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._parse import parse_save
from ansible_collections.port443.https.plugins.module_utils._choose import BASES, filters
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._execute import beside
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._ipset import IpSet
from ansible_collections.port443.https.plugins.module_utils._ipset_match import bind_sets
from ansible_collections.port443.https.plugins.module_utils._link import (
    Link,
    observe_links,
    observe_listeners,
)
from ansible_collections.port443.https.plugins.module_utils._netlink import (
    read_ipsets,
    read_nft_tables,
    read_nftables,
)
from ansible_collections.port443.https.plugins.module_utils._nft_kernel import (
    NftView,
    mark_native_rules,
    native_tables,
)
from ansible_collections.port443.https.plugins.module_utils._ruleset import Ruleset, Table

NFT, LEGACY = "iptables-nft", "iptables-legacy"
FAMILIES = {4: "ip", 6: "ip6"}
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
        """The table of that frontend and IP version, or None."""
        for table in self.ruleset:
            if (table.frontend, table.family, table.name) == (frontend, FAMILIES[family], name):
                return table
        return None

    def filters(self, frontend: str, family: int, directions: Sequence[str] = ("in",)) -> bool:
        """Whether somebody's rules in that frontend do anything to what comes in, or goes out, over that IP version."""
        table = self.table(frontend, family)
        return table is not None and any(filters(table, BASES[direction]) for direction in directions)

    def link(self, family: int) -> Link:
        """How that IP version reaches the host."""
        return next(link for link in self.links if link.family == family)


def observe_kernel(host: Host) -> Kernel:
    """Reads the rules of iptables-nft, iptables-legacy and native nft; raises HostError without rights or tools."""
    if not host.is_root():
        raise HostError("only root can read and change a firewall: use become: true")
    commands, default = find_frontends(host)
    for _try in range(_TRIES):
        nft, tables = _read_tables(host, commands)
        if not any(find_unprintable(table) for table in tables):
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


def _read_tables(host: Host, commands: Dict[str, str]) -> Tuple[NftView, Tuple[Table, ...]]:
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
        if host.read(_LEGACY_NAMES[family]):
            tables += parse_save(_save(host, commands, LEGACY, family), LEGACY, name, host.now())
    return nft, tables


def find_unprintable(table: Table) -> Optional[str]:
    """Returns a chain whose rules the text of iptables-save and the kernel do not both show, or None.

    Somebody changed it between the two looks, or it holds rules that iptables-save leaves out: then no index in the
    text is one in the kernel.
    """
    for chain in table.chains:
        if table.frontend == NFT and any(rule.verdict == "opaque" and rule.text[:3] != "-A " for rule in chain.rules):
            return chain.name
    return None


def find_frontends(host: Host) -> Tuple[Dict[str, str], Optional[str]]:
    """Returns the command prefix of each frontend that is installed, and the frontend that ``iptables`` means."""
    commands = {frontend: frontend for frontend in (NFT, LEGACY) if host.find(frontend + "-save")}
    plain = host.find("iptables-save")
    if plain is None:
        return commands, None
    default = NFT if "nft" in host.real_path(plain) else LEGACY
    if "xtables" not in host.real_path(plain):
        default = NFT if "nf_tables" in host.run(("iptables-save", "--version")).out else LEGACY
    commands.setdefault(default, "iptables")
    return commands, default


def command_of(prefix: str, family: int) -> str:
    """Returns how the tools of an IP version begin, where those of IPv4 begin with ``prefix``."""
    return prefix if family == 4 else prefix.replace("iptables", "ip6tables", 1)


def _save(host: Host, commands: Dict[str, str], frontend: str, family: int) -> str:
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
