# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is compared, on which hosts, and which of it has a limit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Iterator, Sequence

from hosts import FIREWALLD, FLEET, LARGE, NFTABLES, RULES, SERVERS, SINGLE, UFW

OURS = "`port443.https.ports`"
LOOP = "`iptables` in a loop, `iptables_state`"
MULTIPORT = "`iptables` with multiport, `iptables_state`"
MULTIPORT_PORTS = 15  # xt_multiport's limit (iptables-extensions(8))
FIRST, SECOND, ROTATION = "first", "second", "rotation"
OURS_CERTIFICATE = "`port443.https.certificate`"
TASKS = "`file`, `copy`, `command`, `assert`, `service`"
OURS_JOB = "`port443.https.enable_https`"
USUAL_JOB = "`iptables`, `copy`, `template`, `service`, `uri` in loops"
NAME = "www.example.com"
# What can be measured, and written, alone: each has tables of its own.
PARTS = MAIN_JOB, IPTABLES, OTHERS, CERTIFICATES = "main-job", "iptables", "other-firewalls", "certificates"
_PLAYS_OF_OURS = ("enable_https", "ports", "certificate")


@dataclass(frozen=True)
class Limits:
    """The most that a run may take: ``ratio`` as a multiple of a ping play on the same hosts, how many ``tasks``, and
    ``of_usual`` as a share of the wall time of the usual way for the same job. None is no limit."""

    ratio: float | None = None
    tasks: int | None = None
    of_usual: float | None = None


@dataclass(frozen=True)
class Case:
    """One way to do one job: open ``ports``, with ``sites`` serve so many as well, with neither install a certificate.

    A case that is ``slow`` is run once, not in every round; one ``beside`` is done by another checkout's collection.
    """

    job: str
    way: str
    play: str
    hosts: tuple[str, ...]
    ports: tuple[str, ...]
    variables: dict[str, Any] = field(default_factory=dict, hash=False)
    limits: dict[str, Limits] = field(default_factory=dict, hash=False)
    runs: tuple[str, ...] = (FIRST, SECOND)
    slow: bool = False
    sites: int = 0
    beside: bool = False

    @property
    def is_ours(self) -> bool:
        """Tells whether this collection does it, this checkout's or another one's."""
        return self.play in _PLAYS_OF_OURS

    @property
    def part(self) -> str:
        """Returns the one of PARTS that the case belongs to."""
        if self.sites:
            return MAIN_JOB
        if not self.ports:
            return CERTIFICATES
        return OTHERS if self.hosts[0] in (NFTABLES, FIREWALLD, UFW) else IPTABLES


HTTPS = ("80/tcp", "443/tcp", "443/udp")


def scattered(count: int) -> tuple[str, ...]:
    """Returns that many ports of which no two make a range; every fifth is UDP."""
    return tuple("{}/{}".format(1001 + 2 * number, "udp" if number % 5 == 4 else "tcp") for number in range(count))


def lots(ports: Sequence[str], together: int) -> list[dict[str, Any]]:
    """Returns the ports as the usual play takes them, up to so many in one rule."""
    found: list[dict[str, Any]] = []
    for protocol in ("tcp", "udp"):
        numbers = [port.split("/")[0] for port in ports if port.endswith(protocol)]
        for start in range(0, len(numbers), together):
            lot = numbers[start : start + together]
            found.append({"protocol": protocol, **({"port": lot[0]} if together == 1 else {"ports": lot})})
    return found


def _ours(job: str, hosts: tuple[str, ...], ports: tuple[str, ...], first: float, second: float) -> Case:
    limits = {FIRST: Limits(first), SECOND: Limits(second)}
    return Case(job, OURS, "ports", hosts, ports, {"bench_ports": list(ports)}, limits)


def _usual(job: str, way: str, hosts: tuple[str, ...], ports: tuple[str, ...], slow: bool = False) -> Case:
    together = 1 if way == LOOP else MULTIPORT_PORTS
    return Case(
        job,
        way,
        "usual",
        hosts,
        ports,
        {"bench_lots": lots(ports, together)},
        slow=slow,
        runs=(FIRST,) if slow else (FIRST, SECOND),
    )


