# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Guards watch over the changes of a run: their protocol, and the one that stops what ought to be confirmed."""

from __future__ import annotations

from typing import Callable, Protocol, Sequence, TypeVar

from ansible_collections.port443.https.plugins.module_utils._errors import HostError
from ansible_collections.port443.https.plugins.module_utils._host.firewall_host import FirewallHost
from ansible_collections.port443.https.plugins.module_utils._plan.apply import undo
from ansible_collections.port443.https.plugins.module_utils._plan.steps import Plan, Step, arrange, is_saved
from ansible_collections.port443.https.plugins.module_utils._ports.rounds import Transport

Seen = TypeVar("Seen")


class Guard(Protocol):
    """Watches over the changes of one run, of however many firewalls."""

    def arrange(self, plan: Plan) -> Plan:
        """Returns a plan with its steps in the order in which they will be carried out; only looks at it."""

    def over(self, way: Transport[Seen], plan: Plan, find_cut: Callable[[], str]) -> Transport[Seen]:
        """Returns the way to a firewall's rules on which a plan is to be carried out, and those that follow it.

        ``find_cut`` tells what connections to the host it would cut off, as Platform does. Raises HostError.
        """

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back steps that were carried out; returns what could not be, as a sentence, or an empty string."""

    def settle(self) -> None:
        """Is called once all was carried out that is to be now; raises HostError."""

    def give_up(self) -> None:
        """Is called once all was taken back because something failed."""


class Risky(HostError):
    """A change that was not begun, as it may cut off who asked for it and nobody said how to confirm it."""


class Caution:
    """A Guard that lets nothing begin that is risky."""

    def __init__(self, host: FirewallHost) -> None:
        self._host = host

    def arrange(self, plan: Plan) -> Plan:
        """Returns the plan in the order that it has where it is to be confirmed."""
        return arrange(plan)[0]

    def over(self, way: Transport[Seen], plan: Plan, find_cut: Callable[[], str]) -> Transport[Seen]:
        """Returns the same way; raises Risky where a main ruleset comes or is loaded anew, or who asked is cut off."""
        if all(is_saved(step) for step in plan.steps):
            return way
        why = "it switches a firewall on, or has it load all of its rules anew" if plan.risky else find_cut()
        if why:
            raise Risky(why)
        return way

    def undo(self, steps: Sequence[Step]) -> str:
        """Takes back steps that were carried out."""
        return undo(self._host, steps)

    def settle(self) -> None:
        """Has nothing to do."""

    def give_up(self) -> None:
        """Has nothing to do."""
