# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of the project's README.md: what counts most of the tables that are stored in bench/README.md."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Iterator

from cases import (
    CERTIFICATES,
    FIRST,
    IPTABLES,
    LOOP,
    MAIN_JOB,
    OTHERS,
    OURS,
    OURS_CERTIFICATE,
    OURS_JOB,
    SECOND,
    TASKS,
    USUAL_JOB,
)
from stored import between, rows_of

BEGIN, END = "<!-- bench -->", "<!-- end of bench -->"
# Part, job and way as in the tables, and how the README tells the job.
ROWS = (
    *((MAIN_JOB, "2 sites", way, "the whole job, 2 sites") for way in (OURS_JOB, USUAL_JOB)),
    *((MAIN_JOB, "20 sites", way, "the whole job, 20 sites") for way in (OURS_JOB, USUAL_JOB)),
    *((MAIN_JOB, "2 sites, 8 hosts", way, "the whole job, 2 sites on 8 hosts") for way in (OURS_JOB, USUAL_JOB)),
    *((IPTABLES, job, way, f"{job}, iptables") for job in ("3 ports", "50 ports", "500 ports") for way in (OURS, LOOP)),
    *((OTHERS, "3 ports, nftables", way, "3 ports, nftables") for way in (OURS, "`template`, `nft -f`")),
    *((OTHERS, "3 ports, firewalld", way, "3 ports, firewalld") for way in (OURS, "`ansible.posix.firewalld`")),
    *((OTHERS, "3 ports, ufw", way, "3 ports, ufw") for way in (OURS, "`community.general.ufw`")),
    *((CERTIFICATES, "a certificate", way, "a certificate") for way in (OURS_CERTIFICATE, TASKS)),
    *((CERTIFICATES, "a certificate, 10 hosts", way, "a certificate on 10 hosts") for way in (OURS_CERTIFICATE, TASKS)),
)


def render_headline(results: str) -> str:
    """Returns the table for ``results``, the text of bench/README.md; what is not stored there has no row."""
    return "\n".join(("| | module executions | first run | second run |", "|---|---:|---:|---:|", *_rows(results)))


def _rows(results: str) -> Iterator[str]:
    for part, job, way, told in ROWS:
        # "first, played once" is a first run as well.
        runs = {
            row["run"].split(",")[0]: row for row in rows_of(results, part) if (row["job"], row["way"]) == (job, way)
        }
        if runs:
            executions = ", then ".join(
                dict.fromkeys(runs[run]["module executions a host"] for run in (FIRST, SECOND) if run in runs)
            )
            first, second = (_short(runs[run]["x ping"]) if run in runs else "" for run in (FIRST, SECOND))
            yield f"| {told}: {way} | {executions} | {first} | {second} |".replace("|  |", "| |")


def _short(ratio: str) -> str:
    """Two digits or so of what the table has more of; halves go up, as people round them."""
    exact = Decimal(ratio)
    return str(exact.quantize(Decimal("0.1") if exact < 100 else Decimal(1), ROUND_HALF_UP))


def put_headline(readme: str, results: str) -> str:
    """Returns the text of README.md with the table for ``results`` in its place."""
    return between(readme, BEGIN, END, render_headline(results))
