# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Plays every case in alternating rounds, a ping play before each, and reports medians; started by bench/run."""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Sequence

import checkout
import hosts as throw_away
import limits
import pairs
import report
import sites
from cases import CASES, CERTIFICATES, FIRST, HTTPS, MAIN_JOB, OURS, PARTS, Case
from hosts import LARGE, SINGLE, Host
from playbook import PRIVATE, PYTHON, Controller, Payload, Played, cpus, remove_payloads

ROUNDS, QUICK_ROUNDS = 5, 3


class Comparison:
    """The measurements, by what was measured; ``beside`` has another checkout's collection, if there is one."""

    def __init__(
        self, cases: Sequence[Case], controller: Controller, beside: Controller | None, hosts: dict[str, Host]
    ) -> None:
        self.cases = cases
        self._controller = controller
        self._beside = beside
        self._hosts = hosts
        self.pings: dict[tuple[str, ...], list[Played]] = defaultdict(list)
        self.plays: dict[tuple[Case, str], list[Played]] = defaultdict(list)
        self.payloads: dict[str, list[float]] = defaultdict(list)
        self.sizes: dict[str, int] = {}

    def ping(self, names: tuple[str, ...], measured: bool = True) -> None:
        """Plays a ping."""
        played = self._controller.play("ping", names, {})
        if measured:
            self.pings[names].append(played)

    def play(self, case: Case) -> None:
        """Plays a case on hosts that do not have it yet and, unless that takes minutes, once more.

        Raises AssertionError if it does not do the job.
        """
        if case.part == CERTIFICATES:
            self._play_certificate(case)
            return
        if case.part == MAIN_JOB:
            self._play_job(case)
            return
        throw_away.reset([self._hosts[name] for name in case.hosts])
        host, port = self._hosts[case.hosts[-1]], int(case.ports[0].split("/")[0])
        if host.lets_in(port):
            raise AssertionError(f"port {port} of {host.name} is open before the run")
        for run in case.runs:
            played = self._controller_of(case).play(case.play, case.hosts, case.variables)
            if case.is_ours:
                _check(case, run, played)
            if not host.lets_in(port):
                raise AssertionError(f"port {port} of {host.name} is shut after the {run} run: {case.job}, {case.way}")
            self.plays[case, run].append(played)
            print(f"    {run} run {played.wall:.1f} s", flush=True)

    def _play_certificate(self, case: Case) -> None:
        hosts = [self._hosts[name] for name in case.hosts]
        pairs.reset(hosts, case.is_ours)
        for run in case.runs:
            played = self._controller_of(case).play(case.play, case.hosts, pairs.variables(PRIVATE / "pairs", run))
            pairs.check(case, run, played, hosts)
            self.plays[case, run].append(played)
            print(f"    {run} run {played.wall:.1f} s", flush=True)

    def _play_job(self, case: Case) -> None:
        hosts = [self._hosts[name] for name in case.hosts]
        told = sites.write_sites(PRIVATE / "sites", case.sites)
        sites.reset(hosts)
        for run in case.runs:
            played = self._controller_of(case).play(case.play, case.hosts, told)
            sites.check(case, run, played, hosts)
            self.plays[case, run].append(played)
            print(f"    {run} run {played.wall:.1f} s, {played.tasks} tasks", flush=True)

    def _controller_of(self, case: Case) -> Controller:
        return self._beside if case.beside and self._beside else self._controller

    def time_payloads(self, rounds: int) -> None:
        """Measures what our module takes on its host by itself, beside the ping module and Python alone."""
        web, large = self._hosts[SINGLE], self._hosts[LARGE]
        ping = Payload(web, self._controller, "ping", {})
        few = Payload(web, self._controller, "ports", {"bench_ports": list(HTTPS)})
        beside = Payload(large, self._controller, "ports", {"bench_ports": list(HTTPS[:2])})
        self.sizes = {"`ansible.builtin.ping`": ping.size, OURS: few.size}
        for _round in range(rounds + 1):
            self.payloads["Python, doing nothing"].append(_seconds_of_python(web))
            self.payloads["`ansible.builtin.ping`"].append(ping.seconds())
            for host, payload, name in ((web, few, "3 ports"), (large, beside, "2 ports, 10,000 rules")):
                host.reset()
                self.payloads[f"{OURS}, {name}, first run"].append(payload.seconds())
                self.payloads[f"{OURS}, {name}, second run"].append(payload.seconds())
        for seconds in self.payloads.values():
            del seconds[0]  # fills the caches
        for host in (web, large):
            remove_payloads(host)


def _seconds_of_python(host: Host) -> float:
    started = time.perf_counter()
    host.run(PYTHON, "-c", "pass")
    return time.perf_counter() - started


