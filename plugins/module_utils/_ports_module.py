# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The modules about ports, each of which is one call of a function here."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._answer import Answer
from ansible_collections.port443.https.plugins.module_utils._arguments import arguments_of
from ansible_collections.port443.https.plugins.module_utils._backends._pf._way import report as report_on_pf
from ansible_collections.port443.https.plugins.module_utils._choose import choose
from ansible_collections.port443.https.plugins.module_utils._effective import explain
from ansible_collections.port443.https.plugins.module_utils._engine import ensure, find_facts
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Problem
from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._plan import Change
from ansible_collections.port443.https.plugins.module_utils._port_rule import Request, parse_request
from ansible_collections.port443.https.plugins.module_utils._result import Result
from ansible_collections.port443.https.plugins.module_utils._sets import list_sets

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
        host = Host()
        found = _report(host, request) if host.system() == "Linux" else report_on_pf(host, request)
    except Problem as problem:
        module.fail_json(msg=problem.message)
    module.exit_json(changed=False, **found)


def _report(host: Host, request: Request) -> Dict[str, Any]:
    kernel = observe_kernel(host)
    explained = explain(kernel.ruleset, kernel.links, request)
    return {
        "effective": [{**line.as_result(), **place(host, kernel, answer)} for line, answer in explained],
        "sets": [{**found, "rules": [_readable(rule) for rule in found["rules"]]} for found in list_sets(host, kernel)],
        **_in_charge(host, kernel),
    }


def place(host: Host, kernel: Kernel, answer: Answer) -> Dict[str, Any]:
    """Returns where the rule that decides stands, in the kernel and in a file; raises HostError."""
    table = f"{answer.frontend} {answer.family} {answer.table}".strip()
    return {
        "table": _readable(table),
        "chain": _readable(answer.chain),
        "rule": _readable(answer.rule),
        "handle": answer.handle,
        "file": find_origin(host, kernel, answer),
    }


def _in_charge(host: Host, kernel: Kernel) -> Dict[str, str]:
    try:
        return {"backend": choose(find_facts(host, kernel), "auto").backend}
    except HostError as problem:
        return {"backend": UNCLEAR, "reason": problem.message}
