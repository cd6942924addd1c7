# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The measurements as Markdown, and their place in bench/README.md."""

from __future__ import annotations

import platform
from statistics import median
from typing import TYPE_CHECKING, Iterator, Mapping, Sequence

from cases import CASES, IPTABLES, Case
from hosts import BENCH, FIREWALLD, NFTABLES, SINGLE, UFW, Host
from playbook import PYTHON, Played, cpus

if TYPE_CHECKING:
    from compare import Comparison

_VERSIONS = {
    NFTABLES: ("nft", "--version"),
    FIREWALLD: ("firewall-cmd", "--version"),
    UFW: ("ufw", "--version"),
}
BEGIN, END = "<!-- results: {} -->", "<!-- end of results: {} -->"


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
    return "\n".join((*_plays(comparison, part), "", *payloads, conditions, ""))


def _plays(comparison: Comparison, part: str) -> Iterator[str]:
    plays = {key: played for key, played in comparison.plays.items() if key[0].part == part}
    pinged_for = {pinged(case) for case, _run in plays}
    yield "| job | way | run | wall, s | x ping | tasks alone, s | module executions a host | target | met |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---|"
    for names, played in sorted(comparison.pings.items(), key=lambda item: len(item[0])):
        if names not in pinged_for:
            continue
        job = f"{len(names)} hosts" if len(names) > 1 else "1 host"
        yield _row(
            f"nothing, {job}", "`ansible.builtin.ping`", "", _seconds(played), "1.00", *_rest(played, len(names))
        )
    for (case, run), played in sorted(plays.items(), key=lambda item: _place(*item[0])):
        ratio, target = ratio_of(comparison, case, run), case.targets.get(run)
        shown = "" if target is None else f"≤ {target}"
        met = "" if target is None else "yes" if ratio <= target else "**no**"
        columns = (f"{ratio:.2f}", *_rest(played, len(case.hosts)), shown, met)
        yield _row(case.job, case.way, f"{run}, played once" if case.slow else run, _seconds(played), *columns)


def _place(case: Case, run: str) -> tuple[int, int]:
    return CASES.index(case), case.runs.index(run)


def _rest(played: Sequence[Played], hosts: int) -> tuple[str, str]:
    executions = median(one.executions for one in played) / hosts
    return f"{median(one.tasks for one in played):.2f}", f"{executions:g}"


def _payloads(comparison: Comparison) -> Iterator[str]:
    yield "| on the host alone, no Ansible | s | copied to the host, kB |"
    yield "|---|---:|---:|"
    for name, seconds in comparison.payloads.items():
        size = comparison.sizes.get(name.split(", 2")[0].split(", 3")[0])
        yield _row(name, _spread(seconds, 3), "" if size is None else f"{size / 1000:.0f}")


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells + ("",) * (9 - len(cells) if len(cells) > 3 else 0)) + " |"


def _seconds(played: Sequence[Played]) -> str:
    return _spread([one.wall for one in played], 2)


def _spread(seconds: Sequence[float], digits: int) -> str:
    if len(seconds) == 1:
        return f"{seconds[0]:.{digits}f}"
    return f"{median(seconds):.{digits}f} ({min(seconds):.{digits}f}-{max(seconds):.{digits}f})"


def ratio_of(comparison: Comparison, case: Case, run: str) -> float:
    """Returns the median of a case as a multiple of the median of a ping play on as many hosts."""
    ping = comparison.pings.get(pinged(case), ())
    walls = [one.wall for one in comparison.plays[case, run]]
    return median(walls) / median(one.wall for one in ping) if ping else float("nan")


def pinged(case: Case) -> tuple[str, ...]:
    """Returns the hosts whose ping a case is compared with: as many of the fleet, or the one that stands for any."""
    return case.hosts if len(case.hosts) > 1 else (SINGLE,)


def missed(comparison: Comparison) -> list[str]:
    """Returns the cases that take longer than their target."""
    return [
        f"{case.job}, {run} run"
        for case, run in comparison.plays
        if run in case.targets and not ratio_of(comparison, case, run) <= case.targets[run]
    ]


def write(part: str, text: str) -> None:
    """Puts the result of a part between its markers in bench/README.md."""
    path, begin, end = BENCH / "README.md", BEGIN.format(part), END.format(part)
    before, rest = path.read_text(encoding="utf-8").split(begin)
    _old, after = rest.split(end)
    path.write_text(f"{before}{begin}\n\n{text}\n{end}{after}", encoding="utf-8")
