# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Applies one transaction of nft, and the transaction that takes it back."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.socket import read_nftables
from ansible_collections.port443.https.plugins.module_utils._nfnetlink.view import NftView
from ansible_collections.port443.https.plugins.module_utils._plan.apply import explain
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, Prune
from ansible_collections.port443.https.plugins.module_utils._rehearsal.nft import COMMAND

_VERDICT_CHAIN = 2  # NFTA_VERDICT_CHAIN in include/uapi/linux/netfilter/nf_tables.h


@dataclass(frozen=True)
class Transaction(Act):
    """Gives ``script`` to nft.

    ``back`` is what takes it back once nothing leads to ``chain`` in ``tables`` (families and names) any more: the
    handles of the rules that do are known only afterwards. ``prunes`` follow.
    """

    look: ClassVar[Tuple[str, ...]] = ("nft", "--stateless", "list", "ruleset")

    script: str
    chain: str
    tables: Tuple[Tuple[str, str], ...]
    back: str
    prunes: Tuple[Prune, ...] = ()

    def __str__(self) -> str:
        return "{} <<'EOF'\n{}EOF".format(" ".join(COMMAND), self.script)

    def carry_out(self, host: FirewallHost) -> None:
        """Makes the change, all of it or nothing; raises HostError with nft's words."""
        _run(host, self.script)

    def take_back(self, host: FirewallHost) -> None:
        """Makes what was there before; raises HostError with nft's words."""
        _run(host, deletions(read_nftables(), self.chain, self.tables) + self.back)
        for one in self.prunes:
            host.prune(one.family, one.table, one.chain)


def _run(host: FirewallHost, script: str) -> None:
    ended = host.run(COMMAND, script)
    if ended.returncode:
        raise HostError(explain(ended))


def deletions(view: NftView, chain: str, tables: Sequence[Tuple[str, str]]) -> str:
    """Returns input of nft that deletes each rule that leads to ``chain`` in these tables."""
    name = chain.encode("ascii") + b"\0"
    verdict = struct.pack("=HH", 4 + len(name), _VERDICT_CHAIN) + name
    return "".join(
        f"delete rule {rule.family} {rule.table} {rule.chain} handle {rule.handle}\n"
        for rule in view.rules
        if (rule.family, rule.table) in tables and verdict in rule.expressions
    )
