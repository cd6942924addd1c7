# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Judges what was measured: as a multiple of a ping play, as a share of the usual way, by the limits of its case."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Iterator, Sequence

from cases import Case, Limits
from hosts import SINGLE
from playbook import Played

if TYPE_CHECKING:
    from compare import Comparison


def wall_of(played: Sequence[Played]) -> float:
    """Returns the median of the wall times, in seconds."""
    return median(one.wall for one in played)


def pinged(case: Case) -> tuple[str, ...]:
    """Returns the hosts whose ping a case is compared with: as many of the fleet, or the one that stands for any."""
    return case.hosts if len(case.hosts) > 1 else (SINGLE,)


def ratio_of(comparison: Comparison, case: Case, run: str) -> float:
    """Returns the median of a case as a multiple of the median of a ping play on as many hosts."""
    ping = comparison.pings.get(pinged(case), ())
    return wall_of(comparison.plays[case, run]) / wall_of(ping) if ping else float("nan")


def share_of_usual(comparison: Comparison, case: Case, run: str) -> float | None:
    """Returns the median of a case of ours as a share of the usual way's for the same job; None if that was not played.

    Where the same job was done in several usual ways, the fastest counts.
    """
    usual = [
        wall_of(played)
        for (other, its_run), played in comparison.plays.items()
        if (other.part, other.job, its_run) == (case.part, case.job, run) and not other.is_ours
    ]
    return wall_of(comparison.plays[case, run]) / min(usual) if usual and case.is_ours else None


def tell_limits(limits: Limits | None) -> str:
    """Returns the limits as a table shows them, empty if there are none."""
    if limits is None:
        return ""
    told = [] if limits.ratio is None else [f"≤ {limits.ratio}"]
    told += [] if limits.tasks is None else [f"≤ {limits.tasks} tasks"]
    told += [] if limits.of_usual is None else [f"≤ {limits.of_usual} of the usual"]
    return ", ".join(told)


def tell_met(comparison: Comparison, case: Case, run: str) -> str:
    """Returns whether a run met its limits as a table shows it, empty if it has none."""
    limits = case.limits.get(run)
    if limits is None:
        return ""
    if any(exceeded(comparison, case, run)):
        return "**no**"
    open_question = limits.of_usual is not None and share_of_usual(comparison, case, run) is None
    return "yes, the usual way not played" if open_question else "yes"


def exceeded(comparison: Comparison, case: Case, run: str) -> Iterator[str]:
    """Yields which limits of a run are exceeded, and by what."""
    limits = case.limits.get(run, Limits())
    ratio, share = ratio_of(comparison, case, run), share_of_usual(comparison, case, run)
    tasks = max(one.tasks for one in comparison.plays[case, run])
    if limits.ratio is not None and not ratio <= limits.ratio:
        yield f"{ratio:.2f} x ping in place of {limits.ratio}"
    if limits.tasks is not None and tasks > limits.tasks:
        yield f"{tasks} tasks in place of {limits.tasks}"
    if limits.of_usual is not None and share is not None and share > limits.of_usual:
        yield f"{share:.2f} of the usual in place of {limits.of_usual}"


def missed(comparison: Comparison) -> list[str]:
    """Returns the runs that exceed a limit, in a sentence each."""
    told = [(case, run, ", ".join(exceeded(comparison, case, run))) for case, run in comparison.plays]
    return [f"{case.job}, {case.way}, {run} run: {how}" for case, run, how in told if how]
