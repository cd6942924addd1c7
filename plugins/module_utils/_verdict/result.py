# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The result of a run about ports, whatever the firewall, and its warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, FrozenSet, List, Sequence, Tuple

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Change, Step
from ansible_collections.port443.https.plugins.module_utils._printable import printable
from ansible_collections.port443.https.plugins.module_utils._spec.request import PortsRequest
from ansible_collections.port443.https.plugins.module_utils._verdict.port_verdict import PortVerdict

NONE = "none"
"""The name of the firewall where nothing on a host filters."""


@dataclass(frozen=True)
class Result:
    """What a run did, or would do, and what the host is then."""

    backend: str
    steps: Tuple[Step, ...]
    changes: Tuple[Change, ...]
    effective: Tuple[PortVerdict, ...]
    persisted: str
    warnings: Tuple[str, ...]


def render(result: Result, with_diff: bool) -> Dict[str, Any]:
    """Returns a result as the module hands it over."""
    rendered: Dict[str, Any] = {
        "changed": bool(result.steps),
        "backend": result.backend,
        "commands": [readable(str(step)) for step in result.steps],
        "effective": [entry.as_result() for entry in result.effective],
        "persisted": result.persisted,
    }
    if with_diff:
        rendered["diff"] = [_diff_of(change) for change in result.changes]
    return rendered


def _diff_of(change: Change) -> Dict[str, str]:
    return {
        "before": readable(change.before),
        "after": readable(change.after),
        "before_header": change.title,
        "after_header": change.title,
    }


def require_open(request: PortsRequest, effective: Sequence[PortVerdict], done: str) -> None:
    """Raises HostError where a port has to be open and is not; ``done`` says what became of the change."""
    shut = [entry for entry in effective if entry.verdict != "open"]
    if request.require_effective and shut:
        named = (f"{entry.title} ({entry.verdict}: {entry.because})" for entry in shut)
        raise HostError("require_effective is set, and not open would be {}. {}".format("; ".join(named), done))


def warnings_of(
    request: PortsRequest, effective: Sequence[PortVerdict], interfaces: FrozenSet[str] = frozenset()
) -> Tuple[str, ...]:
    """Returns a sentence for each port that is not open, and for what a set is for that is not there.

    ``interfaces`` are those of the host, empty if they are not known.
    """
    found: List[str] = [
        "{} is {}: {}".format(entry.title, "blocked" if entry.verdict == "blocked" else "not certain", entry.because)
        for entry in effective
        if entry.verdict != "open"
    ]
    versions = {network.version for network in request.source}
    if request.state == "present" and len(versions) == 1:
        given, other = (4, 6) if 4 in versions else (6, 4)
        found.append(f"source names IPv{given} only, so nothing is opened over IPv{other}")
    gone = [name for name in request.interface if interfaces and name not in interfaces]
    if request.state == "present" and gone:
        found.append(f"there is no interface {' and no '.join(gone)} now: nothing arrives there")
    return tuple(found)


def readable(text: str) -> str:
    """Returns text that may be shown.

    Foreign comments may hold bytes that are no UTF-8, and codes that a terminal would obey.
    """
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return printable(shown, "\n\t")
