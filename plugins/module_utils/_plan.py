# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What will be done, as data, and what a backend is."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import FrozenSet, Optional, Protocol, Tuple, TypeVar, Union

from ansible_collections.port443.https.plugins.module_utils._host import Host
from ansible_collections.port443.https.plugins.module_utils._kernel import Kernel
from ansible_collections.port443.https.plugins.module_utils._port_rule import Request
from ansible_collections.port443.https.plugins.module_utils._ruleset import Ruleset


@dataclass(frozen=True)
class Run:
    """Runs ``argv`` with ``stdin``; ``undo`` are the commands that take it back, in order."""

    argv: Tuple[str, ...]
    stdin: str = ""
    undo: Tuple[Union[Run, Prune], ...] = ()

    def __str__(self) -> str:
        command = " ".join(shlex.quote(word) for word in self.argv)
        return f"{command} <<'EOF'\n{self.stdin}EOF" if self.stdin else command


@dataclass(frozen=True)
class Write:
    """Makes the file ``path`` hold ``after`` (bytes; None: no file), which holds ``before`` now."""

    path: str
    before: Optional[bytes]
    after: Optional[bytes]

    def __str__(self) -> str:
        return "{} {}".format("remove" if self.after is None else "write", self.path)


@dataclass(frozen=True)
class Prune:
    """Deletes a chain of nf_tables if it is empty, and its table if that leaves nothing in it; needs no way back."""

    family: str
    table: str
    chain: str

    def __str__(self) -> str:
        where = f"table {self.family} {self.table}"
        return f"delete the empty chain {self.chain} of {where}, and the table with it if nothing else is in it"


Step = Union[Run, Write, Prune]


@dataclass(frozen=True)
class Change:
    """One place that changes, for the diff: rules as text before and after, in lines."""

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What a backend would do for a request on a host as observed; no steps means that all is as asked.

    ``ruleset`` is what the kernel would have afterwards; ``persisted`` is ``rehearsed``, ``written``, ``not needed`` or
    ``no``; ``risky`` is set where a step turns a firewall on or reloads more than our own rules.
    """

    steps: Tuple[Step, ...]
    ruleset: Ruleset
    changes: Tuple[Change, ...] = ()
    persisted: str = "not needed"
    warnings: Tuple[str, ...] = ()
    risky: bool = False


Have = TypeVar("Have")


class Backend(Protocol[Have]):
    """One firewall. ``options`` are those of the request that it has beyond what all firewalls have.

    ``Have`` is the host as this backend observed it; only the backend looks inside.
    """

    name: str
    options: FrozenSet[str]

    def filters_at_boot(self, host: Host) -> bool:
        """Tells whether the next boot will load rules that filter, whatever the kernel holds now."""

    def observe(self, host: Host, kernel: Kernel) -> Have:
        """Reads what the backend needs beyond the kernel's rules; changes nothing; raises HostError."""

    def plan(self, have: Have, request: Request) -> Plan:
        """Returns what makes the host what the request says, from data alone; raises HostError if nothing can."""

    def rehearse(self, host: Host, have: Have, plan: Plan, request: Request) -> Plan:
        """Returns the plan with what trying its files apart from the host showed; raises HostError for a broken one."""
