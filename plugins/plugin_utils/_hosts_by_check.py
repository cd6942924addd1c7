# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of each check of probe on each host, as the rows of a table and as aligned lines."""

from __future__ import annotations

from typing import Any, List, Mapping, Sequence

FACT = "verify_https_found"
NOT_ASKED, NO_ANSWER, NOWHERE = "not asked", "no answer", "-"


def rows_by_check(hosts: Sequence[str], variables: Mapping[str, Any], answering: Sequence[str]) -> List[List[str]]:
    """Returns a row with the headings and one for each of ``hosts``: the host, then the outcome of each check.

    ``variables`` has the variables of each host, among them verify_https_found where it was looked at. A host that is
    not among ``answering`` failed before that: it has no answer, and is no success. Where a connection was lost there
    is a last column with where connections ended.
    """
    found = {host: variables[host].get(FACT) or {} for host in hosts}
    checks = list(dict.fromkeys(check for one in found.values() for check in one.get("checks") or {}))
    lost = any(one.get("ends") for one in found.values())
    rows = [["host", *checks, *(["ends"] if lost else [])]]
    for host, one in found.items():
        outcomes = one.get("checks") or {}
        missing = NOT_ASKED if host in answering else NO_ANSWER
        ends = dict.fromkeys(str(end["ends"]) for end in one.get("ends") or ())
        cells = [str(outcomes.get(check, missing)) for check in checks]
        rows.append([host, *cells, *([", ".join(ends) or NOWHERE] if lost else [])])
    return rows


def align(rows: Sequence[Sequence[str]]) -> List[str]:
    """Returns rows of equal length as lines, columns two blanks apart and as wide as their longest cell."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
