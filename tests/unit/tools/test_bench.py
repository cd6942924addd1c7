# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The bench: what it makes of what was measured, which limits count as met, and where the figures are stored."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[3] / "bench"))

import checkout
import limits
import playbook
import report
import sites
from cases import CASES, FIRST, MAIN_JOB, OURS_JOB, SECOND, USUAL_JOB, Case, Limits
from compare import Comparison
from headline import ROWS, put_headline, render_headline
from hosts import BENCH, SERVERS, SINGLE
from playbook import Played
from stored import put_results, rows_of

OURS = Case("2 sites", OURS_JOB, "enable_https", SERVERS[:1], ("443/tcp",), sites=2)
USUAL = replace(OURS, way=USUAL_JOB, play="usual_https")


def played(wall, tasks=10, executions=3, hosts=1):
    """One play: it took so many seconds, half of them of the controller's processor, and skipped one task."""
    return Played(wall, wall - 0.5, wall / 2, executions * hosts, tasks, 1, ())


def measured(ours, usual=(), ping=(1.0,)):
    """A comparison in which converged runs took these seconds, ours with its limits."""
    comparison = Comparison([ours, USUAL], None, None, {})
    comparison.pings[SINGLE,] = [Played(one, 0.5, 0.5, 1, 1, 0, ()) for one in ping]
    comparison.plays[ours, SECOND] = [played(2.0), played(1.5), played(9.0)]
    if usual:
        comparison.plays[USUAL, SECOND] = [played(one, 12, 30) for one in usual]
    return comparison


@pytest.mark.parametrize(
    ("limit", "usual", "exceeded", "met"),
    [
        (Limits(2.0), (), [], "yes"),
        (Limits(1.9), (), ["2.00 x ping in place of 1.9"], "**no**"),
        (Limits(2.0, 10), (), [], "yes"),
        (Limits(2.0, 9), (), ["10 tasks in place of 9"], "**no**"),
        (Limits(of_usual=0.2), (10.0,), [], "yes"),
        (Limits(of_usual=0.2), (9.0,), ["0.22 of the usual in place of 0.2"], "**no**"),
        (Limits(2.0, of_usual=0.2), (), [], "yes, the usual way not played"),
        (Limits(1.0, of_usual=0.2), (), ["2.00 x ping in place of 1.0"], "**no**"),
        (
            Limits(1.0, 9, 0.1),
            (10.0,),
            ["2.00 x ping in place of 1.0", "10 tasks in place of 9", "0.20 of the usual in place of 0.1"],
            "**no**",
        ),
    ],
)
def test_a_limit_is_met_by_the_median_and_told_where_it_is_not(limit, usual, exceeded, met):
    ours = replace(OURS, limits={SECOND: limit})
    comparison = measured(ours, usual)
    assert list(limits.exceeded(comparison, ours, SECOND)) == exceeded
    assert limits.tell_met(comparison, ours, SECOND) == met
    assert limits.missed(comparison) == [
        f"2 sites, {OURS_JOB}, second run: {told}" for told in [", ".join(exceeded)] if told
    ]


def test_a_run_that_no_ping_was_played_beside_does_not_meet_a_limit():
    ours = replace(OURS, limits={SECOND: Limits(2.0)})
    comparison = measured(ours)
    comparison.pings = defaultdict(list)
    assert limits.tell_met(comparison, ours, SECOND) == "**no**"


def test_a_case_that_may_take_a_share_of_the_usual_has_a_usual_one_to_be_compared_with():
    ways = {(case.part, case.job, case.hosts, run) for case in CASES if not case.is_ours for run in case.runs}
    compared = [
        (case.part, case.job, case.hosts, run) for case in CASES for run in case.limits if case.limits[run].of_usual
    ]
    assert len(compared) == 4
    assert set(compared) <= ways


def test_no_two_cases_are_the_same_rows_of_a_table():
    told = [(case.part, case.job, case.way) for case in CASES]
    assert sorted(set(told)) == sorted(told)


def test_the_whole_job_is_told_with_its_tasks_and_its_growth():
    ours = replace(OURS, limits={SECOND: Limits(2.0, 12, 0.2)})
    many = replace(OURS, job="500 sites", sites=500, slow=True)
    fleet = replace(OURS, job="2 sites, 8 hosts", hosts=SERVERS[:8])
    comparison = measured(ours, (10.0,))
    comparison.cases = [ours, USUAL, many, fleet]
    comparison.plays[many, SECOND] = [played(10.0)]
    comparison.plays[fleet, SECOND] = [played(8.0, hosts=8)]
    comparison.pings[fleet.hosts] = [Played(4.0, 3.0, 2.0, 8, 1, 0, ())]
    assert (
        report.render(comparison, MAIN_JOB, "Where and when.")
        == (BENCH.parent / "tests/unit/tools/bench_table.md").read_text()
    )


