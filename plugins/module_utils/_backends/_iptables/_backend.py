# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The iptables backend: nft and legacy frontends, both IP versions, the chain, its jumps and the file for the boot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables import _persist, _restore
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._files import RulesFile
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._lines import (
    Layout,
    find_layout,
    put,
    strip,
)
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._rehearse import rehearse
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._show import excerpt
from ansible_collections.port443.https.plugins.module_utils._backends._iptables._want import (
    parse_lines,
    settle,
    wanted_layout,
)
from ansible_collections.port443.https.plugins.module_utils._choose import filters_input
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import (
    FAMILIES,
    LEGACY,
    NFT,
    Kernel,
    find_unprintable,
)
from ansible_collections.port443.https.plugins.module_utils._plan import Change, Plan, Prune, Step
from ansible_collections.port443.https.plugins.module_utils._port_rule import CHAIN_PREFIX, Request
from ansible_collections.port443.https.plugins.module_utils._ruleset import Chain, Ruleset, Table


@dataclass(frozen=True)
class Have:
    """A host as the backend found it: the kernel's rules, the rules files, and scripts that seem to build rules."""

    kernel: Kernel
    files: Tuple[RulesFile, ...]
    scripts: Tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """What changes in one table of one frontend."""

    table: Table
    steps: Tuple[Step, ...]
    change: Optional[Change]


class Iptables:
    """iptables as a Backend."""

    name = "iptables"
    options: FrozenSet[str] = frozenset(("interface", "position"))

    def observe(self, host: Host, kernel: Kernel) -> Have:
        """Reads the rules files and, only where an IP version has none that is loaded, looks for scripts."""
        files = _persist.observe_files(host)
        saved = {file.family for file in files if file.filters}
        scripts = () if saved == set(FAMILIES) else _persist.observe_scripts(host)
        return Have(kernel, files, scripts)

    def filters_at_boot(self, host: Host) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""
        return any(file.filters for file in _persist.observe_files(host))

    def plan(self, have: Have, request: Request) -> Plan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
        parts: List[_Part] = []
        warnings: List[str] = []
        for family in FAMILIES:
            if request.state == "present" and not have.kernel.link(family).exists:
                continue
            chosen, warning = _frontend(have.kernel, family) if request.state == "present" else (None, "")
            warnings += [warning] if warning else []
            for frontend in (NFT, LEGACY):
                part = _plan_table(have.kernel, request, frontend, family, frontend == chosen)
                parts += [part] if part else []
        saved = _persist.plan_files(have.files, have.scripts, request, have.kernel)
        changes = tuple(part.change for part in parts if part.change) + saved.changes
        return Plan(
            tuple(step for part in parts for step in part.steps) + saved.steps,
            _replaced(have.kernel.ruleset, parts),
            changes,
            saved.persisted,
            tuple(dict.fromkeys(warnings)) + saved.warnings,
        )

    def rehearse(self, host: Host, have: Have, plan: Plan, request: Request) -> Plan:
        """Returns the plan with what loading its files in a private network namespace showed; raises HostError."""
        return rehearse(host, have.files, plan, request, have.kernel)


def _frontend(kernel: Kernel, family: int) -> Tuple[Optional[str], str]:
    """The frontend to change for an IP version, and what there is to say about it."""
    if not kernel.commands:
        raise HostError("iptables is not installed on this host: install the iptables package, or use backend: auto")
    live = [name for name in (NFT, LEGACY) if kernel.filters(name, family)]
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


def _plan_table(kernel: Kernel, request: Request, frontend: str, family: int, chosen: bool) -> Optional[_Part]:
    table = kernel.table(frontend, family)
    if table is None and not (chosen and request.state == "present"):
        return None
    present = table or Table(frontend, FAMILIES[family], "filter", (Chain("INPUT", (), "accept", "input"),))
    _refuse_unprintable(present)
    have = find_layout(present, request.chain)
    stripped = strip(present, request.chain)
    want = Layout()
    if chosen and request.state == "present" and _is_wanted(stripped, have, request):
        link = kernel.link(family)
        want = wanted_layout(stripped, request, link, _made_input(kernel, present, have, family))
        want = settle(stripped, have, want, request, link)
    if have == want:
        return None
    parsed = parse_lines(want, request.chain, present.family, [chain.name for chain in present.chains])
    after = put(stripped, request.chain, want, parsed)
    steps = _steps(kernel, request, frontend, family, stripped, have, want)
    return _Part(after, steps, Change(_title(after), *excerpt(present, after)))


def _made_input(kernel: Kernel, table: Table, have: Layout, family: int) -> bool:
    """Whether the chain INPUT is there for our sets alone; each of them remembers, as each may be the last to go."""
    if have.chain_exists or table.frontend != NFT:
        return have.made_input
    sets = [chain.name for chain in table.chains if chain.name.startswith(CHAIN_PREFIX)]
    if any(find_layout(table, name).made_input for name in sets):
        return True
    return not kernel.nft.has_chain(FAMILIES[family], "filter", "INPUT")


def _refuse_unprintable(table: Table) -> None:
    chain = find_unprintable(table)
    if chain is not None:
        raise HostError(
            f"{_title(table)} holds rules in chain {chain} that iptables cannot print, made by nft or another program: "
            "open the ports with that, as rules of iptables cannot be placed among them"
        )


def _is_wanted(stripped: Table, have: Layout, request: Request) -> bool:
    """Under auto nothing is made for an IP version that nothing filters; what is there already stays."""
    return request.backend != "auto" or have.chain_exists or filters_input(stripped)


def _title(table: Table) -> str:
    return f"{table.frontend} table {table.family} {table.name}"


def _steps(
    kernel: Kernel, request: Request, frontend: str, family: int, stripped: Table, have: Layout, want: Layout
) -> Tuple[Step, ...]:
    if frontend not in kernel.commands:
        raise HostError(f"the set is in {frontend}, whose tools are not installed: install the iptables package")
    prune = Prune(FAMILIES[family], "filter", "INPUT")
    back = (prune,) if want.made_input and not have.chain_exists else ()
    change = _restore.change(kernel.commands[frontend], family, request.chain, have, want, back)
    if have.made_input and not want.chain_exists and _is_bare(stripped.chain("INPUT")):
        return (change, prune)
    return (change,)


def _is_bare(chain: Optional[Chain]) -> bool:
    return chain is not None and not chain.rules and chain.policy == "accept"


def _replaced(ruleset: Ruleset, parts: List[_Part]) -> Ruleset:
    """The ruleset as it will be, so that check mode judges what a real run would leave."""
    changed = {(part.table.frontend, part.table.family, part.table.name): part.table for part in parts}
    kept = tuple(changed.pop((table.frontend, table.family, table.name), table) for table in ruleset)
    return kept + tuple(changed.values())
