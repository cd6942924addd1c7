# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Linux as a platform: the kernel's rulesets of every frontend, and the firewall that is in charge of them."""

from __future__ import annotations

from typing import Any, Dict, FrozenSet, List, Protocol, Sequence, Tuple, cast

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, RequestError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import find_sessions
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._netfilter.rule_sets import RuleSet, list_chains
from ansible_collections.port443.https.plugins.module_utils._netfilter.table_owner import find_managers
from ansible_collections.port443.https.plugins.module_utils._ports.detect import Evidence, choose
from ansible_collections.port443.https.plugins.module_utils._ports.firewall import Firewall
from ansible_collections.port443.https.plugins.module_utils._ports.registry import BACKENDS, SERVICES
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, refuse_foreign
from ansible_collections.port443.https.plugins.module_utils._verdict.packet_way import PacketWays
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict, explain, judge
from ansible_collections.port443.https.plugins.module_utils._verdict.result import NONE, readable, warnings_of

UNCLEAR = "unclear"
_FIREWALLS = tuple(name for name in BACKENDS if name != "pf")
# firewalld's chains are in no rules file but its own; nft's files are read last, as that takes the longest.
_ORIGINS = ("firewalld", "iptables", "ufw", "nftables")


class LinuxFirewall(Firewall[Kernel, Any, Any], Protocol):
    """What a firewall of Linux can say beside what the engine asks."""

    def filters_at_boot(self, host: FirewallHost) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""

    def may_hold(self, host: FirewallHost, kernel: Kernel, request: PortsRequest) -> bool:
        """Tells whether the set of that name may be in this firewall, live or saved, so that removing has to look."""

    def list_saved_sets(self, host: FirewallHost) -> List[RuleSet]:
        """Returns the sets of ours that are no chains of their own; raises HostError for a file it cannot read."""

    def find_origin(self, host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
        """Returns the file, and mostly the line, that what decided comes from; empty where that is not known.

        Raises HostError for a file that cannot be read.
        """


def load(name: str) -> LinuxFirewall:
    """Returns a firewall of Linux by its name."""
    return cast(LinuxFirewall, BACKENDS[name]())


class Linux:
    """Linux as a Platform; its facts are what the kernel holds."""

    unsettled = "another program keeps changing the rules while ours are made; all was taken back"
    patience = 3

    def refuse(self, host: FirewallHost, request: PortsRequest) -> None:
        """Refuses nothing: whatever is asked for, what the kernel holds is told first."""

    def observe(self, host: FirewallHost, request: PortsRequest) -> Kernel:
        """Reads the rules of iptables-nft, iptables-legacy and native nft; raises HostError without rights."""
        return observe_kernel(host)

    def choose(self, host: FirewallHost, facts: Kernel, request: PortsRequest) -> Sequence[LinuxFirewall]:
        """Returns the firewalls to change: one, or none where nothing filters.

        Removing takes what is ours wherever it is, so no question of who is in charge may stop it.
        """
        if request.state == "absent" and request.backend == "auto":
            return [one for one in map(load, _FIREWALLS) if one.may_hold(host, facts, request)]
        name = choose(find_evidence(host, facts, request.directions), request.backend)
        if name == NONE:
            return ()
        try:
            refuse_foreign(request, name)
        except RequestError as problem:
            raise HostError(f"{name} is in charge of this host: {problem.message}") from None
        if name not in _FIREWALLS:
            raise HostError(f"{name} is the firewall of FreeBSD, OpenBSD and macOS, and this host runs Linux")
        return (load(name),)

    def judge(self, facts: Kernel, request: PortsRequest) -> List[PortVerdict]:
        """Returns the verdict of all tables together on each port."""
        return judge(facts.ruleset, facts.links, request)

    def find_cut(self, host: FirewallHost, before: Kernel, after: Kernel) -> str:
        """Returns a port of ssh, from where this run came, that is shut after a change and was not before."""
        for session in find_sessions(host):
            asked = session.as_request()
            shut = _find_shut(after, asked)
            if shut and not _find_shut(before, asked):
                return f"{shut[0].title} would be shut, by which this run came: {shut[0].because}"
        return ""

    def is_unchanged(self, before: Kernel, after: Kernel) -> bool:
        """Compares the chains; the seconds that elements of sets have left change by themselves."""
        return _chains_of(before) == _chains_of(after)

    def interfaces(self, facts: Kernel) -> FrozenSet[str]:
        """Returns the interfaces of this network namespace."""
        return facts.links[0].names

    def name_unfiltered(
        self, host: FirewallHost, facts: Kernel, request: PortsRequest, verdicts: Sequence[PortVerdict]
    ) -> Tuple[str, Tuple[str, ...]]:
        """Returns ``none``, or of a set that is to go the firewall in charge."""
        name = _in_charge(host, facts) if request.state == "absent" else NONE
        return name, warnings_of(request, verdicts, self.interfaces(facts))

    def name_untouched(self, host: FirewallHost, facts: Kernel, request: PortsRequest, name: str) -> str:
        """Returns the firewall in charge, or the one that was asked for."""
        return _in_charge(host, facts) if request.backend == "auto" else name

    def report(self, host: FirewallHost, request: PortsRequest) -> Dict[str, Any]:
        """Returns the verdicts with where each rule stands that decides, the rule sets, and who is in charge."""
        kernel = observe_kernel(host)
        explained = explain(kernel.ruleset, kernel.links, request)
        ways = PacketWays(kernel.ruleset, kernel.links, request.interface)
        return {
            "effective": [
                {**line.as_result(), **place(host, kernel, verdict), "way": ways.of(line.family, verdict)}
                for line, verdict in explained
            ],
            "sets": [
                {**found, "rules": [readable(rule) for rule in found["rules"]]} for found in list_sets(host, kernel)
            ],
            **_describe_charge(host, kernel),
        }


def _find_shut(kernel: Kernel, asked: PortsRequest) -> List[PortVerdict]:
    """Returns the verdicts on a port that nobody gets in by over any IP version, empty where somebody does."""
    lines = [line for line, _verdict in explain(kernel.ruleset, kernel.links, asked)]
    return lines if all(line.verdict == "blocked" for line in lines) else []


def _chains_of(kernel: Kernel) -> List[Tuple[object, ...]]:
    return [(table.frontend, table.family, table.name, table.chains) for table in kernel.ruleset]


def list_sets(host: FirewallHost, kernel: Kernel) -> List[RuleSet]:
    """Returns each rule set of ours, in whatever firewall; raises HostError for a file that cannot be read."""
    saved = (load(name).list_saved_sets(host) for name in ("ufw", "firewalld"))
    return [*list_chains(kernel.ruleset), *(found for sets in saved for found in sets)]


def find_evidence(host: FirewallHost, kernel: Kernel, directions: Tuple[str, ...] = ("in",)) -> Evidence:
    """Returns what tells who is in charge of a host; the files of the next boot are read only if nothing filters."""
    running = tuple(name for name, is_running in SERVICES.items() if is_running(host))
    at_boot: Tuple[str, ...] = ()
    if not running and not find_managers(kernel.ruleset, directions):
        at_boot = tuple(name for name in _FIREWALLS if load(name).filters_at_boot(host))
    return Evidence(kernel.ruleset, running, at_boot, directions)


def _in_charge(host: FirewallHost, kernel: Kernel) -> str:
    """The firewall to name where nothing had to be removed: that two are in charge is no reason to fail then."""
    evidence = find_evidence(host, kernel)
    try:
        return choose(evidence, "auto")
    except HostError:
        return next(iter((*find_managers(kernel.ruleset), *evidence.running)))


def _describe_charge(host: FirewallHost, kernel: Kernel) -> Dict[str, str]:
    try:
        return {"backend": choose(find_evidence(host, kernel), "auto")}
    except HostError as problem:
        return {"backend": UNCLEAR, "reason": problem.message}


def place(host: FirewallHost, kernel: Kernel, verdict: Verdict) -> Dict[str, Any]:
    """Returns where the rule that decides stands, in the kernel and in a file; raises HostError."""
    table = f"{verdict.frontend} {verdict.family} {verdict.table}".strip()
    return {
        "table": readable(table),
        "chain": readable(verdict.chain),
        "rule": readable(verdict.rule),
        "handle": verdict.handle,
        "file": find_origin(host, kernel, verdict),
    }


def find_origin(host: FirewallHost, kernel: Kernel, verdict: Verdict) -> str:
    """Returns the file, and mostly the line, that what decided comes from; empty where that is not known.

    Raises HostError for a file that cannot be read.
    """
    if not verdict.chain:
        return ""
    found = (load(name).find_origin(host, kernel, verdict) for name in _ORIGINS)
    return next((origin for origin in found if origin), "")
