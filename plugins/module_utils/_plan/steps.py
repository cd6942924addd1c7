# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps of a plan as data: run a command, write a file, call D-Bus, each with its way back."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import ClassVar, Dict, Optional, Tuple, Union

from ansible_collections.port443.https.plugins.module_utils._host.dbus import Method
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost


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


@dataclass(frozen=True)
class BusCall:
    """Calls methods of a program on the system's D-Bus, in order; ``undo`` takes them back.

    ``files`` are those that the program itself writes on that occasion: what they hold before, and are to hold then.
    ``kept`` are paths at which it leaves copies, where nothing is to change.
    """

    methods: Tuple[Method, ...]
    undo: Tuple[Union[BusCall, Write], ...] = ()
    files: Tuple[Write, ...] = ()
    kept: Tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.methods, *self.files)))


class Act:
    """A step that only its backend knows how to do and to take back, such as one that has to keep what a tool answers.

    It is a frozen dataclass, and ``str`` of it is what it does.
    """

    loads_files: ClassVar[bool] = False
    """Whether it has the firewall read its files, so that what is written before it cannot wait until after it."""
    look: ClassVar[Tuple[str, ...]] = ()
    """A command whose output tells whether the step was carried out; empty where taking back twice does no harm."""

    def carry_out(self, host: FirewallHost) -> None:
        """Carries the step out; raises HostError."""
        raise NotImplementedError

    def take_back(self, host: FirewallHost) -> None:
        """Takes the step back; raises HostError."""
        raise NotImplementedError

    def files_before(self) -> Dict[str, Optional[bytes]]:
        """Returns what files that it changes beside the rules hold before, by their paths."""
        return {}


Step = Union[Run, Write, Prune, BusCall, Act]


@dataclass(frozen=True)
class Change:
    """One entry of the diff: rules as text before and after, in lines."""

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """The steps from the observed state of a host to the requested one; none where all is as asked.

    ``persisted`` is ``rehearsed``, ``written``, ``not needed`` or ``no``; ``risky`` is set where a step turns a
    firewall on or reloads more than our own rules. ``lock`` is the lock file of the firewall's own tool, held while
    the steps are carried out; empty where there is none.
    """

    steps: Tuple[Step, ...]
    changes: Tuple[Change, ...] = ()
    persisted: str = "not needed"
    warnings: Tuple[str, ...] = ()
    risky: bool = False
    lock: str = ""


@dataclass(frozen=True)
class BootChanges:
    """The part of a plan that is for the next boot."""

    steps: Tuple[Write, ...]
    changes: Tuple[Change, ...]
    persisted: str
    warnings: Tuple[str, ...]


def is_saved(step: Step) -> bool:
    """Tells whether a step is for the next boot: what it changes are files."""
    return isinstance(step, Write) or (isinstance(step, BusCall) and bool(step.files))


def arrange(plan: Plan) -> Tuple[Plan, Tuple[Step, ...]]:
    """Returns a plan with what is for the next boot at its end, and these steps, which can wait until it is confirmed.

    None can where a step has the firewall load its files; the plan is then what it was.
    """
    if any(isinstance(step, Act) and step.loads_files for step in plan.steps):
        return plan, ()
    saved = tuple(step for step in plan.steps if is_saved(step))
    live = tuple(step for step in plan.steps if not is_saved(step))
    return replace(plan, steps=live + saved), saved
