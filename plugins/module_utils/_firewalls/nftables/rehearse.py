# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rehearses the next boot: loads the nft files as they will be into a private network namespace."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional, Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.persist import KnownFile
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.sources import (
    NftSources,
    assemble,
    with_names,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.nftables.tables import plan_tables
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Write
from ansible_collections.port443.https.plugins.module_utils._rehearsal.nft import Loaded, load
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import judge

_CHECK = ("nft", "-c", "-f", "-")


def rehearse(
    host: FirewallHost, files: Sequence[KnownFile], plan: KernelPlan, request: PortsRequest, kernel: Kernel
) -> KernelPlan:
    """Returns the plan with ``persisted`` and warnings as the rehearsal showed; raises HostError for a broken file."""
    after = {step.path: step.after or b"" for step in plan.steps if isinstance(step, Write)}
    whole = plan.persisted == "written"
    for known in files:
        sources = known.file.sources
        changed = {path: content for path, content in after.items() if path in sources.contents}
        if not known.file.enabled or not (changed or whole):
            continue
        edited = NftSources(sources.path, {**sources.contents, **changed}, sources.included)
        loaded = _load(host, known, edited, request)
        if loaded is None or not whole:
            continue
        if plan_tables(loaded.ruleset, request, kernel.links, live=False).changes:
            raise HostError(
                f"in {known.file.path} the set would not come to stand where it belongs; nothing was changed. Add the "
                "ports there yourself, and run this with persistent: false"
            )
        warnings = _would_be_blocked(plan, loaded, request, kernel)
        plan = replace(plan, persisted="rehearsed", warnings=(*plan.warnings, *warnings))
    return plan


def _load(host: FirewallHost, known: KnownFile, edited: NftSources, request: PortsRequest) -> Optional[Loaded]:
    """What the file makes as it will be; None where it cannot be tried apart."""
    text = assemble(edited).text
    loaded = load(host, text)
    words = loaded.words if loaded else ""
    if loaded is None and host.find("nft"):
        checked = host.run(_CHECK, text)
        words = checked.words() if checked.returncode else ""
    already = known.loaded is not None and known.loaded.words
    if words and not (already and request.state == "absent"):
        said = with_names(edited, words)
        raise HostError(
            f"{edited.path} could not be loaded with our change in it; nothing was changed. nft said: {said}"
        )
    return loaded


def _would_be_blocked(plan: KernelPlan, loaded: Loaded, request: PortsRequest, kernel: Kernel) -> List[str]:
    live = {entry.key: entry for entry in judge(plan.ruleset, kernel.links, request)}
    return [
        f"after a reboot {entry.title} would be blocked: {entry.because}"
        for entry in judge(loaded.ruleset, kernel.links, request)
        if entry.verdict == "blocked" and live[entry.key].verdict != "blocked"
    ]
