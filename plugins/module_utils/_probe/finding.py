# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Findings of a probe, one for each check, and the table that a person reads."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Dict, List, Mapping, Optional, Sequence, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._printable import printable

OK = "ok"
NOT_TRIED = "not tried"

LOST = ("timed out", "refused", "reset", "unreachable", "prohibited", "failed", "closed", "no handshake")
"""Outcomes of which it may be asked where the connection ended; with any other one, what answered is known."""

COLUMNS = ("check", "name", "where", "outcome", "detail")
ENDS = "ends"


@dataclass(frozen=True)
class SocketPlace:
    """Where a check looks: the host as it was asked for, the address and family it has, the port."""

    host: str
    address: str
    family: str
    port: int

    def __str__(self) -> str:
        shown = self.address or self.host
        return f"[{shown}]:{self.port}" if ":" in shown else f"{shown}:{self.port}"


@dataclass(frozen=True)
class Finding:
    """The answer of one check at one place.

    ``name`` is the server name asked for, empty where the check knows none (tcp). ``outcome`` is ``ok``, ``not tried``
    (an earlier check at the same place failed) or the failure in a word or two; ``detail`` is one sentence about it.
    """

    check: str
    name: str
    address: str
    family: str
    port: int
    ok: bool
    outcome: str
    detail: str

    def as_dict(self) -> Dict[str, Union[str, int, bool]]:
        """Returns the finding as the module returns it: a dictionary of plain values, keyed as the fields are."""
        return asdict(self)


class Failure(Exception):
    """A check came to nothing: ``outcome`` in a word or two, ``detail`` in a sentence."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.detail = detail


def finding(check: str, name: str, place: SocketPlace, outcome: str, detail: str) -> Finding:
    """Returns the finding of ``check`` at ``place``; it is ok exactly when its outcome is ``ok``."""
    address = place.address or place.host
    return Finding(check, name, address, place.family, place.port, outcome == OK, outcome, detail)


def remark(findings: Sequence[Finding]) -> List[str]:
    """Returns what is no failure and has to be told: an application may have nothing at /, or be the wrong one."""
    return [
        f"{found.name} at {found.address}: {found.detail}"
        for found in findings
        if found.check == "status" and found.ok and found.detail.startswith("404 ") and ":" in found.detail
    ]


def table(findings: Sequence[Finding], ends: Optional[Mapping[Finding, str]] = None) -> List[str]:
    """Returns the findings as lines of a table with a heading, columns aligned, control characters escaped.

    What was not tried is counted in a last line: a row for each would hide the reason. With ``ends``, where the
    connections of findings ended, there is a column for it.
    """
    rows: List[Tuple[str, ...]] = [COLUMNS if ends is None else (*COLUMNS[:-1], ENDS, COLUMNS[-1])]
    tried = [found for found in findings if found.outcome != NOT_TRIED]
    for found in tried:
        where = str(SocketPlace("", found.address, found.family, found.port))
        ended = () if ends is None else (ends.get(found, "-"),)
        rows.append((found.check, found.name or "-", where, found.outcome, *ended, found.detail))
    rows = [tuple(printable(cell) for cell in row) for row in rows]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    left = len(findings) - len(tried)
    return [*lines, f"{left} more could not be tried"] if left else lines


def sum_up(findings: Sequence[Finding]) -> Dict[str, str]:
    """Returns one word or two for each check, in the order of the findings: ``ok``, or the first failure's outcome."""
    outcomes: Dict[str, str] = {}
    for found in findings:
        known = outcomes.setdefault(found.check, found.outcome)
        if known == OK or (known == NOT_TRIED and not found.ok):
            outcomes[found.check] = found.outcome
    return outcomes


def summary(findings: Sequence[Finding]) -> str:
    """Returns one sentence: that every check holds, or which do not, root causes alone."""
    failed = [found for found in findings if not found.ok]
    if not failed:
        return f"all {len(findings)} checks hold"
    causes = [found for found in failed if found.outcome != NOT_TRIED] or failed
    told = "; ".join(printable(_cause(found)) for found in causes)
    return f"{len(failed)} of {len(findings)} checks failed: {told}"


def _cause(found: Finding) -> str:
    where = str(SocketPlace("", found.address, found.family, found.port))
    name = f" of {found.name}" if found.name else ""
    return f"{found.check}{name} at {where}: {found.outcome} ({found.detail})"
