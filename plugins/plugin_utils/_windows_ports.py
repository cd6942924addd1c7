# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the modules about ports on a Windows host: the script there looks and does, and all is decided here."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken, Refused, RequestError
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.observation import (
    WindowsFacts,
    read_observation,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.plan import (
    WindowsPlan,
    describe_left,
    plan,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.problems import (
    tell_failure,
    tell_no_answer,
)
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.question import question_of
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.refusals import NAME, refuse_for_windows
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.report import about_host, report
from ansible_collections.port443.https.plugins.module_utils._firewalls.windows.verdict import judge
from ansible_collections.port443.https.plugins.module_utils._ports.rounds import carry_out
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest, parse_request
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict
from ansible_collections.port443.https.plugins.module_utils._verdict.result import (
    Result,
    render,
    require_open,
    warnings_of,
)

SCRIPT = "port443.https.win_firewall_ports"


def run_on_windows(
    action: ActionBase, module: str, arguments: Mapping[str, Any], task_vars: Optional[Dict[str, Any]]
) -> Dict[str, Any]:
    """Returns the result of a module about ports; raises AnsibleActionFail."""
    if action._task.async_val:
        raise AnsibleActionFail(f"{module} cannot run with async on Windows: it takes two steps there; leave async out")
    try:
        request = read_request(arguments)
        host = WindowsHost(action, request, task_vars)
        return report(host.look()[0], request) if module.endswith("ports_info") else ensure(action, host, request)
    except RequestError as problem:
        raise AnsibleActionFail(f"{module}: {problem.message}") from None
    except HostError as problem:
        raise AnsibleActionFail(problem.message) from None


def read_request(arguments: Mapping[str, Any]) -> PortsRequest:
    """Returns the request that checked arguments make; raises RequestError for what Windows Firewall cannot serve."""
    request = parse_request(arguments)
    refuse_for_windows(request)
    return request


class WindowsHost:
    """The way to the rules of a Windows host: a Transport, of which each step is an execution of the script."""

    tries = 3
    patience = 1

    def __init__(self, action: ActionBase, request: PortsRequest, task_vars: Optional[Dict[str, Any]]) -> None:
        self._action, self._request, self._task_vars = action, request, task_vars
        self._seen: Optional[WindowsFacts] = None

    @property
    def unsettled(self) -> str:
        """What to say where the rules are not what was asked after several changes, with what they are."""
        return (
            "the rules are not what was asked after three changes: another program keeps changing them, or Windows "
            f"does not keep them as they are made ({describe_left(self.look()[1])}); all was taken back"
        )

    def look(self) -> Tuple[WindowsFacts, WindowsPlan]:
        """Returns what the host has, as of the last execution, and the plan from that."""
        if self._seen is None:
            self._seen = read_observation(self._execute({}))
        return self._seen, plan(self._seen, self._request, connection_port(self._action))

    def apply(self, plan: Any) -> None:
        """Has the script carry out a plan, all or none, and keeps what it saw then."""
        if not plan.steps:
            return
        guard = [{"id": rule_id, "text": text} for rule_id, text in plan.guard]
        answer = self._execute({"operations": [step.as_argument() for step in plan.steps], "guard": guard})
        self._seen = read_observation(answer)
        if not answer["guarded"]:
            raise Overtaken("another program keeps changing the rules of this set; nothing was changed")
        failure = answer["failure"]
        if failure:
            told = tell_failure(failure)
            raise (HostError if failure["not_undone"] else Refused)(told)

    def undo(self, steps: Sequence[Any]) -> str:
        """Has the script take back steps that were carried out; returns what could not be."""
        backs = [back.as_argument() for step in reversed(steps) for back in step.undo]
        try:
            failure = self._execute({"operations": backs, "guard": []})["failure"] if backs else None
        except HostError as problem:
            return f"; and taking that back failed too: {problem.message}"
        return f"; and taking that back failed too: {tell_failure(failure)}" if failure else ""

    def is_unchanged(self, before: WindowsFacts, after: WindowsFacts) -> bool:
        """Compares the rules of all stores."""
        return before.rules == after.rules

    def _execute(self, more: Mapping[str, Any]) -> Dict[str, Any]:
        arguments = {**question_of(self._request), **more}
        answer: Dict[str, Any] = self._action._execute_module(
            module_name=SCRIPT, module_args=arguments, task_vars=self._task_vars
        )
        if "format" not in answer:
            raise HostError(tell_no_answer(answer))
        return answer


def rehearse(host: WindowsHost, request: PortsRequest) -> None:
    """Raises HostError where the rules cannot be read, or the ports would not be open as they have to."""
    facts, first = host.look()
    require_open(request, judge(first.foreseen or facts, request), "Nothing was changed")


def ensure(action: ActionBase, host: WindowsHost, request: PortsRequest) -> Dict[str, Any]:
    """Returns the result once the rules are as asked, in check mode as they would be; raises HostError."""
    facts, first = host.look()
    steps: Tuple[Any, ...] = first.steps
    verdicts = judge(first.foreseen or facts, request)
    require_open(request, verdicts, "Nothing was changed")
    if steps and not action._task.check_mode:
        applied: Any
        facts, applied, steps = carry_out(host, facts, first)
        first, verdicts = applied, judge(facts, request)
        if request.require_effective and any(line.verdict != "open" for line in verdicts):
            require_open(request, verdicts, "All was taken back" + host.undo(steps))
    result = Result(
        NAME, steps, first.changes, tuple(verdicts), first.persisted, _warnings(request, first, facts, verdicts)
    )
    rendered = render(result, action._task.diff)
    warnings = {"warnings": list(result.warnings)} if result.warnings else {}
    return {**rendered, "windows": about_host(facts), **warnings}


def _warnings(
    request: PortsRequest, first: WindowsPlan, facts: WindowsFacts, verdicts: Sequence[PortVerdict]
) -> Tuple[str, ...]:
    told = first.warnings + warnings_of(request, verdicts)
    if facts.skipped:
        told += (f"values among the rules that are no text were not looked at: {', '.join(facts.skipped)}",)
    return told


def connection_port(action: ActionBase) -> int:
    """Returns the port by which Ansible reaches the host, 0 where the connection has none."""
    try:
        port = action._connection.get_option("port")
    except (AttributeError, KeyError):
        port = None
    return int(port or getattr(action._play_context, "port", None) or 0)