def test_the_results_of_one_part_are_put_in_their_place():
    marked = "<!-- results: {0} -->\n\n{1}\n\n<!-- end of results: {0} -->\n"
    stored = "# Bench\n\n" + marked.format("a", "old") + marked.format("b", "kept")
    assert put_results(stored, "a", "| new |\n") == stored.replace("old", "| new |")
    with pytest.raises(ValueError, match="not enough values"):
        put_results(stored, "c", "nowhere")


def test_the_readme_shows_what_is_stored_and_nothing_else():
    readme, results = (BENCH.parent / "README.md").read_text(), (BENCH / "README.md").read_text()
    assert put_headline(readme, results) == readme


def test_the_readme_asks_for_cases_that_there_are():
    assert {row[:3] for row in ROWS} <= {(case.part, case.job, case.way) for case in CASES}


def test_the_readme_begins_with_the_whole_job():
    comparison = measured(OURS, (10.05,))
    comparison.plays[OURS, FIRST] = [played(2.25, executions=4)]
    results = put_results((BENCH / "README.md").read_text(), MAIN_JOB, report.render(comparison, MAIN_JOB, ""))
    assert render_headline(results).splitlines()[2:5] == [
        f"| the whole job, 2 sites: {OURS_JOB} | 4, then 3 | 2.3 | 2.0 |",
        f"| the whole job, 2 sites: {USUAL_JOB} | 30 | | 10.1 |",
        "| 3 ports, iptables: `port443.https.ports` | 1 | 1.3 | 1.2 |",
    ]
    assert next(rows_of(results, MAIN_JOB))["job"] == "nothing, 1 host"


def test_what_is_ours_is_done_by_the_other_checkout_as_well_and_held_to_no_limit():
    ours = replace(OURS, limits={SECOND: Limits(2.0)})
    fleet = replace(ours, hosts=SERVERS[:8])
    at_tag = replace(OURS, way=f"{OURS_JOB} at 0.1.0", beside=True)
    assert list(checkout.with_beside([ours, USUAL, fleet], "0.1.0")) == [
        *(ours, at_tag, USUAL, fleet),
        replace(at_tag, hosts=SERVERS[:8], slow=True),
    ]


def test_a_folder_that_is_no_checkout_of_the_project_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"is no checkout of the project: .*not a git repository"):
        checkout.name_of(tmp_path)
    subprocess.run(("git", "init", "--quiet", str(tmp_path)), check=True)
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(
        ("git", "-C", str(tmp_path), *author, "commit", "--quiet", "--allow-empty", "-m", "Begin"), check=True
    )
    with pytest.raises(ValueError, match=r"it has no galaxy\.yml"):
        checkout.name_of(tmp_path)


def test_the_keys_of_the_sites_are_for_nobody_else(tmp_path):
    told = sites.write_sites(tmp_path, 2)
    assert [site["name"] for site in told["bench_sites"]] == ["site001.example.com", "site002.example.com"]
    assert [set(site) - {"name", "certificate_file", "key_file"} for site in told["bench_sites"]] == [
        {"root"},
        {"proxy_pass"},
    ]
    assert {Path(site["key_file"]).stat().st_mode & 0o777 for site in told["bench_sites"]} == {0o600}
    assert len({Path(site["key_file"]).read_bytes() for site in told["bench_sites"]}) == 2


PLAY = """
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.ping:
      changed_when: true
      notify: Reload
    - ansible.builtin.debug:
      when: false
    - ansible.builtin.include_tasks: nowhere.yml
      when: false
    - ansible.builtin.meta: flush_handlers
  handlers:
    - name: Reload
      ansible.builtin.ping:
"""


def test_tasks_are_counted_with_handlers_and_those_that_were_skipped(tmp_path, monkeypatch):
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "ping.yml").write_text(PLAY)
    monkeypatch.setattr(playbook, "PRIVATE", tmp_path)
    controller = playbook.Controller(tmp_path, {}, tmp_path / "collections")
    monkeypatch.setattr(playbook, "BENCH", tmp_path)
    told = controller.play("ping", ("localhost",), {})
    assert (told.tasks, told.skipped, told.executions) == (4, 2, 2)
    assert [result["changed"] for result in told.results] == [True, False]
    assert 0 < told.cpu < told.wall * playbook.cpus() + 1
    assert json.loads((tmp_path / "durations.json").read_text())["executions"] == 2