def _beside(firewall: str, way: str, play: str, variables: dict[str, Any]) -> Iterator[Case]:
    """The same jobs on a host with another firewall, and one of them by ``way``; what they may take is not set."""
    for job, ports in ((_FEW, HTTPS), (_MANY, scattered(50)), (_MOST, scattered(500))):
        asked = {"bench_ports": list(ports)}
        yield Case(f"{job}, {firewall}", OURS, "ports", (firewall,), ports, asked)
        if job == _FEW:
            yield Case(f"{job}, {firewall}", way, play, (firewall,), ports, variables)


def _certificate(hosts: tuple[str, ...]) -> Iterator[Case]:
    """A certificate where a placeholder was, again, and another one in its place."""
    job = "a certificate" if len(hosts) == 1 else f"a certificate, {len(hosts)} hosts"
    runs = (FIRST, SECOND, ROTATION)
    yield Case(job, OURS_CERTIFICATE, "certificate", hosts, (), runs=runs)
    yield Case(job, TASKS, "usual_certificate", hosts, (), runs=runs, slow=len(hosts) > 1)


def _job(hosts: int, sites: int, first: Limits | None = None, second: Limits | None = None, slow: bool = False) -> Case:
    """The whole job: sites served with their certificates, ports opened, all of it looked at from outside."""
    job = f"{sites} site{'s' * (sites > 1)}" + (f", {hosts} hosts" if hosts > 1 else "")
    limits = {run: limit for run, limit in ((FIRST, first), (SECOND, second)) if limit}
    return Case(job, OURS_JOB, "enable_https", SERVERS[:hosts], HTTPS[:2], limits=limits, slow=slow, sites=sites)


def _usual_job(hosts: int, sites: int) -> Case:
    case = _job(hosts, sites, slow=hosts * sites > 2)
    return replace(case, way=USUAL_JOB, play="usual_https")


_FEW, _MANY, _MOST = "3 ports", "50 ports", "500 ports"
_LARGE = f"2 ports, host with {sum(RULES.values()):,} rules"
_FLEET = f"3 ports, {len(FLEET)} hosts"
_FIFTH = 0.2
# Of each pair of hosts and sites, one is as in the others: what the job takes grows with either alone.
GROWTH_OF_HOSTS, GROWTH_OF_SITES = ((1, 2), (8, 2), (20, 2), (50, 2)), ((1, 1), (1, 20), (1, 100), (1, 500))
CASES = (
    _job(1, 2, Limits(2.6, of_usual=_FIFTH), Limits(2.0, 12, _FIFTH)),
    _usual_job(1, 2),
    _job(1, 20, None, Limits(2.5, of_usual=_FIFTH)),
    _usual_job(1, 20),
    _job(1, 100, None, Limits(4.0)),
    _job(8, 2, None, Limits(3.0, of_usual=_FIFTH)),
    _usual_job(8, 2),
    _job(1, 1),
    _job(1, 500, slow=True),
    _job(20, 2),
    _job(50, 2, slow=True),
    _ours(_FEW, (SINGLE,), HTTPS, 1.3, 1.2),
    _usual(_FEW, MULTIPORT, (SINGLE,), HTTPS),
    _usual(_FEW, LOOP, (SINGLE,), HTTPS),
    _ours(_MANY, (SINGLE,), scattered(50), 1.3, 1.3),
    _usual(_MANY, MULTIPORT, (SINGLE,), scattered(50)),
    _usual(_MANY, LOOP, (SINGLE,), scattered(50), slow=True),
    _ours(_MOST, (SINGLE,), scattered(500), 1.6, 1.6),
    _usual(_MOST, MULTIPORT, (SINGLE,), scattered(500), slow=True),
    _usual(_MOST, LOOP, (SINGLE,), scattered(500), slow=True),
    _ours(_LARGE, (LARGE,), HTTPS[:2], 2.0, 2.0),
    _usual(_LARGE, LOOP, (LARGE,), HTTPS[:2]),
    _ours(_FLEET, FLEET, HTTPS, 1.4, 1.4),
    *_beside(NFTABLES, "`template`, `nft -f`", "usual_nftables", {"bench_ports": list(HTTPS)}),
    *_beside(FIREWALLD, "`ansible.posix.firewalld`", "usual_firewalld", {"bench_ports": list(HTTPS)}),
    *_beside(UFW, "`community.general.ufw`", "usual_ufw", {"bench_lots": lots(HTTPS, 1)}),
    *_certificate((SINGLE,)),
    *_certificate(FLEET[:10]),
)