def _check(case: Case, run: str, played: Played) -> None:
    """Speed is of no use where the work was not done."""
    want: dict[str, Any] = {"changed": run == FIRST, "persisted": "rehearsed", "verdicts": ["open"]}
    wrong = [result for result in played.results if result != want]
    if wrong or len(played.results) != len(case.hosts):
        raise AssertionError(f"{case.job}, {run} run: expected {want} of {len(case.hosts)} hosts, got {wrong}")


def hosts_of(cases: Sequence[Case]) -> tuple[str, ...]:
    """Returns the hosts that the cases need; the first is the one that most pings go to."""
    return tuple(dict.fromkeys((SINGLE, *(name for case in cases for name in case.hosts))))


def compare(cases: Sequence[Case], rounds: int, comparison: Comparison) -> None:
    """Measures the cases, those that take minutes once."""
    print("connecting", flush=True)
    comparison.ping(hosts_of(cases), measured=False)
    if {(SINGLE,), (LARGE,)} <= {case.hosts for case in cases if case.is_ours}:
        comparison.time_payloads(rounds)
    for number in range(rounds):
        for case in cases if number % 2 else reversed(cases):
            if not case.slow:
                print(f"round {number + 1} of {rounds}: {case.job}, {case.way}", flush=True)
                comparison.ping(limits.pinged(case))
                comparison.play(case)
    for case in cases:
        if case.slow:
            print(f"once, as it takes minutes: {case.job}, {case.way}", flush=True)
            comparison.ping(limits.pinged(case))
            comparison.play(case)


def _listed(cases: Sequence[Case]) -> str:
    return "; ".join(f"{case.job}, {case.way}" for case in cases)


def _arguments() -> argparse.Namespace:
    """Returns what was asked for, with ``cases`` and ``parts`` to measure; ends with 2 where that cannot be meant."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds, and nothing that takes minutes")
    parser.add_argument("--rounds", type=int, help=f"how many rounds (default {ROUNDS})")
    parser.add_argument("--only", default="", metavar="WORD", help="only cases in whose job or way WORD occurs")
    parser.add_argument("--part", choices=PARTS, help="only the cases of one part, which has tables of its own")
    parser.add_argument(
        "--beside",
        type=Path,
        metavar="CHECKOUT",
        help="what is ours is done by this other checkout's collection as well",
    )
    parser.add_argument("--write", action="store_true", help="write the result into bench/README.md and README.md")
    parser.add_argument("--folder", type=Path, required=True, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.rounds = asked.rounds or (QUICK_ROUNDS if asked.quick else ROUNDS)
    if asked.write and asked.only:
        parser.error("--write wants every job of a table measured: leave out --only")
    asked.parts = [asked.part] if asked.part else list(PARTS)
    cases: Sequence[Case] = CASES
    if asked.beside:
        try:
            cases = tuple(checkout.with_beside(CASES, checkout.name_of(asked.beside.resolve())))
        except ValueError as problem:
            parser.error(f"--beside: {problem}")
    asked.cases = [
        case
        for case in cases
        if case.part in asked.parts and asked.only in f"{case.job}, {case.way}" and not (case.slow and asked.quick)
    ]
    if not asked.cases:
        parser.error(f"no case has {asked.only!r} in its job or way; there are {_listed(cases)}")
    return asked


def _measure(asked: argparse.Namespace) -> tuple[Comparison, str]:
    """Returns the measurements, and under what conditions they came about."""
    load = os.getloadavg()[0]
    if load > cpus() / 4:
        print(f"something else keeps this machine busy (load {load:.1f}): do not trust what comes out", flush=True)
    folder = asked.folder
    if asked.beside:
        checkout.install(asked.beside.resolve(), folder / "beside")
    with throw_away.running(folder / "disk", hosts_of(asked.cases)) as hosts:
        controller = Controller(folder, hosts, folder / "collections")
        beside = Controller(folder, hosts, folder / "beside") if asked.beside else None
        comparison = Comparison(asked.cases, controller, beside, hosts)
        compare(asked.cases, asked.rounds, comparison)
        software = report.software(hosts, controller.versions())
    return comparison, f"{software} Load before: {load:.1f}. Rounds: {asked.rounds}."


def main() -> int:
    """Returns 0 if no run that was measured exceeds a limit, else 1."""
    asked = _arguments()
    comparison, conditions = _measure(asked)
    for part in asked.parts:
        text = report.render(comparison, part, conditions)
        print("\n" + text)
        if asked.write:
            report.write(part, text)
    missed = limits.missed(comparison)
    for told in missed:
        print(f"more than it may take: {told}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
