# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is known of a look at one port beside the packets: what the looker saw, and what the host says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple


@dataclass(frozen=True)
class Door:
    """One port at one address that somebody looked at.

    ``host`` is what was asked for, ``named`` all addresses that it has for who looks. ``outcome`` is what came of it,
    ``ok`` or what is wrong in two words. ``sources`` are the looker's own addresses and ports, ``segment`` the maximum
    segment size that the look asked for, 0 for none.
    """

    host: str
    address: str
    family: str
    port: int
    protocol: str
    outcome: str
    sources: Tuple[Tuple[str, int], ...] = ()
    segment: int = 0
    named: Tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The place, for a sentence."""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def read_door(given: Mapping[str, Any]) -> Door:
    """Returns the Door of a dictionary as the module probe makes it; raises KeyError or ValueError for another."""
    return Door(
        str(given["host"]),
        str(given["address"]),
        str(given["family"]),
        int(given["port"]),
        str(given["protocol"]),
        str(given["outcome"]),
        tuple((str(address), int(port)) for address, port in given["sources"]),
        int(given["segment"]),
        tuple(map(str, given["named"])),
    )


@dataclass(frozen=True)
class RuleFound:
    """What the rules of the host make of the connection: ``verdict`` is open, blocked or depends, and why.

    ``place`` is the file, and mostly the line, that the rule stands in, ``packets`` what it has counted before and
    after the look; both are empty where they are not known.
    """

    verdict: str
    because: str
    place: str = ""
    packets: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Waiting:
    """A socket that waits for connections, and the programs that have it, as far as they are known."""

    protocol: str
    address: str
    port: int
    program: str

    def __str__(self) -> str:
        at = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.program or 'a program'} at {at}:{self.port}"


@dataclass(frozen=True)
class Back:
    """How the host would answer: the interface, or why there is no way."""

    interface: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Mute:
    """A setting of an interface by which the host may not answer who has its address.

    ``source`` and ``back`` are who asks and the interface that the route back leads to, where it depends on them.
    """

    address: str
    interface: str
    setting: str
    value: int
    source: str = ""
    back: str = ""


@dataclass(frozen=True)
class HostFacts:
    """What a host says of itself.

    ``blind`` says why no packets could be recorded, empty where they were; ``whole`` whether none is missing.
    ``waiting`` is None where nobody could look, ``rule`` where the rules do not tell; ``unread`` says why.
    ``overflows`` and ``drops`` are how many connections the kernel dropped before a program took them
    (ListenOverflows, ListenDrops), before and after; ``conntrack`` how many are tracked and may be. ``strict`` are
    the interfaces that take only what their own route leads back to (rp_filter 1). ``early`` are those with an XDP
    program, ``queueing`` those with programs of tc. ``mutes`` is looked for where nothing arrives.
    """

    blind: str = ""
    whole: bool = True
    addresses: Tuple[str, ...] = ()
    waiting: Optional[Tuple[Waiting, ...]] = None
    rule: Optional[RuleFound] = None
    unread: str = ""
    back: Optional[Back] = None
    overflows: Tuple[int, ...] = ()
    drops: Tuple[int, ...] = ()
    conntrack: Tuple[int, ...] = ()
    strict: Tuple[str, ...] = ()
    early: Tuple[str, ...] = ()
    queueing: Tuple[str, ...] = ()
    mutes: Tuple[Mute, ...] = ()


@dataclass(frozen=True)
class Ending:
    """Where a connection ends, and why in one sentence with what to do.

    ``ends`` is ``before the host``, ``in the host``, ``on the way back``, ``beyond the host``, ``reached``, or
    ``not known``.
    """

    ends: str
    because: str

    def as_dict(self, door: Door) -> Dict[str, Any]:
        """Returns it as the module returns it."""
        return {
            "address": door.address,
            "family": door.family,
            "port": door.port,
            "protocol": door.protocol,
            "ends": self.ends,
            "because": self.because,
        }


BEFORE, IN, BACK, BEYOND, REACHED, UNKNOWN = (
    "before the host",
    "in the host",
    "on the way back",
    "beyond the host",
    "reached",
    "not known",
)
