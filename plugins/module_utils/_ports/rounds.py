# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The rounds of a change: carry it out, look again, change again what others changed meanwhile, or take all back.

They are the same whether the collection runs on the host or reaches it from the controller: that is the transport.
"""

from __future__ import annotations

from typing import List, Protocol, Sequence, Tuple, TypeVar

from ansible_collections.port443.https.plugins.module_utils._errors import HostError, Overtaken, Refused
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan, Step

_ROUNDS = 3  # looks after a change: somebody may insert a rule between our look and our change; not for ever

Seen = TypeVar("Seen")


class Transport(Protocol[Seen]):
    """The way to the rules of one firewall on one host; ``Seen`` is what a look finds there."""

    tries: int
    """How often a change is tried that did not come about, as what it was to be made in had changed."""
    patience: int
    """How often a change is tried that a tool refuses though nothing seems to have changed."""

    @property
    def unsettled(self) -> str:
        """What to say where the rules are not what was asked after several changes; all was taken back then."""

    def look(self) -> Tuple[Seen, Plan]:
        """Returns what is there now and the plan from that, tried where there is anything to do; raises HostError."""

    def apply(self, plan: Plan) -> None:
        """Carries out a plan, all or none; raises HostError, Refused or Overtaken where nothing of it is left."""

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back steps that were carried out; returns what could not be, as a sentence, or an empty string."""

    def is_unchanged(self, before: Seen, after: Seen) -> bool:
        """Tells whether nobody changed a rule between two looks."""


def carry_out(transport: Transport[Seen], seen: Seen, first: Plan) -> Tuple[Seen, Plan, Tuple[Step, ...]]:
    """Applies a plan, looks again and changes again what others changed meanwhile.

    Returns the last look, the first plan that was applied, and all steps; raises HostError with all taken back.
    """
    done: List[Step] = []
    try:
        first = _apply_anew(transport, seen, first, done)
        return _settle(transport, done), first, tuple(done)
    except HostError as problem:
        raise HostError(problem.message + transport.undo(done)) from None


def _settle(transport: Transport[Seen], done: List[Step]) -> Seen:
    """Changes again what others changed, until a look finds all as asked; returns that look."""
    for left in reversed(range(_ROUNDS)):
        seen, plan = transport.look()
        if not plan.steps:
            return seen
        if left:
            _apply_anew(transport, seen, plan, done)
    raise HostError(transport.unsettled)


def _apply_anew(transport: Transport[Seen], seen: Seen, plan: Plan, done: List[Step]) -> Plan:
    """Applies a plan, or one made anew where somebody changed what it was made from; returns the one applied.

    A tool does not always say whether a rule was gone that it should insert before (legacy iptables-restore does
    not), and what went may have come back: what is the same at each look was refused for another reason.
    """
    same = 0
    for left in reversed(range(transport.tries)):
        try:
            transport.apply(plan)
            break
        except (Refused, Overtaken) as problem:
            before = seen
            seen, anew = transport.look()
            same += isinstance(problem, Refused) and transport.is_unchanged(before, seen)
            if not left or same == transport.patience:
                raise
            plan = anew
    done += plan.steps
    return plan
