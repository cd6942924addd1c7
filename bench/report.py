# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The measurements as Markdown, and their place in bench/README.md."""

from __future__ import annotations

import platform
from statistics import median
from typing import TYPE_CHECKING, Iterator, Mapping, Sequence

from cases import IPTABLES, MAIN_JOB, Case
from growth import render_growth
from headline import put_headline
from hosts import BENCH, FIREWALLD, NFTABLES, SINGLE, UFW, Host
from limits import pinged, ratio_of, share_of_usual, tell_limits, tell_met
from playbook import PYTHON, Played, cpus
from stored import put_results

if TYPE_CHECKING:
    from compare import Comparison

_VERSIONS = {
    NFTABLES: ("nft", "--version"),
    FIREWALLD: ("firewall-cmd", "--version"),
    UFW: ("ufw", "--version"),
}
_WORDS = ("job", "way", "run", "target", "met")  # the other columns hold numbers
_COLUMNS = ("job", "way", "run", "wall, s", "x ping", "tasks alone, s", "module executions a host", "target", "met")
_COLUMNS_OF_JOB = (
    *("job", "way", "run", "wall, s", "x ping", "x usual"),
    *("tasks", "module executions a host", "CPU, s a host", "target", "met"),
)


def software(hosts: Mapping[str, Host], controller: str) -> str:
    """Returns what was compared on, without anything that names the machine."""
    host = hosts[SINGLE]
    commands = ((PYTHON, "--version"), ("iptables", "--version"), ("/usr/sbin/sshd", "-V"))
    python, iptables, sshd = (_first_line(host, *command) for command in commands)
    system = _first_line(host, "sh", "-c", '. /etc/os-release && echo "$PRETTY_NAME"')
    others = [_others_version(hosts[name], command) for name, command in _VERSIONS.items() if name in hosts]
    kernel = ".".join(platform.release().split(".")[:2])
    return (
        f"Controller: {controller}. Hosts: {', '.join((system, python, iptables, *others, sshd.split(',')[0]))}. "
        f"Linux {kernel}, {cpus()} processors for all of it."
    )


def _others_version(host: Host, command: tuple[str, ...]) -> str:
    """What its firewall says about itself: nftables a name behind the version, firewalld nothing but the number."""
    said = host.run(*command, check=False).stdout.split("\n")[0].split(" (")[0]
    return said if said.startswith(host.name[:3]) else f"{host.name} {said}"


def _first_line(host: Host, *argv: str) -> str:
    ended = host.run(*argv, check=False)
    return (ended.stdout + ended.stderr).strip().split("\n")[-1]


def render(comparison: Comparison, part: str, conditions: str) -> str:
    """Returns the tables of a part, and under what conditions they came about."""
    payloads = (*_payloads(comparison), "") if comparison.payloads and part == IPTABLES else ()
    growth = tuple(render_growth(comparison)) if part == MAIN_JOB else ()
    return "\n".join((*_plays(comparison, part), "", *payloads, *growth, conditions, ""))


def _plays(comparison: Comparison, part: str) -> Iterator[str]:
    plays = {key: played for key, played in comparison.plays.items() if key[0].part == part}
    pinged_for = {pinged(case) for case, _run in plays}
    columns = _COLUMNS_OF_JOB if part == MAIN_JOB else _COLUMNS
    yield _row(*columns)
    yield "|" + "|".join("---" if name in _WORDS else "---:" for name in columns) + "|"
    for names, played in sorted(comparison.pings.items(), key=lambda item: len(item[0])):
        if names in pinged_for:
            job = f"{len(names)} hosts" if len(names) > 1 else "1 host"
            cells = {"job": f"nothing, {job}", "way": "`ansible.builtin.ping`", "x ping": "1.00"}
            yield _row(*({**_measured(played, len(names)), **cells}.get(name, "") for name in columns))
    for (case, run), played in sorted(plays.items(), key=lambda item: _place(comparison, *item[0])):
        share = share_of_usual(comparison, case, run)
        cells = {
            "job": case.job,
            "way": case.way,
            "run": f"{run}, played once" if case.slow else run,
            "x ping": f"{ratio_of(comparison, case, run):.2f}",
            "x usual": "" if share is None else f"{share:.2f}",
            "target": tell_limits(case.limits.get(run)),
            "met": tell_met(comparison, case, run),
        }
        yield _row(*({**_measured(played, len(case.hosts)), **cells}.get(name, "") for name in columns))


def _place(comparison: Comparison, case: Case, run: str) -> tuple[int, int]:
    return comparison.cases.index(case), case.runs.index(run)


def _measured(played: Sequence[Played], hosts: int) -> dict[str, str]:
    """The cells about the plays themselves, by column."""
    skipped = max(one.skipped for one in played)
    tasks = str(max(one.tasks for one in played))
    return {
        "wall, s": _spread([one.wall for one in played], 2),
        "tasks alone, s": f"{median(one.in_tasks for one in played):.2f}",
        "tasks": f"{tasks}, {skipped} skipped" if skipped else tasks,
        "module executions a host": f"{median(one.executions for one in played) / hosts:g}",
        "CPU, s a host": f"{median(one.cpu for one in played) / hosts:.2f}",
    }


def _payloads(comparison: Comparison) -> Iterator[str]:
    yield "| on the host alone, no Ansible | s | copied to the host, kB |"
    yield "|---|---:|---:|"
    for name, seconds in comparison.payloads.items():
        size = comparison.sizes.get(name.split(", 2")[0].split(", 3")[0])
        yield _row(name, _spread(seconds, 3), "" if size is None else f"{size / 1000:.0f}")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _spread(seconds: Sequence[float], digits: int) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.{digits}f}"
    return f"{median(seconds):.{digits}f} ({min(seconds):.{digits}f}-{max(seconds):.{digits}f})"


def write(part: str, text: str) -> None:
    """Puts the result of a part in its place in bench/README.md, and what counts most of all in README.md."""
    stored, readme = BENCH / "README.md", BENCH.parent / "README.md"
    results = put_results(stored.read_text(encoding="utf-8"), part, text)
    shown = put_headline(readme.read_text(encoding="utf-8"), results)
    stored.write_text(results, encoding="utf-8")
    readme.write_text(shown, encoding="utf-8")
