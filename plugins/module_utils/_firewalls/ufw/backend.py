# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ufw as a Firewall: our rules in ufw's files and, where it runs, in its chains, in one step for each IP version.

``ufw`` itself takes a third of a second for each rule; its lock is held instead, and its files are written as it does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw import enable as _enable
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.boot import FRAMES, boot_text
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.desired import is_ours, with_set, without_set
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.live import is_live, plan_live
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.rule import encode_comment
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.sets import RULES_FILES, list_sets
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.settings import (
    CONFIGURATION,
    LOCK,
    UfwSettings,
    observe_settings,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.switch import SwitchOn
from ansible_collections.port443.https.plugins.module_utils._firewalls.ufw.user_rules import (
    PATHS,
    RuleBlock,
    UserRules,
    parse_user_rules,
)
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import (
    FAMILIES,
    LEGACY,
    NFT,
    Kernel,
    refuse_unprintable,
)
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan, Rehearsed
from ansible_collections.port443.https.plugins.module_utils._linux.rules_origin import find_origin, read_rules_files
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import Session, find_sessions
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet
from ansible_collections.port443.https.plugins.module_utils._netfilter.ruleset import Ruleset, Table
from ansible_collections.port443.https.plugins.module_utils._plan.diff import cut, excerpt
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Run, Step, Write
from ansible_collections.port443.https.plugins.module_utils._rehearsal.iptables import rehearse
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._xtables.restore import restore_command
from ansible_collections.port443.https.plugins.module_utils._xtables.rules_file import RulesFile

_AT_BOOT = "what ufw loads at boot ({} with the files before and after it)"


@dataclass(frozen=True)
class UfwState:
    """A host as the backend found it: the kernel's rules, ufw's settings and files by path, and how ssh is reached.

    The last is looked for only where ufw does not run.
    """

    kernel: Kernel
    settings: UfwSettings
    files: Dict[str, str]
    sessions: Tuple[Session, ...]


@dataclass(frozen=True)
class _Part:
    """What changes for one IP version: the file, and the kernel's table where ufw runs."""

    steps: Tuple[Step, ...] = ()
    changes: Tuple[Change, ...] = ()
    table: Optional[Table] = None


class Ufw(Rehearsed[UfwState]):
    """ufw as a Firewall."""

    name = "ufw"

    def observe(self, host: FirewallHost, kernel: Kernel) -> UfwState:
        """Reads ufw's settings and files; no command is run."""
        settings = observe_settings(host)
        paths = [*PATHS.values(), *(path for pair in FRAMES.values() for path in pair), CONFIGURATION]
        contents = {path: host.read(path) for path in paths}
        files = {path: _text(content) for path, content in contents.items() if content is not None}
        return UfwState(kernel, settings, files, () if _is_running(kernel) else find_sessions(host))

    def filters_at_boot(self, host: FirewallHost) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""
        return observe_settings(host).filters_at_boot

    def may_hold(self, host: FirewallHost, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether our comment is in ufw's files: what ufw has in the kernel comes from there."""
        comment = encode_comment(request.chain).encode("ascii")
        return any(comment in (host.read(path) or b"") for path in PATHS.values())

    def plan(self, have: UfwState, request: PortsRequest) -> KernelPlan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""
        if request.state == "present":
            _refuse_unable(have, request)
        parts = [_plan_family(have, request, family) for family in _families(have, request)]
        steps = tuple(step for part in parts for step in part.steps)
        changes = tuple(change for part in parts for change in part.changes)
        files = dict(have.files, **{step.path: _text(step.after or b"") for step in steps if isinstance(step, Write)})
        ruleset = _replaced(have.kernel.ruleset, [part.table for part in parts if part.table is not None])
        persisted, warnings = _boot_status(have, request)
        plan = KernelPlan(steps, changes, persisted, warnings, lock=LOCK, ruleset=ruleset)
        if request.state == "present" and request.enable and not _is_running(have.kernel):
            return _switched_on(plan, have, files)
        return plan

    def rehearse(self, host: FirewallHost, have: UfwState, plan: KernelPlan, request: PortsRequest) -> KernelPlan:
        """Returns the plan with what loading ufw's files in a private network namespace showed; raises HostError."""
        if not have.settings.installed:
            return plan
        after = dict(have.files, **{one.path: _text(one.after or b"") for one in plan.steps if isinstance(one, Write)})
        files: List[RulesFile] = []
        writes: List[Write] = []
        for family, path in PATHS.items():
            title = _AT_BOOT.format(path)
            before, changed = (_bytes(boot_text(have.settings, family, content)) for content in (have.files, after))
            files.append(RulesFile(family, title, self.name, before, have.settings.filters_at_boot))
            writes += [Write(title, before, changed)] if before != changed else []
        tried = rehearse(host, files, replace(plan, steps=tuple(writes)), request, have.kernel)
        loads = have.settings.at_boot and (have.settings.enabled or request.enable)
        return replace(tried, steps=plan.steps) if loads else plan

    def list_saved_sets(self, host: FirewallHost) -> List[RuleSet]:
        """Returns the sets that are rules in ufw's files, told by their comments."""
        return list_sets(host)

    def find_origin(self, host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
        """Returns the line of one of ufw's files that what decided comes from, empty where none has it."""
        return find_origin(read_rules_files(host, RULES_FILES), verdict)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _refuse_unable(have: UfwState, request: PortsRequest) -> None:
    if not have.settings.installed:
        raise HostError("ufw is not installed on this host: install the ufw package, or use backend: auto")
    if not request.persistent:
        raise HostError(
            "ufw saves every rule for the next boot: leave persistent out, and remove the set with state: absent when "
            "it is no longer needed"
        )


def _families(have: UfwState, request: PortsRequest) -> List[int]:
    """The IP versions that ufw keeps rules for; what is to go goes from both, whatever ufw is set to by now."""
    if request.state == "absent":
        return [family for family, path in PATHS.items() if path in have.files]
    return [family for family in FAMILIES if family == 4 or have.settings.ipv6]


def _plan_family(have: UfwState, request: PortsRequest, family: int) -> _Part:
    path = PATHS[family]
    if path not in have.files:
        raise HostError(f"{path} is missing, and ufw does not start without it: bring it back, or use ufw reset")
    before = parse_user_rules(have.files[path], family)
    if before is None:
        if request.state == "absent":
            return _Part()
        raise HostError(f"{path} has no line '### RULES ###', as all files of ufw have: mend it, or use ufw reset")
    link = have.kernel.link(family)
    after = with_set(before, request, link) if request.state == "present" else without_set(before, request)
    steps: Tuple[Step, ...] = ()
    changes: Tuple[Change, ...] = ()
    if after.text != before.text:
        steps = (Write(path, _bytes(before.text), _bytes(after.text)),)
        changes = (Change(path, *cut(before.text.split("\n"), after.text.split("\n"))),)
    live = _plan_live(have.kernel, before, after, request)
    return _Part(steps + live.steps, live.changes + changes, live.table)


def _plan_live(kernel: Kernel, before: UserRules, after: UserRules, request: PortsRequest) -> _Part:
    """What changes in the kernel; where ufw does not run, nothing."""
    ours = frozenset(_ours(before, request) + _gone(before, after) + _ours(after, request))
    for frontend in (NFT, LEGACY):
        table = kernel.table(frontend, before.family)
        if table is None or not is_live(table, before.family):
            continue
        if request.state == "present" or ours:
            refuse_unprintable(kernel, frontend, before.family)
        change = plan_live(table, before, after, ours)
        if change is None:
            return _Part()
        if frontend not in kernel.commands:
            raise HostError(f"ufw's rules are in {frontend}, whose tools are missing: install the iptables package")
        command = restore_command(kernel.commands[frontend], before.family)
        step = Run(command, change.script, (Run(command, change.undo),))
        title = f"{frontend} table {table.family} filter"
        return _Part((step,), (Change(title, *excerpt(table, change.table)),), change.table)
    return _Part()


def _ours(file: UserRules, request: PortsRequest) -> List[RuleBlock]:
    return [block for block in file.blocks if is_ours(block.rule, request)]


def _gone(before: UserRules, after: UserRules) -> List[RuleBlock]:
    """What was taken over: it is no longer in the file."""
    left = set(after.blocks)
    return [block for block in before.blocks if block not in left]


def _is_running(kernel: Kernel) -> bool:
    return any(is_live(kernel.table(frontend, family), family) for frontend in (NFT, LEGACY) for family in FAMILIES)


def _boot_status(have: UfwState, request: PortsRequest) -> Tuple[str, Tuple[str, ...]]:
    """What to say of the next boot, and of a ufw that does not run."""
    if request.state == "absent":
        return "not needed", ()
    settings = have.settings
    warnings: List[str] = []
    if not settings.ipv6 and settings.kernel_has_ipv6:
        warnings.append("ufw is set to keep IPv6 shut (IPV6=no in /etc/default/ufw), so nothing is opened there")
    if not settings.enabled and not request.enable:
        warnings.append("ufw is off: the rules are stored, and take effect when it is switched on (enable: true)")
        return "written", tuple(warnings)
    if not _is_running(have.kernel) and not request.enable:
        warnings.append("ufw is switched on but does not run: the rules take effect when it starts (enable: true)")
    if not settings.at_boot:
        warnings.append("nothing starts ufw when this host boots: enable its service (systemctl enable ufw)")
        return "no", tuple(warnings)
    return "written", tuple(warnings)


def _replaced(ruleset: Ruleset, tables: List[Table]) -> Ruleset:
    """The ruleset as it will be, so that check mode judges what a real run would leave."""
    changed = {(table.frontend, table.family, table.name): table for table in tables}
    return tuple(changed.get((table.frontend, table.family, table.name), table) for table in ruleset)


def _switched_on(plan: KernelPlan, have: UfwState, files: Dict[str, str]) -> KernelPlan:
    """The plan with ufw switched on at its end, for which ufw takes its lock itself."""
    frontend = have.kernel.default or NFT
    _enable.refuse_losses(have.kernel, frontend, have.settings, files)
    ruleset = _enable.foresee(have.kernel, frontend, have.settings, files)
    _enable.refuse_cut(ruleset, have.kernel, have.sessions)
    rewritten = _enable.files_rewritten(files, tuple(PATHS.values()))
    change = Change("ufw", "inactive\n", "active\n")
    return replace(
        plan,
        steps=(*plan.steps, SwitchOn(frontend, have.settings, files, rewritten, have.kernel)),
        changes=(*plan.changes, change),
        ruleset=ruleset,
        risky=True,
        lock="",
    )
