# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The module that judges ports and lists rule sets, and changes nothing."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.port443.https.plugins.module_utils._entry.ports import readable
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError
from ansible_collections.port443.https.plugins.module_utils._host.host import Host
from ansible_collections.port443.https.plugins.module_utils._linux.kernel import Kernel, observe_kernel
from ansible_collections.port443.https.plugins.module_utils._netfilter.explanation import Verdict
from ansible_collections.port443.https.plugins.module_utils._ports.detect import choose
from ansible_collections.port443.https.plugins.module_utils._ports.engine import find_facts
from ansible_collections.port443.https.plugins.module_utils._ports.origin import find_origin
from ansible_collections.port443.https.plugins.module_utils._ports.sets import list_sets
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import explain

UNCLEAR = "unclear"


def run(module: AnsibleModule) -> None:
    """Judges the ports, lists the rule sets, and ends the module."""
    try:
        request = parse_request(module.params)
        host = Host()
        found = _report(host, request) if host.system() == "Linux" else _report_on_pf(host, request)
    except UserError as problem:
        module.fail_json(msg=problem.message)
    module.exit_json(changed=False, **found)


def _report_on_pf(host: Host, request: PortsRequest) -> Dict[str, Any]:
    from ansible_collections.port443.https.plugins.module_utils._firewalls.pf.engine import report

    return report(host, request)


def _report(host: Host, request: PortsRequest) -> Dict[str, Any]:
    kernel = observe_kernel(host)
    explained = explain(kernel.ruleset, kernel.links, request)
    return {
        "effective": [{**line.as_result(), **place(host, kernel, answer)} for line, answer in explained],
        "sets": [{**found, "rules": [readable(rule) for rule in found["rules"]]} for found in list_sets(host, kernel)],
        **_in_charge(host, kernel),
    }


def place(host: Host, kernel: Kernel, answer: Verdict) -> Dict[str, Any]:
    """Returns where the rule that decides stands, in the kernel and in a file; raises HostError."""
    table = f"{answer.frontend} {answer.family} {answer.table}".strip()
    return {
        "table": readable(table),
        "chain": readable(answer.chain),
        "rule": readable(answer.rule),
        "handle": answer.handle,
        "file": find_origin(host, kernel, answer),
    }


def _in_charge(host: Host, kernel: Kernel) -> Dict[str, str]:
    try:
        return {"backend": choose(find_facts(host, kernel), "auto").backend}
    except HostError as problem:
        return {"backend": UNCLEAR, "reason": problem.message}
