# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tells where a look's connections end: has the host record, looks again, and has the host say what it saw."""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, List, Mapping, Sequence

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.port443.https.plugins.module_utils._probe.finding import LOST, Finding, SocketPlace, table
from ansible_collections.port443.https.plugins.module_utils._witness.arguments import LONGEST
from ansible_collections.port443.https.plugins.module_utils._witness.evidence import HostFacts, read_door
from ansible_collections.port443.https.plugins.module_utils._witness.reasons import tell_blind
from ansible_collections.port443.https.plugins.modules.probe import ATTEMPTS, MARK
from ansible_collections.port443.https.plugins.plugin_utils._own_connection import OwnConnection, connect_host
from ansible_collections.port443.https.plugins.plugin_utils._packed import execute_packed

WITNESS = "port443.https.witness"
_LEAST, _CHOICES = 1221, 31  # odd segment sizes, which no system has by itself; IPv6 needs 1220 at least
_OVERHEAD, _STEPS = 60, 15  # seconds, and steps of a look, that a recorder stays for

Look = Callable[[Dict[str, Any]], Dict[str, Any]]
"""Runs the module probe with these arguments beside those of the task, and returns its result."""


class Locator:
    """The three steps beyond a look."""

    def __init__(self, action: ActionBase, params: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        self._action, self._params, self._task_vars = action, params, task_vars

    def run(self, look: Look) -> Dict[str, Any]:
        """Returns the result of a look, with where its connections end if that has to be told."""
        first: Dict[str, Any] = {}
        sources: List[str] = []
        if self._params["locate"] == "on_failure":
            first = look({MARK: 0})
            attempts = first.pop(ATTEMPTS, [])
            if not any(attempt["outcome"] in LOST for attempt in attempts):
                return first
            sources = sorted({address for attempt in attempts for address, _port in attempt["sources"]})
        try:
            host = connect_host(self._action, self._task_vars)
        except AnsibleError as problem:
            return self._unasked(first or look({MARK: 0}), str(problem))
        try:
            return self._look_again(host, look, first, sources)
        finally:
            host.end()

    def _look_again(self, host: OwnConnection, look: Look, first: Dict[str, Any], sources: List[str]) -> Dict[str, Any]:
        if host.is_windows:
            return self._unasked(first or look({MARK: 0}), "Windows has no recorder here")
        mark = _LEAST + 2 * random.randrange(_CHOICES)  # noqa: S311
        begun = self._ask(host, self._start(mark, sources))
        if "recorder" not in begun:
            return self._unasked(first or look({MARK: 0}), _words(begun))
        found = look({MARK: mark, "wait": 0})
        attempts = found.pop(ATTEMPTS, [])
        ended = self._ask(
            host,
            {"state": "ended", "recorder": begun["recorder"], "blind": begun["blind"], "attempts": attempts},
        )
        if not attempts:  # the look itself failed, and says why
            return found
        if "ends" not in ended:
            return merge(found, attempts, _unknown(attempts, _words(ended)))
        if self._params["locate"] == "on_failure" and found.get("ok"):
            found.setdefault("warnings", []).append(
                f"a first look failed, and a second one a moment later did not: {first.get('msg')}"
            )
        return merge(found, attempts, ended["ends"], everything=self._params["locate"] == "always")

    def _start(self, mark: int, sources: List[str]) -> Dict[str, Any]:
        params = self._params
        ports = [params["port"]] + ([params["http_port"]] if "redirect" in params["checks"] else [])
        return {
            "state": "started",
            "ports": ports,
            "source": sources,
            "mark": mark,
            "datagrams": "quic" in params["checks"],
            "seconds": int(min(LONGEST, _OVERHEAD + _STEPS * params["timeout"])),
        }

    def _ask(self, host: OwnConnection, arguments: Dict[str, Any]) -> Dict[str, Any]:
        try:
            return execute_packed(host, WITNESS, arguments, (), host.variables)
        except AnsibleError as problem:
            return {"msg": str(problem)}

    def _unasked(self, found: Dict[str, Any], why: str) -> Dict[str, Any]:
        """The result of a look where the host could not be asked."""
        attempts = found.pop(ATTEMPTS, None)
        if attempts is None:  # it was taken off before: those that failed are among the results
            attempts = [_attempt_of(one) for one in found.get("results", []) if one["outcome"] in LOST]
        return merge(found, attempts, _unknown(attempts, why))


def merge(
    found: Dict[str, Any],
    attempts: Sequence[Mapping[str, Any]],
    ends: Sequence[Dict[str, Any]],
    everything: bool = False,
) -> Dict[str, Any]:
    """Returns a result with where the connections of a look ended: those that were lost, or ``everything``."""
    lost = {_place(attempt) for attempt in attempts if attempt["outcome"] in LOST}
    told = [one for one in ends if everything or _place(one) in lost]
    if not told:
        return found
    findings = [Finding(**result) for result in found["results"]]
    named = {_place(one): one["ends"] for one in told}
    located = {one: named[_place_of(one)] for one in findings if not one.ok and _place_of(one) in named}
    sentences = [f"{_where(one)} ends {one['ends']}: {one['because']}" for one in told]
    return {
        **found,
        "ends": told,
        "table": [*table(findings, located), *sentences],
        "msg": "; ".join([found["msg"], *sentences]),
    }


def _unknown(attempts: Sequence[Mapping[str, Any]], why: str) -> List[Dict[str, Any]]:
    doors = [read_door(attempt) for attempt in attempts]
    return [tell_blind(door, HostFacts(blind=why)).as_dict(door) for door in doors]


def _attempt_of(result: Mapping[str, Any]) -> Dict[str, Any]:
    protocol = "udp" if result["check"] == "quic" else "tcp"
    given = {name: result[name] for name in ("address", "family", "port", "outcome")}
    return {**given, "host": result["address"], "protocol": protocol, "sources": [], "segment": 0, "named": []}


def _place(one: Mapping[str, Any]) -> Any:
    return one["address"], one["port"], one["protocol"]


def _place_of(one: Finding) -> Any:
    return one.address, one.port, "udp" if one.check == "quic" else "tcp"


def _where(one: Mapping[str, Any]) -> str:
    place = str(SocketPlace("", one["address"], one["family"], one["port"]))
    return place + ("/udp" if one["protocol"] == "udp" else "")


def _words(result: Mapping[str, Any]) -> str:
    """What a host said that could not be asked, on one line."""
    told = [str(result[name]) for name in ("msg", "module_stderr", "module_stdout") if result.get(name)]
    said = " ".join(" ".join(told or ["no answer"]).split())
    return f"the host could not be asked: {said[:500]}"
