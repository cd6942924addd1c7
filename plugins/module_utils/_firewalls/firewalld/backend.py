# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""firewalld as a Firewall: a service of the set, enabled in a zone, at runtime and in the permanent configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import FrozenSet, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld import observe as _observe
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.daemon import (
    CHECK_SAVED,
    RUNNING,
    ZONE,
    Daemon,
    Place,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.item import (
    Ours,
    find_ours,
    find_sharer,
    number_of,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.observe import (
    ETC,
    FOLDERS,
    FirewalldState,
    service_path,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.permanent import plan_saved
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.predict import predict
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.reload import Reload, Try, state_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.running import is_running
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.runtime import Live, plan_live
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.sets import list_sets
from ansible_collections.port443.https.plugins.module_utils._firewalls.firewalld.target import find_targets
from ansible_collections.port443.https.plugins.module_utils._host.dbus import Refusal
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._linux.kernel_plan import KernelPlan, Rehearsed
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Step
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest


class Firewalld(Rehearsed[FirewalldState]):
    """firewalld as a Firewall."""

    name = "firewalld"

    def filters_at_boot(self, host: FirewallHost) -> bool:
        """Tells whether firewalld starts at boot."""
        return _observe.is_enabled(host)

    def may_hold(self, host: FirewallHost, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether firewalld runs, or one of its files names the set."""
        if host.has_link(service_path(request.chain)) or is_running(host):
            return True
        ours = find_ours(request.name, _observe.list_services(host))
        marks = [f'"{ours.service}"', *(f'priority="{number}"' for number in ours.numbers)]
        paths = [f"{ETC}/{name}/{file}" for name in FOLDERS.values() for file in host.list_folder(f"{ETC}/{name}")]
        contents = [host.read(path) or b"" for path in paths if path.endswith(".xml")]
        return any(mark.encode("ascii") in content for mark in marks for content in contents)

    def observe(self, host: FirewallHost, kernel: Kernel) -> FirewalldState:
        """Reads firewalld's files and asks the daemon if it runs."""
        return _observe.observe(host, kernel)

    def plan(self, have: FirewalldState, request: PortsRequest) -> KernelPlan:
        """Returns what makes firewalld what the request says, from data alone; raises HostError if nothing can."""
        _refuse_hopeless(have, request)
        now, saved = find_targets(have, request)
        ours = find_ours(request.name, _observe.find_known(have))
        live = plan_live(have.daemon, request, ours, now, have.definitions) if have.daemon else Live()
        files = plan_saved(have, request, ours, saved, live.reload)
        steps = _order(live, files.steps, have.daemon, ours)
        if have.daemon and have.daemon.panic and (live.steps or live.reload):
            raise HostError(
                "firewalld is in panic mode, in which it drops every packet and takes no change: end that with "
                "firewall-cmd --panic-off and run again"
            )
        return KernelPlan(
            steps,
            files.changes + live.changes,
            _persisted(have, request, saved, live.reload or (live.loaded and not files.steps)),
            tuple(_warnings(have, request, now, saved)),
            risky=live.reload,
            ruleset=predict(have.kernel.ruleset, live.added, request.ports),
        )

    def rehearse(self, host: FirewallHost, have: FirewalldState, plan: KernelPlan, request: PortsRequest) -> KernelPlan:
        """Returns the plan, without a reload where firewalld finds that its files are broken already."""
        if have.daemon is None or not plan.risky:
            return plan
        (answer,) = host.ask((CHECK_SAVED,))
        if not isinstance(answer, Refusal):
            return plan
        pinned = replace(have.daemon, keeps=(*have.daemon.keeps, answer.words))
        other = self.plan(replace(have, daemon=pinned), request)
        return replace(other, warnings=(*other.warnings, f"what firewalld has saved is broken: {answer.words}"))

    def list_saved_sets(self, host: FirewallHost) -> List[RuleSet]:
        """Returns the sets that are services in firewalld's files."""
        return list_sets(host)

    def find_origin(self, host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
        """Returns the file of the zone or policy whose chain holds what decided, empty where it is none's."""
        return find_origin(verdict, host.is_file)


def _refuse_hopeless(have: FirewalldState, request: PortsRequest) -> None:
    """Raises HostError where what is asked cannot be had from this firewalld."""
    if request.state == "absent":
        return
    _observe.refuse_missing(have)
    if have.daemon is None and not request.persistent:
        raise HostError("firewalld does not run, so that nothing can be opened for now only: start it first")
    other = find_sharer(request.name, _observe.find_known(have))
    if other:
        number = number_of(request.name, request.timeout is not None)
        raise HostError(
            f"firewalld would keep the rules of the sets {request.name} and {other} under the same priority {number}, "
            f"so that nobody could tell them apart: give the set {request.name} another name; nothing was changed"
        )


def _order(live: Live, files: Tuple[Step, ...], daemon: Optional[Daemon], ours: Ours) -> Tuple[Step, ...]:
    """A reload comes last, and its undo too: the files are what they were by then.

    Before it firewalld tries what is saved now, so that nothing is reloaded that was broken already.
    """
    if not live.reload or daemon is None:
        return (*files, *live.steps)
    return (Try(ours, state_of(daemon, ours)), *files, Reload(ours))


def _persisted(have: FirewalldState, request: PortsRequest, saved: FrozenSet[Place], loaded: bool) -> str:
    if request.state == "absent":
        return "not needed"
    if not request.persistent:
        return "no"
    if not saved:
        return "not needed"
    if have.boot != "enabled":
        return "no"
    return "rehearsed" if loaded else "written"


def _warnings(have: FirewalldState, request: PortsRequest, now: FrozenSet[Place], saved: FrozenSet[Place]) -> List[str]:
    found: List[str] = []
    if request.state == "absent":
        return found
    if have.daemon is None:
        found.append("firewalld does not run: the set is saved and has no effect until it is started")
    elif have.daemon.panic:
        found.append("firewalld is in panic mode, in which it drops every packet: firewall-cmd --panic-off ends that")
    if have.daemon is not None and have.daemon.state != RUNNING:
        found.append(
            f"firewalld is in the state {have.daemon.state}, in which it may not filter by its files: firewall-cmd "
            "--check-config tells what is wrong, mend that and restart it"
        )
    if saved and request.persistent and have.boot != "enabled":
        found.append("firewalld does not start at boot, so the set is gone then: systemctl enable firewalld")
    for kind, name in sorted(now):
        if kind == ZONE and have.daemon and name != have.daemon.default_zone:
            settings = have.daemon.runtime[kind, name]
            if not settings.get("interfaces") and not settings.get("sources"):
                found.append(f"nothing arrives in the zone {name}: it has neither an interface nor a source")
    return found
