# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The tables of growth: what a converged run of the whole job takes with more hosts, and with more sites."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Iterator, Sequence

from cases import GROWTH_OF_HOSTS, GROWTH_OF_SITES, MAIN_JOB, SECOND, Case
from limits import pinged, ratio_of, wall_of
from playbook import Played

if TYPE_CHECKING:
    from compare import Comparison


def render_growth(comparison: Comparison) -> Iterator[str]:
    """Yields the lines of both tables, of those sizes that were measured; none if no converged run was."""
    measured = {
        (len(case.hosts), case.sites): case
        for case, run in comparison.plays
        if case.part == MAIN_JOB and run == SECOND and case.is_ours and not case.beside
    }
    hosts = [measured[size] for size in GROWTH_OF_HOSTS if size in measured]
    if hosts:
        yield "| hosts, 2 sites each | wall, s | x ping | wall, s a host | CPU, s a host | CPU of ping, s a host |"
        yield "|---:|---:|---:|---:|---:|---:|"
        for case in hosts:
            pings = comparison.pings.get(pinged(case), ())
            yield _row(len(case.hosts), *_taken(comparison, case, len(case.hosts)), _cpu(pings, case))
        yield ""
    sites = [measured[size] for size in GROWTH_OF_SITES if size in measured]
    if sites:
        yield "| sites on a host | wall, s | x ping | wall, s a site | CPU, s a host |"
        yield "|---:|---:|---:|---:|---:|"
        for case in sites:
            yield _row(case.sites, *_taken(comparison, case, case.sites))
        yield ""


def _taken(comparison: Comparison, case: Case, number: int) -> tuple[str, str, str, str]:
    """Wall time, as a multiple of a ping's, by number, and the controller's processor time a host."""
    played = comparison.plays[case, SECOND]
    wall, ratio = wall_of(played), ratio_of(comparison, case, SECOND)
    return f"{wall:.2f}", f"{ratio:.2f}", f"{wall / number:.3f}", _cpu(played, case)


def _cpu(played: Sequence[Played], case: Case) -> str:
    return f"{median(one.cpu for one in played) / len(case.hosts):.2f}" if played else ""


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"
