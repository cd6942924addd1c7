# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The next boot, tried beforehand: the rules files as they will be, loaded into a network namespace of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._backends._iptables._files import RulesFile
from ansible_collections.port443.https.plugins.module_utils._effective import Effective, judge
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host import Completed, Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel, command_of, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._plan import Plan, Write
from ansible_collections.port443.https.plugins.module_utils._port_rule import Request

Candidate = Tuple[RulesFile, str]


def rehearse(host: Host, files: Sequence[RulesFile], plan: Plan, request: Request, kernel: Kernel) -> Plan:
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
    sets = host.run(("ipset", "save")).out if _needs_sets(host, candidates) else ""
    answer = host.in_private_network(lambda: _load_and_judge(host, candidates, sets, request, kernel))
    if answer is None or not whole:
        return plan
    blocked = [Effective(**entry) for entry in answer["effective"] if entry["verdict"] == "blocked"]
    warnings = tuple(
        f"after a reboot {entry.title} would be blocked: {entry.because}"
        for entry in blocked
        if live[entry.key].verdict != "blocked"
    )
    return replace(plan, persisted="rehearsed", warnings=plan.warnings + warnings)


def _needs_sets(host: Host, candidates: Sequence[Candidate]) -> bool:
    return any("-set " in text for _file, text in candidates) and host.find("ipset") is not None


def _load_and_judge(
    host: Host, candidates: Sequence[Candidate], sets: str, request: Request, kernel: Kernel
) -> Dict[str, Any]:
    """Runs inside the namespace, where the tools that the boot uses see nothing but what is loaded here."""
    if sets:
        host.run(("ipset", "restore"), sets)
    for file, text in candidates:
        command = command_of("iptables", file.family) + "-restore"
        ended = host.run((command,), text)
        if ended.returncode:
            _refuse(host, command, file, ended, request)
    there = observe_kernel(host).ruleset
    effective: List[Effective] = judge(there, kernel.links, request)
    return {"effective": [entry.as_result() for entry in effective]}


def _refuse(host: Host, command: str, file: RulesFile, ended: Completed, request: Request) -> None:
    """Raises HostError, unless a file that did not load before is only rid of what is ours."""
    already = host.run((command,), file.text).returncode != 0
    if already and request.state == "absent":
        return
    what = "cannot be loaded as it is, so that the host would boot without these rules"
    raise HostError(
        f"{file.path} {what if already else 'could not be loaded with our change in it'}; nothing was changed. "
        f"{command} said: {ended.words()}"
    )
