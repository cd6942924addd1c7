# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plans our part of the nft files that are loaded at boot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.files import BootFile
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.layout import foreign_index
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import NftSources, with_names
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import TableChange, plan_tables
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.text import (
    JumpText,
    TableText,
    count_rules,
    with_ours,
    without_ours,
    without_rules,
)
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Table
from ansible_collections.port443.https.plugins.module_utils._plan.diff import cut
from ansible_collections.port443.https.plugins.module_utils._plan.steps import BootChanges, Change, Write
from ansible_collections.port443.https.plugins.module_utils._rehearsal.nft import Loaded
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


@dataclass(frozen=True)
class KnownFile:
    """A file and what it makes; ``loaded`` is None where it is not loaded at boot, or could not be tried.

    Where it does not load, ``without`` has what it makes without one of our sets, by the chain of the set.
    """

    file: BootFile
    loaded: Optional[Loaded] = None
    without: Mapping[str, Loaded] = field(default_factory=dict)


@dataclass(frozen=True)
class _Outcome:
    """What becomes of one file: ``held`` is empty where it has no place for the set and needs none."""

    sources: NftSources
    held: str = ""
    warnings: Tuple[str, ...] = ()


def plan_files(
    files: Sequence[KnownFile], scripts: Sequence[str], request: PortsRequest, kernel: Kernel
) -> BootChanges:
    """Returns the writes that make our part of each file what the request says; raises HostError for a broken file."""
    steps: List[Write] = []
    changes: List[Change] = []
    warnings: List[str] = []
    held: List[str] = []
    for known in files:
        outcome = _not_at_boot(known, _plan_file(known, request, kernel))
        warnings += outcome.warnings
        held += [outcome.held] if outcome.held else []
        before = known.file.sources
        for path, content in outcome.sources.contents.items():
            if content != before.contents[path]:
                steps.append(Write(path, before.contents[path], content))
                lines = (before.text(path).split("\n"), outcome.sources.text(path).split("\n"))
                changes.append(Change(path, *cut(*lines)))
    persisted, told = _boot_status(request, held, scripts)
    return BootChanges(tuple(steps), tuple(changes), persisted, (*warnings, *told))


def _boot_status(request: PortsRequest, held: Sequence[str], scripts: Sequence[str]) -> Tuple[str, Tuple[str, ...]]:
    """What to say of the next boot, and of rules that somebody else builds then."""
    if request.state == "absent":
        return "not needed", ()
    if not request.persistent:
        return "no", ()
    if not scripts:
        return next((word for word in ("no", "written") if word in held), "not needed"), ()
    return "no", (
        f"the rules of this host seem to be built at boot by {', '.join(scripts)}: add the ports there, or run this "
        "again after a reboot",
    )


def _plan_file(known: KnownFile, request: PortsRequest, kernel: Kernel) -> _Outcome:
    file, sources = known.file, known.file.sources
    if request.state == "absent" or not request.persistent:
        return _take_out(sources, request)
    if not file.enabled:
        why = f"{file.path} is not loaded at boot ({file.loader} is not enabled), so nothing was written there"
        return _Outcome(sources, "no", (why,))
    loaded = known.loaded or Loaded(kernel.ruleset)
    if loaded.words:
        # Where what is left of our set is all that is wrong, putting it back whole mends the file.
        if request.chain not in known.without:
            raise HostError(
                f"{file.path} cannot be loaded as it is, so that the host would boot without these rules; nothing was "
                f"changed. nft said: {with_names(sources, loaded.words)}"
            )
        sources, loaded = without_ours(sources, request.chain), known.without[request.chain]
    planned = plan_tables(loaded.ruleset, request, kernel.links, live=False)
    if not planned.changes:
        return _Outcome(sources, "written" if planned.held else "")
    if loaded.doubles and not file.flushes:
        return _Outcome(sources, "no", (_doubles(file.path),))
    try:
        return _Outcome(_edited(sources, request.chain, planned.changes), "written" if planned.held else "")
    except HostError as problem:
        return _Outcome(
            sources, "no", (f"the set is not saved in {file.path}: {problem.message}. Add the ports there",)
        )


def _not_at_boot(known: KnownFile, outcome: _Outcome) -> _Outcome:
    """What was planned for a file; it does not hold the set where it is not at boot what it is now."""
    file, early = known.file, known.loaded.early if known.loaded else ""
    told = [f"{path} is in memory: a reboot takes it away, though {file.path} includes it" for path in file.in_memory]
    if early and not file.waits:
        told.append(
            f"{file.path} is loaded before the network is set up, and does not load without links that are made later: "
            f"nft said: {with_names(file.sources, early)}. Name them with iifname or oifname, or have {file.loader} "
            "start after what makes them"
        )
    return replace(outcome, held="no", warnings=(*outcome.warnings, *told)) if told and outcome.held else outcome


def _take_out(sources: NftSources, request: PortsRequest) -> _Outcome:
    try:
        return _Outcome(without_ours(sources, request.chain))
    except HostError as problem:
        return _Outcome(sources, "", (f"{problem.message}. Take what names {request.chain} out of it yourself",))


def _doubles(path: str) -> str:
    return (
        f"{path} adds all its rules a second time when it is loaded again, as nothing in it takes the old ones away. "
        "The set is not saved there: put the line 'flush ruleset' at its beginning, and run this again"
    )


def _edited(sources: NftSources, chain: str, changes: Sequence[TableChange]) -> NftSources:
    """The files with each change in them; raises HostError where no statement can be told to be a rule."""
    stripped = without_ours(sources, chain, [change.name for change in changes])
    for change in changes:
        gone: Dict[str, List[int]] = {}
        for found in change.adopted:
            gone.setdefault(found.chain, []).append(found.ordinal)
        _refuse_uncounted(stripped, change, change.stripped, list(gone))
        stripped = without_rules(stripped, change.name, gone) if gone else stripped
    for change in changes:
        _refuse_uncounted(stripped, change, change.table, [jump.chain for jump in change.want.jumps])
    texts = [_text_of(change, chain) for change in changes if change.want.chain_exists]
    return with_ours(stripped, chain, texts)


def _text_of(change: TableChange, chain: str) -> TableText:
    jumps = tuple(
        JumpText(jump.chain, foreign_index(change.table, jump.chain, jump.index), jump.rule.text)
        for jump in change.want.jumps
    )
    return TableText(change.name, tuple(rule.text for rule in change.want.rules), jumps)


def _refuse_uncounted(sources: NftSources, change: TableChange, table: Table, chains: Sequence[str]) -> None:
    """Raises HostError where a chain has not as many statements in the file as the kernel made rules of it."""
    for chain in chains:
        found = table.chain(chain)
        rules = foreign_index(table, chain, len(found.rules)) if found else 0
        statements = count_rules(sources, (*change.name, chain))
        if statements != rules:
            raise HostError(
                f"it makes {rules} rules in chain {chain} of table {' '.join(change.name)}, but {statements} "
                "statements were found for them"
            )
