# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules about ports, each of which is one call of a function here."""

from __future__ import annotations

from typing import Any, Dict, List

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._arguments import arguments_of
from ansible_collections.port443.https.plugins.module_utils._choose import choose
from ansible_collections.port443.https.plugins.module_utils._effective import judge
from ansible_collections.port443.https.plugins.module_utils._engine import Result, ensure
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Problem
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._plan import Change
from ansible_collections.port443.https.plugins.module_utils._port_rule import CHAIN_PREFIX, parse_request

UNCLEAR = "unclear"


def run_ports_module(name: str) -> None:
    """Runs the module of that short name, which makes a rule set what its options say."""
    module = AnsibleModule(argument_spec=arguments_of(name), supports_check_mode=True)
    try:
        result = ensure(Host(), parse_request(module.params), module.check_mode)
    except Problem as problem:
        module.fail_json(msg=problem.message)
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**render(result, module._diff))


def render(result: Result, with_diff: bool) -> Dict[str, Any]:
    """Returns a result as the module hands it over."""
    rendered: Dict[str, Any] = {
        "changed": bool(result.steps),
        "backend": result.backend,
        "commands": [_readable(str(step)) for step in result.steps],
        "effective": [entry.as_result() for entry in result.effective],
        "persisted": result.persisted,
    }
    if with_diff:
        rendered["diff"] = [_diff_of(change) for change in result.changes]
    return rendered


def _diff_of(change: Change) -> Dict[str, str]:
    return {
        "before": _readable(change.before),
        "after": _readable(change.after),
        "before_header": change.title,
        "after_header": change.title,
    }


def _readable(text: str) -> str:
    """Foreign comments may hold bytes that are no UTF-8, and codes that a terminal would obey."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in shown)


def run_ports_info_module() -> None:
    """Runs ports_info, which judges ports and lists the rule sets."""
    module = AnsibleModule(argument_spec=arguments_of("ports_info"), supports_check_mode=True)
    try:
        request = parse_request(module.params)
        kernel = observe_kernel(Host())
    except Problem as problem:
        module.fail_json(msg=problem.message)
    effective = judge(kernel.ruleset, kernel.links, request)
    module.exit_json(
        changed=False,
        effective=[entry.as_result() for entry in effective],
        sets=list_sets(kernel),
        **_in_charge(kernel),
    )


def _in_charge(kernel: Kernel) -> Dict[str, str]:
    try:
        return {"backend": choose(kernel.ruleset, "auto").backend}
    except HostError as problem:
        return {"backend": UNCLEAR, "reason": problem.message}


def list_sets(kernel: Kernel) -> List[Dict[str, Any]]:
    """Returns each rule set of this collection with its rules, jumps first."""
    sets: List[Dict[str, Any]] = []
    for table in kernel.ruleset:
        for chain in table.chains if table.name == "filter" else ():
            if not chain.name.startswith(CHAIN_PREFIX):
                continue
            jumps = [rule.text for other in table.chains for rule in other.rules if rule.target == chain.name]
            sets.append(
                {
                    "name": chain.name[len(CHAIN_PREFIX) :],
                    "family": "ipv4" if table.family == "ip" else "ipv6",
                    "frontend": table.frontend,
                    "rules": [_readable(text) for text in jumps + [rule.text for rule in chain.rules]],
                }
            )
    return sets
