# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""iptables as a Firewall: nft and legacy frontends, both IP versions, our chain, its jumps and the rules file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables import persist
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables import restore as _restore
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.adopt import Adoption
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.desired import (
    Terms,
    parse_lines,
    settle,
    wanted_directions,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.layout import (
    XtablesLayout,
    find_layout,
    put,
    strip,
    takes_nothing,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.iptables.packaged import (
    Packaged,
    find_filled,
    find_packaged,
)
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.boot_scripts import observe_scripts
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import (
    FAMILIES,
    LEGACY,
    NFT,
    Kernel,
    refuse_unprintable,
)
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan, Rehearsed
from ansible_collections.port443.https.plugins.module_utils._linux.rules_origin import find_origin, read_rules_files
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Chain, Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import BASES
from ansible_collections.port443.https.plugins.module_utils._plan.diff import excerpt
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Prune, Step
from ansible_collections.port443.https.plugins.module_utils._rehearsal.iptables import rehearse
from ansible_collections.port443.https.plugins.module_utils._spec.request import CHAIN_PREFIX, PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import LOADERS, RulesFile


@dataclass(frozen=True)
class IptablesState:
    """A host as the backend found it: the kernel's rules, the rules files, scripts that seem to build rules, and the
    firewalls of packages that do.
    """

    kernel: Kernel
    files: Tuple[RulesFile, ...]
    scripts: Tuple[str, ...]
    packaged: Tuple[Packaged, ...] = ()


@dataclass(frozen=True)
class _Part:
    """What changes in one table of one frontend."""

    table: Table
    steps: Tuple[Step, ...]
    change: Optional[Change]


class Iptables(Rehearsed[IptablesState]):
    """iptables as a Firewall."""

    name = "iptables"

    def observe(self, host: FirewallHost, kernel: Kernel) -> IptablesState:
        """Reads the rules files and, only where an IP version has none that is loaded, looks for scripts."""
        files = persist.observe_files(host)
        saved = {file.family for file in files if file.filters}
        scripts = () if saved == set(FAMILIES) else observe_scripts(host)
        return IptablesState(kernel, files, scripts, find_packaged(host, kernel.ruleset))

    def may_hold(self, host: FirewallHost, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether there are tools, without which nothing of ours was ever made."""
        return bool(kernel.commands)

    def filters_at_boot(self, host: FirewallHost) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""
        return any(file.filters for file in persist.observe_files(host))

    def plan(self, have: IptablesState, request: PortsRequest) -> KernelPlan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
        parts: List[_Part] = []
        warnings: List[str] = []
        for family in FAMILIES:
            if request.state == "present" and not have.kernel.link(family).exists:
                continue
            chosen, warning = _frontend(have.kernel, family, request) if request.state == "present" else (None, "")
            warnings += [warning] if warning else []
            for frontend in (NFT, LEGACY):
                part = _plan_table(have, request, frontend, family, frontend == chosen)
                parts += [part] if part else []
        saved = persist.plan_files(have.files, have.scripts, have.packaged, request, have.kernel)
        changes = tuple(part.change for part in parts if part.change) + saved.changes
        return KernelPlan(
            tuple(step for part in parts for step in part.steps) + saved.steps,
            changes,
            saved.persisted,
            tuple(dict.fromkeys(warnings)) + saved.warnings,
            ruleset=_replaced(have.kernel.ruleset, parts),
        )

    def rehearse(self, host: FirewallHost, have: IptablesState, plan: KernelPlan, request: PortsRequest) -> KernelPlan:
        """Returns the plan with what loading its files in a private network namespace showed; raises HostError."""
        return rehearse(host, have.files, plan, request, have.kernel)

    def find_origin(self, host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
        """Returns the line of a rules file that what decided comes from, empty where none has it."""
        paths = [(family, path) for loader in LOADERS for family, path in loader.paths.items()]
        return find_origin(read_rules_files(host, paths), verdict)


def _frontend(kernel: Kernel, family: int, request: PortsRequest) -> Tuple[Optional[str], str]:
    """The frontend to change for an IP version, and what there is to say about it."""
    if not kernel.commands:
        raise HostError("iptables is not installed on this host: install the iptables package, or use backend: auto")
    live = [name for name in (NFT, LEGACY) if kernel.filters(name, family, request.directions)]
    default = kernel.default or next(iter(kernel.commands))
    if not live or default in live:
        other = "" if len(live) < 2 else _both(family)
        return default, other
    return live[0], (
        f"the rules for IPv{family} live in {live[0]}, while iptables on this host is {default}: {live[0]} was used, "
        f"and what is loaded at boot with iptables-restore goes to {default}"
    )


def _both(family: int) -> str:
    return f"rules for IPv{family} live in iptables-nft and iptables-legacy at once; a packet has to pass both"


def _plan_table(
    host: IptablesState, request: PortsRequest, frontend: str, family: int, chosen: bool
) -> Optional[_Part]:
    kernel = host.kernel
    table = kernel.table(frontend, family)
    if table is None and not (chosen and request.state == "present"):
        return None
    present = table or Table(frontend, FAMILIES[family], "filter", (Chain("INPUT", (), "accept", "input"),))
    placing = chosen and request.state == "present"
    if placing or present.chain(request.chain):
        refuse_unprintable(kernel, frontend, family)
    have, stripped, want = find_layout(present, request.chain), strip(present, request.chain), XtablesLayout()
    if placing:
        link = kernel.link(family)
        terms = _terms(host, present, have, request, family, wanted_directions(stripped, have, request))
        takes = Adoption(request, family).takes if request.adopt and terms.directions else takes_nothing
        have, stripped = find_layout(present, request.chain, takes), strip(present, request.chain, takes)
        want = settle(stripped, have, wanted_layout(stripped, request, link, terms), request, link, terms)
    if have == want:
        return None
    chains = [chain.name for chain in present.chains]
    parsed = parse_lines(want, request.chain, present.family, chains, kernel.now)
    after = put(stripped, request.chain, want, parsed)
    steps = _steps(kernel, request, frontend, family, stripped, have, want)
    return _Part(after, steps, Change(_title(after), *excerpt(present, after)))


def _terms(
    host: IptablesState,
    table: Table,
    have: XtablesLayout,
    request: PortsRequest,
    family: int,
    directions: Tuple[str, ...],
) -> Terms:
    kernel, stop = host.kernel, None
    if request.timeout is not None:
        still_open = have.stop is not None and have.stop >= kernel.now
        stop = have.stop if still_open else int(kernel.now) + request.timeout
    made = _made(kernel, table, have, family, directions)
    return Terms(directions, made, stop, kernel.now, find_filled(host.packaged, table))


def _made(
    kernel: Kernel, table: Table, have: XtablesLayout, family: int, directions: Tuple[str, ...]
) -> Tuple[str, ...]:
    """The base chains that are there for our sets alone; each of them remembers, as each may be the last to go."""
    made = set(have.made)
    sets = [chain.name for chain in table.chains if chain.name.startswith(CHAIN_PREFIX)]
    for base in [BASES[direction] for direction in directions] if table.frontend == NFT else []:
        ours = any(base in find_layout(table, name).made for name in sets)
        if ours or not kernel.nft.has_chain(FAMILIES[family], "filter", base):
            made.add(base)
    return tuple(base for base in BASES.values() if base in made)


def _title(table: Table) -> str:
    return f"{table.frontend} table {table.family} {table.name}"


def _steps(
    kernel: Kernel,
    request: PortsRequest,
    frontend: str,
    family: int,
    stripped: Table,
    have: XtablesLayout,
    want: XtablesLayout,
) -> Tuple[Step, ...]:
    if frontend not in kernel.commands:
        raise HostError(f"the set is in {frontend}, whose tools are not installed: install the iptables package")
    prunes = {base: Prune(FAMILIES[family], "filter", base) for base in BASES.values()}
    back = tuple(prunes[base] for base in want.made if base not in have.made)
    change = _restore.change(kernel.commands[frontend], family, request.chain, have, want, back)
    gone = () if want.chain_exists else [base for base in have.made if _is_bare(stripped.chain(base))]
    return (change, *(prunes[base] for base in gone))


def _is_bare(chain: Optional[Chain]) -> bool:
    return chain is not None and not chain.rules and chain.policy == "accept"


def _replaced(ruleset: Ruleset, parts: List[_Part]) -> Ruleset:
    """The ruleset as it will be, so that check mode judges what a real run would leave."""
    changed = {(part.table.frontend, part.table.family, part.table.name): part.table for part in parts}
    kept = tuple(changed.pop((table.frontend, table.family, table.name), table) for table in ruleset)
    return kept + tuple(changed.values())
