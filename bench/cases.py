# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is compared, on which hosts, and which of it has a target."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator, Sequence

from hosts import FIREWALLD, FLEET, LARGE, NFTABLES, RULES, SINGLE, UFW

OURS = "`port443.https.ports`"
LOOP = "`iptables` in a loop, `iptables_state`"
MULTIPORT = "`iptables` with multiport, `iptables_state`"
MULTIPORT_PORTS = 15  # xt_multiport's limit (iptables-extensions(8))
FIRST, SECOND, ROTATION = "first", "second", "rotation"
OURS_CERTIFICATE = "`port443.https.certificate`"
TASKS = "`file`, `copy`, `command`, `assert`, `service`"
NAME = "www.example.com"
# What can be measured, and written, alone: each has a table of its own.
PARTS = IPTABLES, OTHERS, CERTIFICATES = "iptables", "other-firewalls", "certificates"


@dataclass(frozen=True)
class Case:
    """One way to do one job. ``targets`` are the most it may take, as a multiple of a ping play on the same hosts.

    A case that is ``slow`` is run once, not in every round.
    """

    job: str
    way: str
    play: str
    hosts: tuple[str, ...]
    ports: tuple[str, ...]
    variables: dict[str, Any] = field(hash=False)
    targets: dict[str, float] = field(default_factory=dict, hash=False)
    runs: tuple[str, ...] = (FIRST, SECOND)
    slow: bool = False

    @property
    def is_ours(self) -> bool:
        return self.way in (OURS, OURS_CERTIFICATE)

    @property
    def is_certificate(self) -> bool:
        """Tells whether a certificate is installed, in place of opening ports."""
        return not self.ports

    @property
    def part(self) -> str:
        """Returns the one of PARTS that the case belongs to."""
        if self.is_certificate:
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
    targets = {FIRST: first, SECOND: second}
    return Case(job, OURS, "ports", hosts, ports, {"bench_ports": list(ports)}, targets)


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
    yield Case(job, OURS_CERTIFICATE, "certificate", hosts, (), {}, runs=runs)
    yield Case(job, TASKS, "usual_certificate", hosts, (), {}, runs=runs, slow=len(hosts) > 1)


_FEW, _MANY, _MOST = "3 ports", "50 ports", "500 ports"
_LARGE = f"2 ports, host with {sum(RULES.values()):,} rules"
_FLEET = f"3 ports, {len(FLEET)} hosts"
CASES = (
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
