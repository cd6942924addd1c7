# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""nftables as a Firewall: our chain and its jumps in the native tables that filter, and in the boot file."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables import script
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.files import BootFile, observe_files
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.persist import KnownFile, plan_files
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.rehearse import rehearse
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.show import show
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import assemble
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import (
    TableChange,
    TableChanges,
    plan_tables,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.text import without_ours
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot_scripts import observe_scripts
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan, Rehearsed
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Step
from ansible_collections.port443.https.plugins.module_utils._rehearsal.nft import Loaded, load
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, PortsRequest

_WORD = b"nft "


@dataclass(frozen=True)
class NftablesState:
    """A host as the backend found it: the kernel's rules, the files and what they make, scripts that build rules."""

    kernel: Kernel
    files: Tuple[KnownFile, ...]
    scripts: Tuple[str, ...]
    installed: bool


class Nftables(Rehearsed[NftablesState]):
    """nftables as a Firewall."""

    name = "nftables"

    def filters_at_boot(self, host: FirewallHost) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""
        return any(self.name in find_managers(_loaded(host, file)) for file in observe_files(host) if file.enabled)

    def may_hold(self, host: FirewallHost, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether the set may be in a native table, or in a file."""
        live = any(table.chain(request.chain) for table in kernel.ruleset if table.frontend == "nft")
        return live or any(file.sources.mention(request.chain) for file in observe_files(host))

    def observe(self, host: FirewallHost, kernel: Kernel) -> NftablesState:
        """Reads the files, and tries those apart that are loaded at boot; looks for scripts only if there is none."""
        files = tuple(_known(host, file) if file.enabled else KnownFile(file) for file in observe_files(host))
        scripts = () if any(known.file.enabled for known in files) else observe_scripts(host, _WORD)
        return NftablesState(kernel, files, scripts, host.find("nft") is not None)

    def plan(self, have: NftablesState, request: PortsRequest) -> KernelPlan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
        planned = plan_tables(have.kernel.ruleset, request, have.kernel.links)
        steps: Tuple[Step, ...] = script.change(request.chain, planned.changes) if planned.changes else ()
        if steps and not have.installed:
            raise HostError("nft is not installed on this host: install the nftables package")
        saved = plan_files(have.files, have.scripts, request, have.kernel)
        return KernelPlan(
            steps + saved.steps,
            tuple(show(change, request.chain) for change in planned.changes) + saved.changes,
            saved.persisted,
            (*_adoption_warnings(planned), *_ownership_warnings(have.kernel.ruleset, request), *saved.warnings),
            ruleset=_replaced(have.kernel.ruleset, planned.changes, request.chain),
        )

    def rehearse(self, host: FirewallHost, have: NftablesState, plan: KernelPlan, request: PortsRequest) -> KernelPlan:
        """Returns the plan with what loading its files in a private network namespace showed; raises HostError."""
        return rehearse(host, have.files, plan, request, have.kernel)

    def find_origin(self, host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
        """Returns the line of an nft file that what decided comes from, empty where none has it."""
        if verdict.frontend != "nft":
            return ""
        count = _count(kernel, verdict)
        found = (find_origin(file.sources, verdict, count) for file in observe_files(host))
        return next((origin for origin in found if origin), "")


def _known(host: FirewallHost, file: BootFile) -> KnownFile:
    """A file with what it makes, and where it does not load, with what it makes without what is ours."""
    loaded = load(host, assemble(file.sources).text)
    without: Dict[str, Loaded] = {}
    for chain in file.sources.names(CHAIN_PREFIX) if loaded and loaded.words else ():
        with contextlib.suppress(HostError):  # braces that do not match
            tried = load(host, assemble(without_ours(file.sources, chain)).text)
            if tried and not tried.words:
                without[chain] = tried
    return KnownFile(file, loaded, without)


def _loaded(host: FirewallHost, file: BootFile) -> Ruleset:
    """What a file makes, or will make once our set is whole in it."""
    known = _known(host, file)
    made = next(iter(known.without.values()), known.loaded)
    return made.ruleset if made else ()


def _adoption_warnings(planned: TableChanges) -> List[str]:
    """What adopting came to."""
    taken = [f"taken over into the set: {found}" for change in planned.changes for found in change.adopted]
    return taken + [f"left as it is, because it lets in more than was asked for: {found}" for found in planned.kept]


def _ownership_warnings(ruleset: Ruleset, request: PortsRequest) -> List[str]:
    """Tables that only the program may change that made them."""
    return [
        f"table {table.family} {table.name} belongs to a running program, so nothing was changed in it"
        for table in ruleset
        if table.owned and request.state == "present" and any(chain.hook == "input" for chain in table.chains)
    ]


def _replaced(ruleset: Ruleset, changes: Sequence[TableChange], chain: str) -> Ruleset:
    """The ruleset as it will be, so that check mode judges what a real run would leave."""
    changed: Dict[Tuple[str, str], Table] = {change.name: change.after(chain) for change in changes}
    kept = tuple(
        changed.pop((table.family, table.name), table) if table.frontend == "nft" else table for table in ruleset
    )
    return kept + tuple(changed.values())


def _count(kernel: Kernel, verdict: Verdict) -> int:
    """How many rules the kernel has in the chain that what decided stands in, as nft counts them."""
    for table in kernel.ruleset:
        chain = table.chain(verdict.chain)
        if (table.frontend, table.family, table.name) == ("nft", verdict.family, verdict.table) and chain:
            return len({rule.handle for rule in chain.rules})
    return 0
