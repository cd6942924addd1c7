# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A guard that has the host take a run's changes back by itself, unless they are confirmed in time."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any, Callable, Dict, FrozenSet, Generic, List, Optional, Sequence, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._confirm import next_boot
from ansible_collections.port443.https.plugins.module_utils._confirm import program as _program
from ansible_collections.port443.https.plugins.module_utils._confirm.journal import (
    PROGRAM,
    ChangeJournal,
    make_folder,
    put_file,
    write_journal,
)
from ansible_collections.port443.https.plugins.module_utils._confirm.timers import TAKE_BACK, arm, disarm
from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._linux.ssh_session import find_connection
from ansible_collections.port443.https.plugins.module_utils._plan import apply as _apply
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Act, Plan, Step, arrange, is_saved
from ansible_collections.port443.https.plugins.module_utils._ports.rounds import Transport
from ansible_collections.port443.https.plugins.module_utils._ports.unconfirmed import (
    RECORD,
    TOLD,
    Unconfirmed,
    folder_of,
    render_record,
)

Seen = TypeVar("Seen")
Build = Callable[[FrozenSet[str]], bytes]
"""Returns the program, with the modules of these names in it beside its own."""


class Confirmation:
    """A Guard that arms a timer before the first step, and holds back what can wait until the change is confirmed."""

    def __init__(self, host: FirewallHost, name: str, seconds: int, build: Build) -> None:
        self.host, self._name, self._seconds, self._build = host, name, seconds, build
        self.journal = ChangeJournal(os.urandom(6).hex(), name, connection=find_connection(host))
        self.until: Optional[float] = None
        self.warnings: Tuple[str, ...] = ()
        self._contained: FrozenSet[str] = frozenset()
        self._built = b""
        self._boot: Tuple[Step, ...] = ()
        self._ways: List[_Guarded[Any]] = []

    @property
    def folder(self) -> str:
        """The folder of this change, for root alone."""
        return os.path.join(folder_of(self.host), self.journal.identity)

    @property
    def command(self) -> Tuple[str, ...]:
        """How the program is called, but for what it is to do: a folder for files of one boot may forbid to run any."""
        return (sys.executable, "-I", os.path.join(self.folder, PROGRAM))

    def arrange(self, plan: Plan) -> Plan:
        """Returns the plan with what is for the next boot at its end, where that can wait."""
        return arrange(plan)[0]

    def over(self, way: Transport[Seen], plan: Plan, find_cut: Callable[[], str]) -> Transport[Seen]:
        """Returns a way that holds back what can wait; files alone are no change that could cut anybody off."""
        if self.until is None and all(is_saved(step) for step in plan.steps):
            return way
        self._ways.append(_Guarded(self, way, plan.lock))
        return self._ways[-1]

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back what was carried out of these steps."""
        carried_out = [entry.step for entry in self.journal.entries]
        return _apply.undo(self.host, [step for step in steps if step in carried_out])

    def apply(self, steps: Tuple[Step, ...], lock: str) -> None:
        """Carries out steps, each noted before; arms the timer before the first. Raises HostError with none done."""
        needed = frozenset(type(step).__module__ for step in steps if isinstance(step, Act))
        if self.until is None or not needed <= self._contained:
            self._prepare(needed, lock)
        if self._boot or any(isinstance(step, Act) and step.loads_files for step in steps):
            self._provide_for_boot(steps)
        noted = _program.Noted(self.host, self.folder, self.journal)
        try:
            _apply.apply(self.host, steps, noted)
            self.journal = noted.journal
        except HostError:
            write_journal(self.folder, self.journal)
            raise

    def _prepare(self, needed: FrozenSet[str], lock: str) -> None:
        """Leaves the program on the host, and arms it where that was not done."""
        top = folder_of(self.host)
        for folder in () if self.until else (top, self.folder):
            make_folder(folder)
        self._contained |= needed
        self._built = self._build(self._contained)
        put_file(self.folder, PROGRAM, self._built)
        self.journal = replace(self.journal, lock=lock or self.journal.lock)
        write_journal(self.folder, self.journal)
        if self.until is None:
            self.until = self.host.now() + self._seconds
            record = Unconfirmed(self.journal.identity, self._name, self.until, (*self.command, TAKE_BACK))
            put_file(top, RECORD, render_record(record))
            arm(self.host, self.command, self.folder, self.journal.identity, self._seconds)

    def _provide_for_boot(self, steps: Tuple[Step, ...]) -> None:
        """Has a boot before the confirmation put back the files of these steps, too, or says that none would."""
        self._boot += steps
        if next_boot.can_provide():
            next_boot.provide(self.journal, self._boot, self._built, sys.executable)
        elif not self.warnings:
            self.warnings = (
                "this host does not boot with systemd, so a reboot before the change is confirmed keeps what it wrote",
            )

    def settle(self) -> None:
        """Lets the change be confirmed from now on."""
        if self.until is not None:
            saved = tuple(step for way in self._ways for step in way.waiting)
            self.journal = replace(self.journal, saved=saved, complete=True)
            write_journal(self.folder, self.journal)

    def give_up(self) -> None:
        """Ends the timer, as all was taken back."""
        if self.until is not None:
            disarm(self.host, self.folder, self.journal.identity)
        if os.path.isdir(self.folder):
            _program.forget_change(self.host, self.folder)

    def as_result(self) -> Dict[str, Any]:
        """Returns what the result of the module tells of it, nothing where nothing waits."""
        if self.until is None:
            return {}
        waiting = {
            "command": [*self.command, _program.CONFIRM],
            "left": self.until - self.host.now(),
            "taken_back": os.path.join(folder_of(self.host), TOLD),
        }
        return {"unconfirmed": self.journal.identity, "_confirm": waiting}


class _Guarded(Generic[Seen]):
    """The way to a firewall, on which what can wait is held back."""

    def __init__(self, guard: Confirmation, way: Transport[Seen], lock: str) -> None:
        self.tries, self.patience = way.tries, way.patience
        self._guard, self._way, self._lock = guard, way, lock
        self.waiting: Tuple[Step, ...] = ()

    @property
    def unsettled(self) -> str:
        """What the way says."""
        return self._way.unsettled

    def look(self) -> Tuple[Seen, Plan]:
        """Returns what is there now, and the plan from that without what waits."""
        seen, plan = self._way.look()
        now, self.waiting = _hold_back(plan)
        return seen, now

    def apply(self, plan: Plan) -> None:
        """Carries out what does not wait, all or none; what does is known from the look that follows."""
        self._guard.apply(_hold_back(plan)[0].steps, self._lock)

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back what was carried out of these steps."""
        return self._guard.undo(steps)

    def is_unchanged(self, before: Seen, after: Seen) -> bool:
        """Tells what the way does."""
        return self._way.is_unchanged(before, after)


def _hold_back(plan: Plan) -> Tuple[Plan, Tuple[Step, ...]]:
    """Returns what a plan does now, and the steps that wait."""
    whole, waiting = arrange(plan)
    return replace(whole, steps=whole.steps[: len(whole.steps) - len(waiting)]), waiting
