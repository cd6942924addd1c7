# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dry run of a plan by ``pfctl -n``: what the kernel will hold, proved from what pfctl prints.

That pfctl ends with 0 is no proof: a comment that ends in a backslash swallows the line behind it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Sequence

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.anchor import anchor_of, expected_rules
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.kernel_rules import split_listings
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.load import refuse_loss
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.observe import PfState
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.pfctl import pfctl_words, try_rules
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.plan import PfPlan
from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.verdict import passes_established
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import Session
from ansible_collections.port443.https.plugins.module_utils._pf.conf import skipped_interfaces, without_loads
from ansible_collections.port443.https.plugins.module_utils._pf.drift import calls
from ansible_collections.port443.https.plugins.module_utils._pf.evaluate import Filter
from ansible_collections.port443.https.plugins.module_utils._pf.parse import parse_rules
from ansible_collections.port443.https.plugins.module_utils._pf.rule import Rules, meaning
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest

_SSH = 22


def foresee(host: FirewallHost, have: PfState, plan: PfPlan, request: PortsRequest) -> Filter:
    """Returns what the kernel will hold after a plan; raises HostError where pfctl would refuse it, or misread it."""
    if not plan.steps:
        return have.live
    anchor = anchor_of(request)
    state = have.live
    if plan.rules:
        rules = _read(host, have, plan.rules, ("-a", anchor))
        if meaning(rules, {}, anchor) != _without_tables(rules, request):
            raise HostError(
                "pfctl of this host reads the rules of the set otherwise than they are meant: "
                + "; ".join(rule.text for rule in rules)
            )
        loaded = state.enabled or plan.switches_on
        state = replace(state, anchors={**state.anchors, anchor: rules}) if loaded else state
    elif request.state == "absent":
        state = replace(state, anchors={**state.anchors, anchor: ()})
    if plan.main != plan.conf and plan.conf.encode("latin-1") != (have.conf or b""):
        _refuse_unseen(_read(host, have, without_loads(plan.conf)), anchor, plan.calls)
    if plan.main is not None:
        state = _with_main(host, have, plan, state, request)
    state = replace(state, enabled=state.enabled or plan.switches_on)
    if plan.switches_on:
        refuse_lockout(state, have)
    return state


def _without_tables(rules: Rules, request: PortsRequest) -> object:
    """What is expected, unless pfctl made a table of the sources: then its members are not printed."""
    neighbours = any(rule.icmp_type is not None for rule in rules)
    expected = expected_rules(request, neighbours)
    return meaning(rules, {}, "") if any(rule.source.kind == "table" for rule in rules) else expected


def _read(host: FirewallHost, have: PfState, text: str, options: Sequence[str] = ()) -> Rules:
    ended = try_rules(host, have.system, text, *options)
    if ended.returncode:
        raise HostError(f"{' '.join(ended.argv)} failed with code {ended.returncode} and said: {pfctl_words(ended)}")
    return parse_rules(ended.out)


def _with_main(host: FirewallHost, have: PfState, plan: PfPlan, state: Filter, request: PortsRequest) -> Filter:
    text, anchor, calling = without_loads(plan.main or ""), anchor_of(request), request.state == "present"
    if plan.parts:
        printed = refuse_loss(host, have.system, text, anchor, calling, plan.left)
        return replace(state, rules=split_listings(parse_rules(printed))[0])
    filters, translations = split_listings(_read(host, have, text))
    _refuse_unseen(filters, anchor, calling)
    skipped = state.skipped | frozenset(skipped_interfaces(text))
    return replace(state, rules=filters, translations=translations, skipped=skipped)


def _refuse_unseen(rules: Rules, anchor: str, calling: bool) -> None:
    if calls(rules, anchor) != calling:
        seen = "does not see" if calling else "still sees"
        raise HostError(f"pfctl {seen} the call of anchor {anchor} in what pf.conf would be; nothing was changed")


def refuse_lockout(state: Filter, have: PfState) -> None:
    """Raises HostError where pf, switched on, would cut the ssh connection that this run came by.

    pf has no state of a connection that is older than itself, and rules that keep state match its first packet alone.
    """
    for session in have.sessions or (Session(_SSH, None),):
        family = session.source.version if session.source else 4
        fate = passes_established(state, have.link(family), session.port, session.source)
        if fate.passes is not True:
            raise HostError(
                f"switching pf on would cut ssh on port {session.port}, of whose connections it has no state yet: "
                f"{fate.outcomes[-1]}. Switch it on at the console with pfctl -e, or let the next boot do so"
            )
