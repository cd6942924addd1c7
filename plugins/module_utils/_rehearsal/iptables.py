# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rehearses the next boot: loads the rules files as they will be into a private network namespace."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._linux.boot_sets import advice_for, observe_boot_sets
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import FAMILIES, Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Write
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict, judge
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import command_of
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import RulesFile

Candidate = Tuple[RulesFile, str]

_NO_SUCH_SET = re.compile(r"Set \S+ doesn't exist")  # iptables' extensions/libxt_set.h, both frontends
_NOT_MADE = "{} was loaded, as {}-restore ended with code 0, and yet there is no chain {} then"
_MISSING = (
    "{} names a set that nothing makes before it is loaded at boot, and then the host comes up without these rules: {} "
    "said: {}. Have it made before: {}"
)


def rehearse(
    host: FirewallHost, files: Sequence[RulesFile], plan: KernelPlan, request: PortsRequest, kernel: Kernel
) -> KernelPlan:
    """Returns the plan with ``persisted`` and warnings as the rehearsal showed; raises HostError for a broken file."""
    after = {step.path: step.after for step in plan.steps if isinstance(step, Write)}
    whole = plan.persisted == "written"
    candidates = [
        (file, (after.get(file.path) or file.content).decode("utf-8", "surrogateescape"))
        for file in files
        if file.path in after or (whole and file.enabled)
    ]
    if not candidates:
        return plan
    # Before the child starts: it inherits the answer, and mostly finds the same rules.
    live = {entry.key: entry for entry in judge(plan.ruleset, kernel.links, request)}
    now, made = _observe_sets(host, candidates)
    answer = host.in_private_network(lambda: _load_and_judge(host, candidates, made, request, kernel))
    if answer is None:
        return plan
    if "missing" in answer:
        # Nothing but the sets may be wrong with our change.
        host.in_private_network(lambda: _load_and_judge(host, candidates, (now,), request, kernel))
        return replace(plan, persisted="no", warnings=(*plan.warnings, answer["missing"])) if whole else plan
    if not whole:
        return plan
    blocked = [PortVerdict(**entry) for entry in answer["effective"] if entry["verdict"] == "blocked"]
    warnings = tuple(
        f"after a reboot {entry.title} would be blocked: {entry.because}"
        for entry in blocked
        if live[entry.key].verdict != "blocked"
    )
    return replace(plan, persisted="rehearsed", warnings=plan.warnings + warnings)


def _observe_sets(host: FirewallHost, candidates: Sequence[Candidate]) -> Tuple[str, Tuple[str, ...]]:
    """All sets that there are now, and those that the boot makes before the rules, as texts for ipset."""
    loaders = [file.loader for file, text in candidates if "-set " in text]
    if not loaders or host.find("ipset") is None:
        return "", ()
    now = host.run(("ipset", "save")).out
    return now, tuple(text for loader in dict.fromkeys(loaders) for text in observe_boot_sets(host, loader, now))


def _load_and_judge(
    host: FirewallHost, candidates: Sequence[Candidate], sets: Sequence[str], request: PortsRequest, kernel: Kernel
) -> Dict[str, Any]:
    """Runs inside the namespace, where the tools that the boot uses see nothing but what is loaded here."""
    said = ""
    for text in filter(None, sets):
        ended = host.run(("ipset", "restore", "-exist"), text)
        said += f" (ipset restore said: {ended.words()})" if ended.returncode else ""
    for file, text in candidates:
        command = command_of("iptables", file.family) + "-restore"
        ended = host.run((command,), text)
        if ended.returncode and _NO_SUCH_SET.search(ended.words()):
            return {"missing": _MISSING.format(file.path, command, ended.words() + said, advice_for(file.loader))}
        if ended.returncode:
            _refuse(host, command, file, ended, request)
    there = observe_kernel(host).ruleset
    for file, text in candidates:
        if f":{request.chain} " in text and not _holds(there, file.family, request.chain):
            told = _NOT_MADE.format(file.path, command_of("iptables", file.family), request.chain)
            return {"missing": told}
    effective: List[PortVerdict] = judge(there, kernel.links, request)
    return {"effective": [entry.as_result() for entry in effective]}


def _holds(ruleset: Ruleset, family: int, chain: str) -> bool:
    return any(table.family == FAMILIES[family] and table.chain(chain) for table in ruleset)


def _refuse(host: FirewallHost, command: str, file: RulesFile, ended: Completed, request: PortsRequest) -> None:
    """Raises HostError, unless a file that did not load before is only rid of what is ours."""
    already = host.run((command,), file.text).returncode != 0
    if already and request.state == "absent":
        return
    what = "cannot be loaded as it is, so that the host would boot without these rules"
    raise HostError(
        f"{file.path} {what if already else 'could not be loaded with our change in it'}; nothing was changed. "
        f"{command} said: {ended.words()}"
    )
